import CYaml
package import Yams

/// Text that should be YAML: everything that is read as such goes through here.
package enum YAMLText {
  /// About how deep lists and mappings may stand in one another: the scanner looks at every open bracket again for each token.
  ///
  /// The deepest of a configuration are eight.
  private static let limited: Void = yaml_set_max_nest_level(10)

  /// The document of a text; nil when it has none.
  ///
  /// Every value in it is a text: whether it is a number or a truth is asked by whoever reads it, of what it should be one, and
  /// not of each word by seven regular expressions.
  ///
  /// - Throws: What is wrong with it, a `YAMLMistake`.
  package static func compose(_ text: String) throws(YAMLMistake) -> Node? {
    _ = limited
    try YAMLShape.check(text)
    do {
      return try Yams.compose(yaml: text, .basic)
    } catch let error as YamlError {
      throw YAMLMistake(error)
    } catch {
      throw YAMLMistake(problem: "not YAML: \(error)", wayOut: "Mend it, and try again")
    }
  }
}
