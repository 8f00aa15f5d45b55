import Directory
import Elements
import Yams

/// Collects problems while a file is read.
final class ProblemList {
  private(set) var problems: [ConfigurationProblem] = []
  /// Bound on the list; a file with more is another kind of file.
  static let most = 200

  /// What is not taken any more is not put into words either.
  func report(_ problem: @autoclosure () -> ConfigurationProblem) {
    if problems.count < Self.most { problems.append(problem()) }
  }

  /// All of them, those of each file by line; the rate files first, then the one of that name.
  func sorted(last name: String) -> ConfigurationProblems {
    func key(_ problem: ConfigurationProblem) -> (Int, String, Int) {
      (problem.file == name ? 1 : 0, problem.file, problem.line)
    }
    let order = problems.enumerated().sorted { left, right in
      let (a, b) = (key(left.element), key(right.element))
      return a == b ? left.offset < right.offset : a < b
    }
    return ConfigurationProblems(order.map(\.element))
  }
}

/// A value in a file, and the way to it.
struct Field {
  let node: Node
  let path: FieldPath
  let file: String
  let problems: ProblemList

  func report(_ message: @autoclosure () -> String) {
    problems.report(
      ConfigurationProblem(
        file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, field: path,
        message: message()))
  }

  /// What stands there, for messages.
  private var shown: String {
    switch node {
    case .scalar(let scalar):
      scalar.string.count > 40 ? "\"\(scalar.string.prefix(40))…\"" : "\"\(scalar.string)\""
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  private func scalar(_ expected: String) -> String? {
    if case .scalar(let scalar) = node { return scalar.string }
    report("expected \(expected), found \(shown)")
    return nil
  }

  /// The text as written, also of what YAML takes for a number: "0101" keeps its zero, NO is Norway.
  func text() -> String? { scalar("a text") }

  func wholeNumber() -> Int? {
    guard let text = scalar("a whole number") else { return nil }
    if let number = Int(text) { return number }
    report("expected a whole number, found \(shown)")
    return nil
  }

  func truth() -> Bool? {
    guard let text = scalar("true or false") else { return nil }
    switch text.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    case _:
      report("expected true or false, found \(shown)")
      return nil
    }
  }

  /// Millionths of the currency.
  func amount() -> Int64? {
    guard let text = scalar("an amount") else { return nil }
    guard let amount = DecimalAmount(text) else {
      report("expected an amount such as 10 or 0.0475, found \(shown)")
      return nil
    }
    guard amount.micros >= 0 else {
      report("an amount of a limit may not be negative, found \(shown)")
      return nil
    }
    return amount.micros
  }

  /// True for the word that takes a limit away.
  var isNone: Bool {
    if case .scalar(let scalar) = node { scalar.string == "none" } else { false }
  }

  /// One of the words of an enumeration.
  func word<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) -> Word?
  where Word.RawValue == String {
    let words = Word.allCases.map(\.rawValue)
    guard let text = scalar(words.joined(separator: ", ")) else { return nil }
    if let word = Word(rawValue: text) { return word }
    report("expected \(words.joined(separator: ", ")), found \(shown)\(hint(text, words))")
    return nil
  }

  /// The elements of a list, each named by its `nameKey` in paths.
  func list(namedBy nameKeys: String...) -> [Field] {
    guard case .sequence(let sequence) = node else {
      report("expected a list, found \(shown)")
      return []
    }
    return sequence.enumerated().map { index, element in
      let name = nameKeys.lazy.compactMap { element[$0]?.scalar?.string }.first
      return Field(node: element, path: path.item(index, name), file: file, problems: problems)
    }
  }

  /// A list of texts; one text alone is a list of one.
  func texts() -> [String] {
    if case .scalar(let scalar) = node { return [scalar.string] }
    return list().compactMap { $0.text() }
  }

  /// The mapping with these keys; a key that is not among them is a problem.
  func mapping(_ keys: KeySet) -> Mapping? {
    guard case .mapping(let mapping) = node else {
      report("expected a mapping with the keys of \(keys.name), found \(shown)")
      return nil
    }
    var fields: [String: Field] = [:]
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        Field(node: key, path: path, file: file, problems: problems).report("a key is a text")
        continue
      }
      guard keys.keys.contains(name) else {
        let field = Field(node: key, path: path.key(name), file: file, problems: problems)
        field.report(
          "\(keys.name) has no key \"\(name)\"\(Self.hint(name, keys.keys))")
        continue
      }
      let field = Field(node: value, path: path.key(name), file: file, problems: problems)
      guard value.null == nil else {
        // Taken for left out, what protects somebody would be gone without a word; a password stays as it is.
        if name != "password" { field.report("has no value; give it one, or leave the key out") }
        continue
      }
      fields[name] = field
    }
    return Mapping(field: self, keys: keys, fields: fields)
  }

  private func hint(_ text: String, _ words: [String]) -> String {
    SpellingHint.nearest(to: text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
  }

  private static func hint(_ name: String, _ keys: [String]) -> String {
    SpellingHint.nearest(to: name, among: keys).map { "; did you mean \"\($0)\"?" }
      ?? "; it has \(keys.joined(separator: ", "))"
  }
}

/// A mapping whose keys have been checked.
struct Mapping {
  let field: Field
  let keys: KeySet
  private let fields: [String: Field]

  init(field: Field, keys: KeySet, fields: [String: Field]) {
    (self.field, self.keys, self.fields) = (field, keys, fields)
  }

  /// Nil where the key is left out.
  subscript(_ key: String) -> Field? {
    invariant(keys.keys.contains(key), "\(keys.name) has no key \(key)")
    return fields[key]
  }

  /// Reports when the key is left out.
  func required(_ key: String) -> Field? {
    if let found = self[key] { return found }
    field.report("\(keys.name) needs \"\(key)\"")
    return nil
  }

  func text(_ key: String) -> String? { self[key]?.text() }
  func wholeNumber(_ key: String) -> Int? { self[key]?.wholeNumber() }
  func texts(_ key: String) -> [String] { self[key]?.texts() ?? [] }
}
