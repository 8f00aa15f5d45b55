package import Elements

/// A request that is malformed, with what could be read of it, so that it can be answered.
package struct RejectedRequest: Error, Sendable, CustomStringConvertible {
  /// The status to answer with: 400 mostly; 505, 501, 513 or 483 where the RFCs ask for it.
  package let status: StatusCode
  /// The first mistake.
  package let error: SyntaxError
  /// The method, if the start line had one; an ACK is never answered.
  package let method: Method?
  /// The header fields that could be told apart; a response copies Via, From, To, Call-ID and CSeq from here.
  package let headers: HeaderFields
  let via: ViaParts?
  package let callID: ByteRange?
  package let cseq: CSeq?
  package let fromTag: ByteRange?
  package let toTag: ByteRange?

  /// The top Via, if it could be read: where an answer would go.
  package var topVia: Via? { via.map { Via(headers.bytes.span, $0) } }

  /// True if an answer could be sent and matched: there is a readable Via and the method is no ACK.
  package var isAnswerable: Bool { via != nil && method != nil && method != .ack }

  package var description: String { "\(status.number): \(error)" }
}

/// Why bytes are no message that we take.
package enum MessageError: Error, Sendable, CustomStringConvertible {
  /// A request that can be answered.
  case rejected(RejectedRequest)
  /// A response, or nothing that could be answered: to be dropped without a word.
  case unanswerable(SyntaxError)

  /// The first mistake.
  package var error: SyntaxError {
    switch self {
    case .rejected(let request): request.error
    case .unanswerable(let error): error
    }
  }

  package var description: String {
    switch self {
    case .rejected(let request): "rejected, \(request)"
    case .unanswerable(let error): "dropped: \(error)"
    }
  }
}
