/// A setting that cannot be used: which one, what is wrong with it, and what to write instead.
package struct ConfigurationError: Error, CustomStringConvertible, Sendable {
  package let field: String
  package let problem: String
  package let wayOut: String

  package init(field: String, problem: String, wayOut: String) {
    (self.field, self.problem, self.wayOut) = (field, problem, wayOut)
  }

  package var description: String { "\(field): \(problem). \(wayOut)" }
}

extension ConfigurationError {
  package static func unknownTrunk(_ name: String, known: [String]) -> ConfigurationError {
    ConfigurationError(
      field: "trunk", problem: "there is no trunk \"\(name)\"",
      wayOut: known.isEmpty
        ? "None is configured." : "Known are \(known.joined(separator: ", ")).")
  }
}
