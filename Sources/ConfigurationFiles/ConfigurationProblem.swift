package import Directory

/// Something wrong in a file of the configuration: file, line, field, what, and the way out.
package struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
  package let file: String
  /// From 1; 0 where the whole file is meant.
  package let line: Int
  package let column: Int
  package let field: FieldPath
  package let message: String

  package init(file: String, line: Int = 0, column: Int = 0, field: FieldPath, message: String) {
    (self.file, self.line, self.column) = (file, line, column)
    (self.field, self.message) = (field, message)
  }

  /// "office.yaml:12: tenants → office → limits → spend → day: expected an amount …".
  package var description: String {
    let place = line > 0 ? "\(file):\(line)" : file
    return field.steps.isEmpty ? "\(place): \(message)" : "\(place): \(field): \(message)"
  }
}

/// All that is wrong, in the order of the files; nothing was changed.
package struct ConfigurationProblems: Error, Hashable, Sendable, CustomStringConvertible {
  package let problems: [ConfigurationProblem]

  package init(_ problems: [ConfigurationProblem]) {
    self.problems = problems
  }

  package var description: String { problems.map(\.description).joined(separator: "\n") }
}
