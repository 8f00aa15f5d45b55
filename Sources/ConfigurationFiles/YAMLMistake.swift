import CYaml
import Yams

/// Why a file is no YAML: what is wrong, in a line, the way out, and where.
package struct YAMLMistake: Error {
  package let problem: String
  package let wayOut: String
  /// Nil where the whole file is meant.
  package let place: Place?

  /// Line and column, both from 1.
  package struct Place {
    package let line: Int
    package let column: Int
  }

  init(problem: String, wayOut: String, place: Place? = nil) {
    (self.problem, self.wayOut, self.place) = (problem, wayOut, place)
  }

  /// What the reader of the text stumbled over.
  init(_ parser: yaml_parser_t) {
    let said = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
    let place = Place(parser.problem_mark)
    if said.hasPrefix("Maximum nesting level") {
      self.init(
        problem: "lists and mappings stand too deep in one another",
        wayOut: "Look for a bracket that is not closed", place: place)
    } else if parser.error == YAML_READER_ERROR {
      self.init(problem: "not YAML: \(said)", wayOut: "Save it as UTF-8 text")
    } else {
      let context = parser.context.map { " (\(String(cString: $0)))" } ?? ""
      self.init(
        problem: "not YAML: \(said)\(context)",
        wayOut: "Look at the indentation, which has no tabs, and quote texts with : or #",
        place: place)
    }
  }

  /// What is wrong with the whole of a text that could be read.
  init(_ error: YamlError) {
    switch error {
    case .composer(_, let problem, let mark, _):
      self.init(
        problem: "not YAML: \(problem)", wayOut: "Mend it, and try again", place: Place(mark))
    case .duplicatedKeysInMapping(let keys, let context):
      self.init(
        problem: "not YAML: a key stands there twice: \(keys.joined(separator: ", "))",
        wayOut: "Take one out", place: Place(context.mark))
    case _:
      self.init(problem: "not YAML: \(error)", wayOut: "Mend it, and try again")
    }
  }
}

extension YAMLMistake.Place {
  init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }

  fileprivate init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}
