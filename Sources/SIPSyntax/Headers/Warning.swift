import Elements

/// One value of the Warning header field: more about a failure, for people and logs (RFC 3261 §20.43).
package struct Warning: Hashable, Sendable {
  /// 300 to 399.
  package let code: UInt16
  /// Who says so: a host with or without port, or a name.
  package let agent: String
  package let text: String

  package init(code: UInt16, agent: String, text: String) {
    (self.code, self.agent, self.text) = (code, agent, text)
  }

  /// Parses `warn-code SP warn-agent SP warn-text`.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    let end = bytes.count
    var offset = 0
    code = UInt16(try bytes.parseNumber(at: &offset, end: end, below: 1000))
    guard code >= 100 else { throw SyntaxError(expected: "a code of three digits", offset: 0) }
    bytes.skipWhitespace(at: &offset, end: end)
    let agent = bytes.run(of: .parameterValue, at: &offset, end: end)
    guard !agent.isEmpty else { throw SyntaxError(expected: "an agent", offset: offset) }
    bytes.skipWhitespace(at: &offset, end: end)
    let text = try bytes.parseQuotedString(at: &offset, end: end)
    guard offset == end else {
      throw SyntaxError(expected: "the end of the warning", offset: offset)
    }
    self.agent = String(decoding: bytes.copy(agent), as: UTF8.self)
    self.text = String(decoding: bytes.unquoted(text), as: UTF8.self)
  }
}

extension Warning: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(decimal: UInt64(code))
    bytes.append(contentsOf: " \(agent) ".utf8)
    bytes.appendQuoted(Array(text.utf8))
  }
}
