import Directory
import Yams

/// Finds the lines of fields that the compiler names.
struct FieldIndex {
  let file: ConfigurationFile
  let root: Field

  /// The problem with file and line: those of the field, or of what is nearest around it.
  func place(_ problem: DirectoryProblem) -> ConfigurationProblem {
    var node = root.node
    walk: for step in problem.path.steps {
      switch step {
      case .key(let key):
        guard case .mapping = node, let child = node[key] else { break walk }
        node = child
      case .item(let index, _):
        guard case .sequence(let sequence) = node, sequence.indices.contains(index) else {
          break walk
        }
        node = sequence[index]
      }
    }
    return ConfigurationProblem(
      file: file.name, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0,
      field: problem.path, message: problem.message)
  }
}
