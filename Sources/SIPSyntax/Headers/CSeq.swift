import Elements

/// The CSeq header field: orders the requests of one dialog (RFC 3261 §20.16).
package struct CSeq: Hashable, Sendable, CustomStringConvertible {
  /// Sequence number, below 2^31 (RFC 3261 §8.1.1.5).
  package let number: UInt32
  package let method: Method

  package init(number: UInt32, method: Method) {
    invariant(number < 1 << 31, "CSeq \(number) is out of range")
    (self.number, self.method) = (number, method)
  }

  /// Parses `1*DIGIT LWS Method`: "4711 INVITE", "0009\r\n  INVITE" (RFC 3261 §25.1).
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    try self.init(bytes, 0, bytes.count)
  }

  init(_ bytes: Span<UInt8>, _ lower: Int, _ upper: Int) throws(SyntaxError) {
    var offset = lower
    let number = try bytes.parseNumber(at: &offset, end: upper, below: 1 << 31)
    guard offset < upper, isWhitespace(bytes[offset]) else {
      throw SyntaxError(expected: "white space", offset: offset)
    }
    bytes.skipWhitespace(at: &offset, end: upper)
    // Nearly always a method with a name of its own is all that is left.
    var method = Method(bytes, ByteRange(offset, upper))
    if !method.isKnown {
      method = Method(bytes, try bytes.parseToken(at: &offset, end: upper))
      guard offset == upper else { throw SyntaxError(expected: "the end of CSeq", offset: offset) }
    }
    self.init(number: UInt32(number), method: method)
  }

  package var description: String { "\(number) \(method)" }
}

extension CSeq: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(decimal: UInt64(number))
    bytes.append(UInt8(ascii: " "))
    bytes.append(method)
  }
}

extension [UInt8] {
  /// Appends the name of a method.
  mutating func append(_ method: Method) {
    if case .other(let name) = method { appendCleaned(name) } else { append(text: method.text) }
  }
}
