import Elements

/// The dialog that Replaces, Join or Target-Dialog names (RFC 3891, 3911, 4538).
///
/// Tags are seen from the receiver: `toTag` is its own one. Comparison is by bytes.
package struct Replaces: Hashable, Sendable {
  package let callID: [UInt8]
  package let toTag: [UInt8]
  package let fromTag: [UInt8]
  /// Replaces only a dialog that is not confirmed yet.
  package let isEarlyOnly: Bool

  package init(callID: [UInt8], toTag: [UInt8], fromTag: [UInt8], isEarlyOnly: Bool = false) {
    (self.callID, self.toTag, self.fromTag) = (callID, toTag, fromTag)
    self.isEarlyOnly = isEarlyOnly
  }

  /// Parses `callid *( SEMI param )`; Target-Dialog calls its tags local-tag and remote-tag.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    bytes.skipWhitespace(at: &offset, end: bytes.count)
    let start = offset
    _ = bytes.run(of: .word, at: &offset, end: bytes.count)
    if bytes.peek(offset, end: bytes.count) == UInt8(ascii: "@") {
      offset += 1
      _ = bytes.run(of: .word, at: &offset, end: bytes.count)
    }
    callID = bytes.copy(ByteRange(start, offset))
    guard !callID.isEmpty else { throw SyntaxError(expected: "a Call-ID", offset: start) }
    let parameters = try bytes.parseParametersToEnd(at: &offset)
    guard let toTag = parameters.bytes("to-tag") ?? parameters.bytes("local-tag"),
      let fromTag = parameters.bytes("from-tag") ?? parameters.bytes("remote-tag")
    else { throw SyntaxError(expected: "to-tag and from-tag", offset: offset) }
    (self.toTag, self.fromTag) = (toTag, fromTag)
    isEarlyOnly = parameters.has("early-only")
  }
}

extension Replaces: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: callID)
    bytes.appendParameter("to-tag", verbatim: toTag)
    bytes.appendParameter("from-tag", verbatim: fromTag)
    if isEarlyOnly { bytes.append(contentsOf: ";early-only".utf8) }
  }
}
