import Elements

/// A token with parameters: the shape of Event, Subscription-State, Content-Disposition and others.
package struct ParameterizedToken: Hashable, Sendable {
  /// The token as received.
  package let token: [UInt8]
  package let parameters: Parameters

  package init(_ token: String, parameters: Parameters = .none) {
    (self.token, self.parameters) = (Array(token.utf8), parameters)
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    bytes.skipWhitespace(at: &offset, end: bytes.count)
    token = bytes.copy(try bytes.parseToken(at: &offset, end: bytes.count))
    parameters = try bytes.parseParametersToEnd(at: &offset)
  }

  /// The token in lower case as text.
  package var name: String { String(decoding: token.map { lowercased($0) }, as: UTF8.self) }
}

extension ParameterizedToken: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: token)
    bytes.append(contentsOf: parameters.bytes)
  }
}

extension Span where Element == UInt8 {
  /// Parses parameters up to the end of the bytes; nothing else may stand there.
  func parseParametersToEnd(at offset: inout Int) throws(SyntaxError) -> Parameters {
    skipWhitespace(at: &offset, end: count)
    let start = offset
    try forEachParameter(at: &offset, end: count) { _, _ in }
    let text = trimmed(start, offset)
    skipWhitespace(at: &offset, end: count)
    guard offset == count else {
      throw SyntaxError(expected: "the end of the value", offset: offset)
    }
    return Parameters(bytes: copy(text))
  }

  /// A number of 32 bits (delta-seconds, response-num).
  func parseUInt32(at offset: inout Int, end: Int) throws(SyntaxError) -> UInt32 {
    UInt32(try parseNumber(at: &offset, end: end, below: 1 << 32))
  }
}
