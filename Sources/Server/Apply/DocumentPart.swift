import Directory
import Yams

/// What one file contributes.
struct DocumentPart {
  let file: ConfigurationFile
  let root: Field
  var document = DirectoryDocument()
  var hasPlatform = false

  /// The parts as one document; what may stand once only is reported when two files have it.
  static func joined(_ parts: [DocumentPart], _ problems: ProblemList) -> DirectoryDocument {
    var whole = DirectoryDocument()
    var hasPlatform = false
    for part in parts {
      whole.tenants += part.document.tenants
      whole.trunks += part.document.trunks
      whole.rates += part.document.rates
      if part.hasPlatform {
        if hasPlatform { part.report("platform", "stands in another file already") }
        whole.platform = part.document.platform
        hasPlatform = true
      }
      if let mail = part.document.mail {
        if whole.mail != nil { part.report("mail", "stands in another file already") }
        whole.mail = mail
      }
    }
    return whole
  }

  private func report(_ key: String, _ message: String) {
    let node = root.node[key] ?? root.node
    Field(node: node, path: root.path.key(key), file: root.file, problems: root.problems)
      .report(message)
  }
}

/// Finds the lines of fields that the compiler names.
struct FieldIndex {
  private let parts: [DocumentPart]

  init(_ parts: [DocumentPart]) {
    self.parts = parts
  }

  /// The problem with file and line: those of the field, or of what is nearest around it.
  func place(_ problem: DirectoryProblem) -> ConfigurationProblem {
    let (part, steps) = part(of: problem.path)
    guard let part else {
      return ConfigurationProblem(file: "", field: problem.path, message: problem.message)
    }
    var node = part.root.node
    walk: for step in steps {
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
      file: part.file.name, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0,
      field: problem.path, message: problem.message)
  }

  /// The file that an element of a joined list came from, and the way within that file.
  private func part(of path: FieldPath) -> (DocumentPart?, [FieldPath.Step]) {
    guard path.steps.count > 1, case .key(let key) = path.steps[0],
      case .item(var index, let name) = path.steps[1]
    else {
      let owner = parts.first { part in
        guard case .key(let key)? = path.steps.first else { return true }
        return part.root.node[key] != nil
      }
      return (owner ?? parts.first, path.steps)
    }
    for part in parts {
      let count = part.root.node[key]?.sequence?.count ?? 0
      if index < count {
        return (part, [.key(key), .item(index, name)] + path.steps.dropFirst(2))
      }
      index -= count
    }
    return (parts.first, path.steps)
  }
}
