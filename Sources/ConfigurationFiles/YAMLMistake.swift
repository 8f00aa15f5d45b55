package import Yams

/// Why a file is no YAML: what is wrong, in a line, the way out, and where.
package struct YAMLMistake: Error {
  package let problem: String
  package let wayOut: String
  package let mark: Mark?

  init(problem: String, wayOut: String, mark: Mark? = nil) {
    (self.problem, self.wayOut, self.mark) = (problem, wayOut, mark)
  }

  init(_ error: YamlError) {
    switch error {
    case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level"):
      self.init(
        problem: "lists and mappings stand too deep in one another",
        wayOut: "Look for a bracket that is not closed", mark: mark)
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let text = context.map { "\(problem) (\($0.text))" } ?? problem
      self.init(
        problem: "not YAML: \(text)",
        wayOut: "Look at the indentation, which has no tabs, and quote texts with : or #",
        mark: mark)
    case .duplicatedKeysInMapping(let keys, let context):
      self.init(
        problem: "not YAML: a key stands there twice: \(keys.joined(separator: ", "))",
        wayOut: "Take one out", mark: context.mark)
    case .reader(let text, _, _, _):
      self.init(problem: "not YAML: \(text)", wayOut: "Save it as UTF-8 text")
    case _:
      self.init(problem: "not YAML: \(error)", wayOut: "Mend it, and try again")
    }
  }
}
