import Elements

/// The RAck header field of a PRACK: which provisional response is acknowledged (RFC 3262 §7.2).
package struct RAck: Hashable, Sendable {
  /// The RSeq of the response.
  package let responseNumber: UInt32
  /// The CSeq of the response.
  package let cseq: CSeq

  package init(responseNumber: UInt32, cseq: CSeq) {
    (self.responseNumber, self.cseq) = (responseNumber, cseq)
  }

  /// Parses `response-num LWS CSeq-num LWS Method`.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    responseNumber = try bytes.parseUInt32(at: &offset, end: bytes.count)
    guard offset < bytes.count, isWhitespace(bytes[offset]) else {
      throw SyntaxError(expected: "white space", offset: offset)
    }
    bytes.skipWhitespace(at: &offset, end: bytes.count)
    cseq = try CSeq(bytes, offset, bytes.count)
  }
}

extension RAck: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(decimal: UInt64(responseNumber))
    bytes.append(UInt8(ascii: " "))
    cseq.serialize(into: &bytes)
  }
}
