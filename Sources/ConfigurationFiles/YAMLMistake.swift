package import Yams

/// Why a file is no YAML: what is wrong, in a line, the way out, and where.
package struct YAMLMistake {
  package let problem: String
  package let wayOut: String
  package let mark: Mark?

  package init(_ error: YamlError) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let text = context.map { "\(problem) (\($0.text))" } ?? problem
      self.problem = "not YAML: \(text)"
      wayOut = "Look at the indentation, which has no tabs, and quote texts with : or #"
      self.mark = mark
    case .duplicatedKeysInMapping(let keys, let context):
      problem = "not YAML: a key stands there twice: \(keys.joined(separator: ", "))"
      (wayOut, mark) = ("Take one out", context.mark)
    case .reader(let text, _, _, _):
      (problem, wayOut, mark) = ("not YAML: \(text)", "Save it as UTF-8 text", nil)
    case _:
      (problem, wayOut, mark) = ("not YAML: \(error)", "Mend it, and try again", nil)
    }
  }
}
