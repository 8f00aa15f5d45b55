/// The configuration in force, as files that a person may keep and apply.
package struct ExportReport: Codable, Sendable, Hashable {
  /// The YAML.
  package var document: String
  /// The rate files that it names, by the names it gives them.
  package var files: [String: String]

  package init(document: String, files: [String: String]) {
    (self.document, self.files) = (document, files)
  }
}
