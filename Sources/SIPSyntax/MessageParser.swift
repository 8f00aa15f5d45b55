import Elements

/// How the end of a message is known.
package enum Framing: Hashable, Sendable {
  /// One datagram, one message; bytes behind the body are ignored (RFC 3261 §18.3).
  case datagram
  /// Content-Length is mandatory and must fit what the framer cut out (RFC 3261 §18.3).
  case stream
}

/// Parses whole messages in one pass over their lines (RFC 3261 §7 and §25).
///
/// A message is refused for what would make us or others misread it; header fields that only some
/// receivers need are left to their typed accessors. Lines end with CRLF and nothing else.
package enum MessageParser {
  /// Parses one message.
  ///
  /// Linear in the number of bytes; allocates the index and one object.
  package static func parse(
    _ bytes: [UInt8], framing: Framing
  ) throws(MessageError) -> Message {
    var draft = MessageDraft(framing: framing)
    draft.parse(bytes.span)
    return try draft.finish(bytes)
  }
}
