import Foundation

/// What an SSH server's settings say of passwords.
package struct SSHSettings {
  /// Whether a password opens a session, by itself or through the system's own questions.
  package let takesPasswords: Bool

  /// The text of sshd_config; `included` gives the texts that a pattern of Include names, in their order.
  package init(_ text: String, included: (String) -> [String] = { _ in [] }) {
    var values: [String: String] = [:]
    Self.read(text, included, into: &values)
    func isOn(_ key: String, unless usual: Bool) -> Bool { values[key].map { $0 != "no" } ?? usual }
    // sshd_config(5): "challengeresponseauthentication" is the old name of the second.
    let asks =
      isOn("kbdinteractiveauthentication", unless: true)
      && isOn("challengeresponseauthentication", unless: true) && isOn("usepam", unless: false)
    takesPasswords =
      isOn("passwordauthentication", unless: true) || asks || values[Self.forSome] == "yes"
  }

  /// Those of this machine; nil where they cannot be read.
  static func ofThisMachine() -> SSHSettings? {
    let folder = "/etc/ssh"
    guard let text = try? String(contentsOfFile: "\(folder)/sshd_config", encoding: .utf8) else {
      return nil
    }
    return SSHSettings(text) { pattern in
      // Of patterns only the one that is in use everywhere.
      guard pattern.hasSuffix("/*.conf") else { return [] }
      let path = String(pattern.dropLast("/*.conf".count))
      let place = path.hasPrefix("/") ? path : "\(folder)/\(path)"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
      return names.filter { $0.hasSuffix(".conf") }.sorted()
        .compactMap { try? String(contentsOfFile: "\(place)/\($0)", encoding: .utf8) }
    }
  }

  /// A password opens a session of some users at least.
  private static let forSome = "match passwordauthentication"

  /// The first value of each key counts, and those behind Match only for some: what is opened there counts.
  private static func read(
    _ text: String, _ included: (String) -> [String], into values: inout [String: String]
  ) {
    var isForSome = false
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split { $0 == " " || $0 == "\t" || $0 == "=" }
      guard words.count >= 2, !words[0].hasPrefix("#") else { continue }
      let key = words[0].lowercased()
      if key == "match" { isForSome = true }
      if isForSome {
        let opens = key == "passwordauthentication" && words[1].lowercased() == "yes"
        if opens { values[forSome] = "yes" }
      } else if key == "include" {
        // An included file does not include again.
        for text in words.dropFirst().flatMap({ included(String($0)) }) {
          read(text, { _ in [] }, into: &values)
        }
      } else if values[key] == nil {
        values[key] = words[1].lowercased()
      }
    }
  }
}
