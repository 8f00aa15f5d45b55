import Elements

/// A scheme with its parameters: what challenges and credentials are made of (RFC 3261 §20.44, RFC 7235 §2.1).
package struct AuthenticationValue: Hashable, Sendable {
  /// One `name=value`.
  package struct Item: Hashable, Sendable {
    /// In lower case.
    package let name: String
    /// What stands between the quotes, escapes kept: the form that digests are computed of (RFC 7616 §3.4).
    package let raw: [UInt8]
    package let isQuoted: Bool

    package init(_ name: String, _ raw: [UInt8], isQuoted: Bool) {
      (self.name, self.raw, self.isQuoted) = (name.lowercased(), raw, isQuoted)
    }
  }

  /// The scheme as received: "Digest", "Bearer".
  package let scheme: String
  package var items: [Item]

  package init(scheme: String, items: [Item] = []) {
    (self.scheme, self.items) = (scheme, items)
  }

  package var isDigest: Bool { scheme.lowercased() == "digest" }

  /// The value between the quotes, escapes kept.
  package func raw(_ name: String) -> [UInt8]? { items.first { $0.name == name }?.raw }

  /// The value with its escapes resolved.
  package func bytes(_ name: String) -> [UInt8]? {
    guard let item = items.first(where: { $0.name == name }) else { return nil }
    guard item.isQuoted, item.raw.contains(UInt8(ascii: "\\")) else { return item.raw }
    let quoted = [UInt8(ascii: "\"")] + item.raw + [UInt8(ascii: "\"")]
    return quoted.span.unquoted(ByteRange(0, quoted.count))
  }

  /// The value as text; malformed UTF-8 is replaced.
  package func text(_ name: String) -> String? {
    bytes(name).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Adds a parameter in quotes; quotes and backslashes of the value are escaped.
  package mutating func add(quoted name: String, _ value: [UInt8]) {
    var text: [UInt8] = []
    text.appendQuoted(value)
    items.append(Item(name, Array(text.dropFirst().dropLast()), isQuoted: true))
  }

  /// Adds a parameter without quotes; the value is a token.
  package mutating func add(_ name: String, _ value: String) {
    items.append(Item(name, Array(value.utf8), isQuoted: false))
  }
}

extension AuthenticationValue: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: scheme.utf8)
    for (index, item) in items.enumerated() {
      bytes.append(contentsOf: index == 0 ? " ".utf8 : ", ".utf8)
      bytes.append(contentsOf: item.name.utf8)
      bytes.append(UInt8(ascii: "="))
      if item.isQuoted {
        item.serializeQuoted(into: &bytes)
      } else {
        bytes.append(contentsOf: item.raw)
      }
    }
  }
}

extension AuthenticationValue.Item {
  /// Writes the raw text between quotes; text that would end the quotes early is escaped as a whole.
  fileprivate func serializeQuoted(into bytes: inout [UInt8]) {
    let quoted = [UInt8(ascii: "\"")] + raw + [UInt8(ascii: "\"")]
    var offset = 0
    let taken = try? quoted.span.parseQuotedString(at: &offset, end: quoted.count)
    if taken != nil, offset == quoted.count {
      bytes.append(contentsOf: quoted)
    } else {
      bytes.appendQuoted(raw)
    }
  }
}

extension AuthenticationValue {
  /// Parses all values of one line; with several schemes, a comma may end a parameter or a scheme.
  ///
  /// What follows a scheme without `name=value` (a token68 of RFC 7235) is kept as the item "".
  package static func parseList(
    _ bytes: Span<UInt8>
  ) throws(SyntaxError) -> [AuthenticationValue] {
    var values: [AuthenticationValue] = []
    var offset = 0
    let end = bytes.count
    while true {
      while bytes.take(UInt8(ascii: ","), at: &offset, end: end) {}
      bytes.skipWhitespace(at: &offset, end: end)
      guard offset < end else { break }
      let scheme = bytes.copy(try bytes.parseToken(at: &offset, end: end))
      guard offset == end || isWhitespace(bytes[offset]) || bytes[offset] == 0x2C else {
        throw SyntaxError(expected: "white space behind the scheme", offset: offset)
      }
      var value = AuthenticationValue(scheme: String(decoding: scheme, as: UTF8.self))
      try value.parseItems(bytes, at: &offset)
      values.append(value)
      guard values.count <= MessageLimits.values else {
        throw SyntaxError(expected: "at most \(MessageLimits.values) values", offset: offset)
      }
    }
    guard !values.isEmpty else { throw SyntaxError(expected: "a scheme", offset: offset) }
    return values
  }

  /// Parses parameters until the next scheme or the end; leaves a comma in front of a scheme to the caller.
  private mutating func parseItems(
    _ bytes: Span<UInt8>, at offset: inout Int
  ) throws(SyntaxError) {
    let end = bytes.count
    bytes.skipWhitespace(at: &offset, end: end)
    while offset < end {
      var next = offset
      let name = bytes.run(of: .token, at: &next, end: end)
      guard !name.isEmpty, bytes.take(UInt8(ascii: "="), at: &next, end: end),
        let item = try parseItem(bytes, name, at: &next)
      else { return try parseRest(bytes, at: &offset) }
      items.append(item)
      guard items.count <= MessageLimits.parameters else {
        throw SyntaxError(expected: "at most \(MessageLimits.parameters) items", offset: offset)
      }
      offset = next
      bytes.skipWhitespace(at: &offset, end: end)
      guard offset < end else { return }
      guard bytes.take(UInt8(ascii: ","), at: &offset, end: end) else {
        throw SyntaxError(expected: "a comma", offset: offset)
      }
      while bytes.take(UInt8(ascii: ","), at: &offset, end: end) {}
      if startsScheme(bytes, at: offset) { return }
    }
  }

  private func parseItem(
    _ bytes: Span<UInt8>, _ name: ByteRange, at offset: inout Int
  ) throws(SyntaxError) -> Item? {
    let text = String(decoding: bytes.copy(name), as: UTF8.self)
    if bytes.peek(offset, end: bytes.count) == UInt8(ascii: "\"") {
      let value = try bytes.parseQuotedString(at: &offset, end: bytes.count)
      let inner = ByteRange(Int(value.lower) + 1, Int(value.upper) - 1)
      return Item(text, bytes.copy(inner), isQuoted: true)
    }
    // A second "=" is the padding of a token68.
    guard bytes.peek(offset, end: bytes.count) != UInt8(ascii: "=") else { return nil }
    let value = bytes.run(of: .parameterValue, at: &offset, end: bytes.count)
    return value.isEmpty ? nil : Item(text, bytes.copy(value), isQuoted: false)
  }

  /// A token and white space, but no "=": the scheme of the next value.
  private func startsScheme(_ bytes: Span<UInt8>, at offset: Int) -> Bool {
    var next = offset
    guard !bytes.run(of: .token, at: &next, end: bytes.count).isEmpty else { return false }
    bytes.skipWhitespace(at: &next, end: bytes.count)
    return bytes.peek(next, end: bytes.count) != UInt8(ascii: "=")
  }

  /// Keeps what is no `name=value` up to the next comma: legal behind a scheme only.
  private mutating func parseRest(
    _ bytes: Span<UInt8>, at offset: inout Int
  ) throws(SyntaxError) {
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: ",") { offset += 1 }
    let rest = bytes.trimmed(start, offset)
    guard rest.isEmpty || items.isEmpty && !isDigest else {
      throw SyntaxError(expected: "a parameter", offset: start)
    }
    if !rest.isEmpty { items.append(Item("", bytes.copy(rest), isQuoted: false)) }
  }
}
