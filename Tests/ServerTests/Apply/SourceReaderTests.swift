import ConfigurationFiles
import Directory
import Elements
import Foundation
import Server
import Testing

@Suite struct SourceReaderTests {
  private func sources(_ draft: CheckedConfiguration) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: draft.snapshot.devices.map {
        (String(decoding: $0.username, as: UTF8.self), $0.sources.description)
      })
  }

  @Test("A phone goes by its own list, else its extension's, else its tenant's")
  func levels() throws {
    let yaml = """
      version: 1
      platform: { countries: "\(countriesFile)" }
      tenants:
        - name: office
          domain: office.example
          country: ES
          sources: 10.0.0.0/8
          source_countries: es
          extensions:
            - number: "101"
            - { number: "102", sources: [192.0.2.0/24] }
            - number: "103"
              sources: ["192.0.2.3"]
              devices: [{ username: desk }, { username: mobile, source_countries: [FR] }]
            - { number: "104", username: own, sources: ["192.0.2.4"], devices: [{ username: other }] }
            - number: "105"
          devices: [{ username: base, extensions: ["105"] }]
      """
    let draft = try read(yaml)
    #expect(
      sources(draft) == [
        "101": "10.0.0.0/8, ES", "102": "192.0.2.0/24", "desk": "192.0.2.3", "mobile": "FR",
        "own": "192.0.2.4", "other": "192.0.2.4", "base": "10.0.0.0/8, ES",
      ])
    let written = try ConfigurationWriter().write(draft.document).yaml
    #expect(try read(written, previous: draft.document).document == draft.document)
  }

  @Test("Neither an empty list nor one that nobody goes by is taken for something")
  func misleading() {
    let empty = officeYAML.replacing(
      "- number: \"102\"", with: "- { number: \"102\", sources: [] }")
    #expect(
      complaints(empty) == [
        """
        office.yaml:15: tenants → office → extensions → 102 → sources: an empty list; leave the key out to go by what \
        stands above it, or write sources: [0.0.0.0/0, "::/0"] for everywhere
        """
      ])
    let served = officeYAML.replacing(
      "- number: \"102\"", with: "- { number: \"102\", sources: [\"192.0.2.1\"] }"
    ).replacing(
      "trunks: [carrier]\n",
      with: "trunks: [carrier]\n    devices: [{ username: base, extensions: [\"102\"] }]\n")
    #expect(
      complaints(served) == [
        """
        office.yaml:15: tenants → office → extensions → 102 → sources: the extension has no phone of its own; write \
        this with the device that serves it
        """
      ])
  }

  /// The office with countries, and a file of that content.
  private func withFile(_ content: String, _ body: (String, String) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "countries-\(UUID()).csv")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(content.utf8).write(to: file)
    try body(
      officeYAML + "\nplatform: { countries: \"\(file.path)\" }\n", file.path)
  }

  @Test("What is wrong with the file of countries is told with its own lines")
  func badFiles() throws {
    try withFile("192.0.2.0/24,ES\n192.0.3.0/24,Spain\n192.0.4/24,FR\n") { yaml, path in
      #expect(
        complaints(yaml) == [
          "\(path):2: country: \"Spain\" is not a country; two letters of ISO 3166 are read, such as ES",
          "\(path):3: network: \"192.0.4/24\" is not a network such as 192.0.2.0/24",
        ])
    }
    for (value, expected) in [
      ("countries.csv", "write the whole path, from / on: the server reads it, wherever it runs"),
      (
        "/nowhere/countries.csv",
        "there is no file at /nowhere/countries.csv that the server can read"
      ),
      ("[]", "expected one file, or up to 8; leave the key out for none"),
    ] {
      let found = complaints(officeYAML + "\nplatform: { countries: \(value) }\n")
      #expect(found.count == 1 && found[0].contains(expected), "\(found)")
      #expect(found.first?.hasPrefix("office.yaml:27: platform → countries") == true, "\(found)")
    }
  }

  @Test("Countries without a file are refused with the key that names one")
  func noFile() {
    let yaml = officeYAML.replacing(
      "- number: \"102\"", with: "- { number: \"102\", source_countries: [ES] }")
    let found = complaints(yaml)
    #expect(found.count == 1)
    #expect(
      found.first?.contains("name a file that does with \"countries\" of \"platform\"") == true)
  }
}
