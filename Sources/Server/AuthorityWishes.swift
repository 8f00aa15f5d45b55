import ConfigurationFiles
import Elements
import Foundation

/// An authority that issues certificates to us by ACME (RFC 8555), as the settings have it.
package struct AuthorityWishes: Hashable, Sendable {
  private(set) var directory: String?
  private(set) var names: [String] = []
  private var contacts: [String] = []
  private var listeners: [Endpoint] = []

  /// Orders run one after the other; a name takes some seconds.
  private static let mostNames = 200

  package init() {}

  mutating func set(_ key: String, to text: String) throws(ConfigurationError) {
    let words = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    switch key {
    case "acme_directory":
      guard text.hasPrefix("https://"), text.utf8.count <= 1_000 else {
        throw ConfigurationError(
          field: key, problem: "\"\(text)\" is not the https address of a directory",
          wayOut:
            "Write that of your authority, such as https://acme-v02.api.letsencrypt.org/directory.")
      }
      directory = text
    case "acme_names":
      names = words.map { $0.lowercased() }
      if let wrong = names.first(where: { !Self.isPublicName($0) }) {
        throw ConfigurationError(
          field: key, problem: "\"\(wrong)\" is not a host name that an authority could look at",
          wayOut:
            "Write whole names such as pbx.example.com; addresses and wildcards get none over HTTP."
        )
      }
      guard Set(names).count == names.count, names.count <= Self.mostNames else {
        throw ConfigurationError(
          field: key,
          problem: "a name stands there twice, or there are more than \(Self.mostNames)",
          wayOut: "Write each name once.")
      }
    case "acme_contact":
      contacts = words
      if let wrong = words.first(where: { $0.split(separator: "@").count != 2 || $0.contains(" ") })
      {
        throw ConfigurationError(
          field: key, problem: "\"\(wrong)\" is not an address of mail",
          wayOut: "Write one such as admin@example.com, or leave it out.")
      }
    case _:
      listeners = []
      for word in words { listeners.append(try Configuration.endpoint(word, field: key)) }
    }
  }

  /// What is to be done; nil where no certificate is wanted.
  func settings() throws(ConfigurationError) -> AuthoritySettings? {
    switch (directory, names.isEmpty) {
    case (nil, true): return nil
    case (nil, false):
      throw ConfigurationError(
        field: "acme_names", problem: "there is no authority to ask for them",
        wayOut: "Name its directory with acme_directory.")
    case (_, true):
      throw ConfigurationError(
        field: "acme_directory", problem: "there is no name to get a certificate for",
        wayOut: "Write the names that phones connect to into acme_names.")
    case (let directory?, false):
      let everywhere =
        [Endpoint(.v4Any, 80)] + (Configuration.hasIPv6 ? [Endpoint(.v6Any, 80)] : [])
      return AuthoritySettings(
        directory: directory, names: names, contacts: contacts,
        listeners: listeners.isEmpty ? everywhere : listeners)
    }
  }

  private static func isPublicName(_ name: String) -> Bool {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    return labels.count > 1 && name.utf8.count <= 253 && IPAddress(name) == nil
      && labels.allSatisfy { label in
        !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
          && label.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
              UInt8(ascii: "-"):
              true
            case _: false
            }
          }
      }
  }
}
