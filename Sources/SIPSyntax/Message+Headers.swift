import Elements

// Typed header fields on demand. Offsets of errors count from the start of the value.
extension Message {
  /// All Via values, from the top down.
  package func vias() throws(SyntaxError) -> [Via] {
    var vias: [Via] = []
    for range in values(.via) { vias.append(try Via(parsing: bytes[range.range].span)) }
    return vias
  }

  /// The contacts; ``MessageParser`` has checked their form.
  package func contacts() throws(SyntaxError) -> ContactList {
    if let range = first(.contact), bytes[range.range] == [UInt8(ascii: "*")] { return .all }
    return .contacts(try addresses(.contact))
  }

  /// Name-addr values of a field, from all its lines: Route, Record-Route, Path, and so on.
  package func addresses(_ name: HeaderName) throws(SyntaxError) -> [NameAddress] {
    var addresses: [NameAddress] = []
    for range in values(name) {
      addresses.append(try NameAddress(parsing: bytes[range.range].span))
    }
    return addresses
  }

  package func routes() throws(SyntaxError) -> [NameAddress] { try addresses(.route) }
  package func recordRoutes() throws(SyntaxError) -> [NameAddress] { try addresses(.recordRoute) }
  package func path() throws(SyntaxError) -> [NameAddress] { try addresses(.path) }

  /// Tokens of all lines of a field: Supported, Require, Allow, Allow-Events, Privacy and others.
  ///
  /// The part of a value behind a semicolon is cut.
  package func tokens(_ name: HeaderName) -> TokenList {
    TokenList(
      values(name).map { range in
        let value = bytes[range.range]
        return Array(value.prefix { $0 != UInt8(ascii: ";") && !isWhitespace($0) })
      })
  }

  /// A field that is one number, such as Expires or RSeq; nil if it is missing, malformed or 2^32 and above.
  package func number(_ name: HeaderName) -> UInt32? {
    guard let range = first(name) else { return nil }
    var offset = Int(range.lower)
    let number = try? bytes.span.parseNumber(at: &offset, end: Int(range.upper), below: 1 << 32)
    return number.flatMap { offset == Int(range.upper) ? UInt32($0) : nil }
  }
}

/// The Contact header fields of a message.
package enum ContactList: Hashable, Sendable {
  /// "*": all bindings, in a REGISTER (RFC 3261 §10.2.2).
  case all
  case contacts([NameAddress])

  package var isEmpty: Bool { self == .contacts([]) }
}

/// A list of tokens, compared without regard to case (RFC 3261 §7.3.1).
package struct TokenList: Hashable, Sendable {
  /// The tokens in lower case.
  package let lowercased: [[UInt8]]
  /// The tokens as received.
  package let tokens: [[UInt8]]

  init(_ tokens: [[UInt8]]) {
    self.tokens = tokens
    lowercased = tokens.map { $0.map { SIPSyntax.lowercased($0) } }
  }

  package var isEmpty: Bool { tokens.isEmpty }
  package var texts: [String] { tokens.map { String(decoding: $0, as: UTF8.self) } }

  /// True if the token is there; `token` in lower case.
  package func contains(_ token: StaticString) -> Bool {
    token.withUTF8Buffer { name in lowercased.contains { unsafe $0.elementsEqual(name) } }
  }
}
