import Elements

/// The Retry-After header field: when a new attempt makes sense (RFC 3261 §20.33).
package struct RetryAfter: Hashable, Sendable {
  package let seconds: UInt32
  /// How long the called party will then be there.
  package let duration: UInt32?

  package init(seconds: UInt32, duration: UInt32? = nil) {
    (self.seconds, self.duration) = (seconds, duration)
  }

  /// Parses `delta-seconds [ comment ] *( SEMI retry-param )`.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    seconds = try bytes.parseUInt32(at: &offset, end: bytes.count)
    try bytes.skipComment(at: &offset, end: bytes.count)
    let parameters = try bytes.parseParametersToEnd(at: &offset)
    duration = parameters.number("duration", below: 1 << 32).map { UInt32($0) }
  }
}

extension RetryAfter: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(decimal: UInt64(seconds))
    if let duration { bytes.append(contentsOf: ";duration=\(duration)".utf8) }
  }
}

extension Span where Element == UInt8 {
  /// Skips a comment in parentheses, nested ones included, if there is one.
  func skipComment(at offset: inout Int, end: Int) throws(SyntaxError) {
    skipWhitespace(at: &offset, end: end)
    guard peek(offset, end: end) == UInt8(ascii: "(") else { return }
    let start = offset
    var depth = 0
    while offset < end {
      switch self[offset] {
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"): depth -= 1
      case UInt8(ascii: "\\"): offset += 1
      case _: break
      }
      offset += 1
      if depth == 0 { return }
    }
    throw SyntaxError(expected: "the end of the comment", offset: start)
  }
}
