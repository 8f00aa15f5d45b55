import Elements

/// What a caller wants hidden (RFC 3323 §4.2, RFC 3325 §9.3).
package struct Privacy: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Hide what identifies the user in header fields that the user agent cannot hide itself.
  package static let header = Privacy(rawValue: 1)
  /// Hide the media addresses.
  package static let session = Privacy(rawValue: 2)
  /// Hide as the user agent itself would.
  package static let user = Privacy(rawValue: 4)
  /// Hide the asserted identity towards everybody untrusted.
  package static let id = Privacy(rawValue: 8)
  /// Rather fail than reveal.
  package static let critical = Privacy(rawValue: 16)
  /// Reveal, whatever a subscription says; excludes the others.
  package static let none = Privacy(rawValue: 32)
  /// Hide the history of the call (RFC 7044 §10.1).
  package static let history = Privacy(rawValue: 64)

  /// The words in the order in which they are written.
  private static let words: [(Privacy, String)] = [
    (.header, "header"), (.session, "session"), (.user, "user"), (.id, "id"),
    (.history, "history"), (.none, "none"), (.critical, "critical"),
  ]

  /// Parses `priv-value *( ";" priv-value )`; words that we do not know are skipped.
  ///
  /// A comma is taken for a semicolon, as some phones write it.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var privacy: Privacy = []
    var offset = 0
    repeat {
      bytes.skipWhitespace(at: &offset, end: bytes.count)
      let word = bytes.copy(try bytes.parseToken(at: &offset, end: bytes.count))
      let text = String(decoding: word, as: UTF8.self).lowercased()
      if let known = Self.words.first(where: { $0.1 == text }) { privacy.insert(known.0) }
    } while bytes.take(UInt8(ascii: ";"), at: &offset, end: bytes.count)
      || bytes.take(UInt8(ascii: ","), at: &offset, end: bytes.count)
    guard offset == bytes.count else {
      throw SyntaxError(expected: "a semicolon", offset: offset)
    }
    self = privacy
  }

  /// True if the number of the caller must not be shown to the called party.
  package var hidesIdentity: Bool {
    !contains(.none) && !isDisjoint(with: [.id, .user, .header])
  }
}

extension Privacy: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    let words = Self.words.filter { contains($0.0) }.map(\.1)
    bytes.append(contentsOf: words.joined(separator: ";").utf8)
  }
}
