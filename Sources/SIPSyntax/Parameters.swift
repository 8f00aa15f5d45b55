import Elements

/// The parameters behind a value: `;tag=abc;q=0.5;lr` (generic-param, RFC 3261 §25.1), as received.
package struct Parameters: Hashable, Sendable, CustomStringConvertible {
  /// The text from the first semicolon on, or nothing.
  package let bytes: [UInt8]

  package static let none = Parameters(bytes: [])

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    try bytes.forEachParameter(at: &offset, end: bytes.count) { _, _ in }
    guard offset == bytes.count else {
      throw SyntaxError(expected: "the end of the parameters", offset: offset)
    }
    self.init(bytes: bytes.copy(ByteRange(0, bytes.count)))
  }

  /// Builds parameters; a value that is no token is quoted.
  package init(_ items: [(name: String, value: String?)]) {
    var bytes: [UInt8] = []
    for item in items { bytes.appendParameter(item.name, item.value.map { Array($0.utf8) }) }
    self.init(bytes: bytes)
  }

  package var isEmpty: Bool { bytes.isEmpty }
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// True if the parameter is there, with or without a value.
  package func has(_ name: StaticString) -> Bool { find(name) != nil }

  /// The value without quotes; nil if the parameter is missing or has none.
  package func bytes(_ name: StaticString) -> [UInt8]? {
    guard let value = find(name), !value.isEmpty else { return nil }
    return bytes.span.unquoted(value)
  }

  /// The value as received, with its quotes if it has any.
  package func verbatim(_ name: StaticString) -> [UInt8]? {
    guard let value = find(name), !value.isEmpty else { return nil }
    return bytes.span.copy(value)
  }

  /// The value without quotes as text; malformed UTF-8 is replaced.
  package func text(_ name: StaticString) -> String? {
    bytes(name).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The value as a number; nil if it is missing or none below `limit`.
  package func number(_ name: StaticString, below limit: UInt64) -> UInt64? {
    guard let value = find(name) else { return nil }
    var offset = Int(value.lower)
    let number = try? bytes.span.parseNumber(at: &offset, end: Int(value.upper), below: limit)
    return offset == Int(value.upper) ? number : nil
  }

  /// Names in lower case and values without quotes, in their order.
  package var all: [(name: String, value: [UInt8]?)] {
    var found: [(name: String, value: [UInt8]?)] = []
    scan { name, value in
      let name = String(decoding: bytes[name.range], as: UTF8.self).lowercased()
      found.append((name, value.isEmpty ? nil : bytes.span.unquoted(value)))
      return true
    }
    return found
  }

  /// The same parameters without those of that name.
  package func without(_ name: StaticString) -> Parameters {
    var kept: [UInt8] = []
    scan { found, value in
      guard !bytes.span.equals(found, ignoringCase: name) else { return true }
      kept.append(UInt8(ascii: ";"))
      kept += bytes[found.range]
      if !value.isEmpty { kept += [UInt8(ascii: "=")] + bytes[value.range] }
      return true
    }
    return Parameters(bytes: kept)
  }

  /// The same parameters and one more, which takes the place of an older one of that name.
  package func with(_ name: StaticString, _ value: String?) -> Parameters {
    var bytes = without(name).bytes
    bytes.appendParameter("\(name)", value.map { Array($0.utf8) })
    return Parameters(bytes: bytes)
  }

  private func find(_ name: StaticString) -> ByteRange? {
    var found: ByteRange?
    scan { candidate, value in
      guard bytes.span.equals(candidate, ignoringCase: name) else { return true }
      found = value
      return false
    }
    return found
  }

  /// Calls `body` with the range of each name and value until it says false.
  private func scan(_ body: (ByteRange, ByteRange) -> Bool) {
    var offset = 0
    var goesOn = true
    // The text has been parsed before; nothing can be thrown here.
    try? bytes.span.forEachParameter(at: &offset, end: bytes.count) { name, value in
      if goesOn { goesOn = body(name, value) }
    }
  }
}

extension Span where Element == UInt8 {
  /// Parses `*( SEMI generic-param )` and calls `body` with the ranges of name and value (empty if none).
  ///
  /// Stops without an error in front of the first byte that is no semicolon.
  @inline(__always)
  func forEachParameter(
    at offset: inout Int, end: Int, _ body: (ByteRange, ByteRange) -> Void
  ) throws(SyntaxError) {
    var count = 0
    while take(UInt8(ascii: ";"), at: &offset, end: end) {
      let name = try parseToken(at: &offset, end: end)
      var value = ByteRange(offset, offset)
      if take(UInt8(ascii: "="), at: &offset, end: end) {
        value = try parseParameterValue(at: &offset, end: end)
      }
      body(name, value)
      count += 1
      guard count <= MessageLimits.parameters else {
        throw SyntaxError(
          expected: "at most \(MessageLimits.parameters) parameters", offset: offset)
      }
    }
  }

  @inline(__always)
  func parseParameterValue(at offset: inout Int, end: Int) throws(SyntaxError) -> ByteRange {
    if peek(offset, end: end) == UInt8(ascii: "\"") {
      return try parseQuotedString(at: &offset, end: end)
    }
    let value = run(of: .parameterValue, at: &offset, end: end)
    guard !value.isEmpty else { throw SyntaxError(expected: "a parameter value", offset: offset) }
    return value
  }

  /// The text of a quoted string with its escapes resolved, or the range itself if it has no quotes.
  func unquoted(_ range: ByteRange) -> [UInt8] {
    guard range.count >= 2, self[Int(range.lower)] == UInt8(ascii: "\"") else { return copy(range) }
    var text: [UInt8] = []
    text.reserveCapacity(range.count - 2)
    var index = Int(range.lower) + 1
    let end = Int(range.upper) - 1
    while index < end {
      if self[index] == UInt8(ascii: "\\"), index + 1 < end { index += 1 }
      text.append(self[index])
      index += 1
    }
    return text
  }
}

extension [UInt8] {
  /// Appends `;name` or `;name=value`; a value that is no token or address is quoted.
  mutating func appendParameter(_ name: String, _ value: [UInt8]?) {
    append(UInt8(ascii: ";"))
    appendCleaned(Array(name.utf8))
    guard let value else { return }
    append(UInt8(ascii: "="))
    if !value.isEmpty, value.allSatisfy({ ByteSet.plainValue.contains($0) }) {
      append(contentsOf: value)
    } else {
      appendQuoted(value)
    }
  }

  /// Appends `;name=value` with a value that a parser took: as it is, if it can be read again as one value.
  mutating func appendParameter(_ name: String, verbatim value: [UInt8]) {
    var offset = 0
    let taken = try? value.span.parseParameterValue(at: &offset, end: value.count)
    guard taken != nil, offset == value.count else { return appendParameter(name, value) }
    append(UInt8(ascii: ";"))
    append(contentsOf: name.utf8)
    append(UInt8(ascii: "="))
    appendCleaned(value)
  }

  /// Appends a quoted string; quotes and backslashes are escaped, CR and LF become spaces.
  mutating func appendQuoted(_ text: [UInt8]) {
    append(addingCapacity: 2 * text.count + 2) { quoted in
      quoted.append(UInt8(ascii: "\""))
      for byte in text {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
          quoted.append(UInt8(ascii: "\\"))
        }
        quoted.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte)
      }
      quoted.append(UInt8(ascii: "\""))
    }
  }

  /// Appends bytes that must not end a line: each CR and LF becomes a space, as a fold means one anyway.
  mutating func appendCleaned(_ value: [UInt8]) {
    let start = count
    append(contentsOf: value)
    clean(from: start)
  }
}
