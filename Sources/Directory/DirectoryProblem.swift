/// Something wrong in a document: where, what, and the way out.
package struct DirectoryProblem: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: FieldPath
  package let message: String

  package init(_ path: FieldPath, _ message: String) {
    (self.path, self.message) = (path, message)
  }

  package var description: String { "\(path): \(message)" }
}

/// Everything that is wrong with a document, in its own order; nothing was changed.
package struct DirectoryProblems: Error, Hashable, Sendable, CustomStringConvertible {
  package let problems: [DirectoryProblem]

  package var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}

/// The way to a field: tenants, the one called office, its extension 101, its name.
package struct FieldPath: Hashable, Sendable, CustomStringConvertible {
  package enum Step: Hashable, Sendable {
    case key(String)
    /// An element of a list, with its name where it has one.
    case item(Int, String?)
  }

  package let steps: [Step]

  package init(_ steps: [Step] = []) {
    self.steps = steps
  }

  package func key(_ name: String) -> FieldPath { FieldPath(steps + [.key(name)]) }
  package func item(_ index: Int, _ name: String? = nil) -> FieldPath {
    FieldPath(steps + [.item(index, name)])
  }

  /// "tenants → office → extensions → 101 → name"; nameless elements are counted from 1.
  package var description: String {
    steps.map { step in
      switch step {
      case .key(let name): name
      case .item(let index, let name): name ?? "no. \(index + 1)"
      }
    }.joined(separator: " → ")
  }
}
