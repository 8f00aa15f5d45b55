package import SIPSyntax

/// What the user of this layer has to know, in the order in which it happened.
package enum SIPEvent: Sendable {
  /// A REGISTER, to be answered at once with ``SIPCore/respond(to:_:effects:)`` or not at all.
  case stateless(StatelessRequest)
  /// A new request for the user to answer, never ACK, CANCEL or REGISTER. In a dialog it came from the peer's
  /// address and in order; a PRACK has been matched.
  case request(ServerTransactionID, Message, Flow, dialog: DialogID?)
  /// A request with the tags of a dialog, but from an address that is not the peer's.
  ///
  /// Nothing has been touched. Answer it (401, 403, 481), or ``SIPCore/admit(_:at:events:effects:)``
  /// it when its digest proves the peer's identity.
  case stranger(ServerTransactionID, Message, Flow, dialog: DialogID)
  /// The INVITE is to end; the CANCEL has got its 200. The user answers the INVITE with 487.
  case cancelled(ServerTransactionID, Message)
  /// The ACK of our 2xx, which may carry the answer of the session description.
  case acknowledged(DialogID, Message)
  /// A response, 101 to 699; a 2xx of every fork once. A repeated one has been dealt with.
  case response(ClientTransactionID, Message, Flow, dialog: DialogID?)
  /// A 2xx to an INVITE that no transaction and no dialog knows: of a process that has died, or forged.
  ///
  /// Nothing has been answered. See ``SIPCore/restoreDialog(acceptedBy:on:)``.
  case strayAnswer(Message, Flow)
  /// No response, and there will be none.
  case clientFailed(ClientTransactionID, ClientFailure)
  /// Our 2xx got no ACK in 64*T1: the user sends BYE (RFC 3261 §13.3.1.4).
  case unacknowledged(DialogID)
  /// Our reliable provisional response got no PRACK in 64*T1: the user answers with 5xx.
  case provisionalUnacknowledged(ServerTransactionID)
  /// A sign of life without a message: the flow works (RFC 5626 §3.5.1). Over UDP a phone may want an answer,
  /// which is the user's to give.
  case keepAlive(Flow, STUNBinding?)
  /// Bytes that are no message of SIP; those that could be answered have been.
  case malformed(Flow, status: StatusCode?)
}

/// Why a request has no response.
package enum ClientFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nobody answered in time (timers B and F): treat as 408.
  case timeout
  /// It could not be sent: treat as 503.
  case transport(String)

  package var description: String {
    switch self {
    case .timeout: "no response in time"
    case .transport(let reason): "not sent: \(reason)"
    }
  }
}

/// Why a request could not even begin in a dialog.
package enum DialogError: Error, Hashable, Sendable, CustomStringConvertible {
  case unknownDialog
  /// An INVITE or UPDATE of one side still waits for its answer (RFC 3261 §14.1, RFC 3311 §5.1).
  case pending(Method)
  /// There is no 2xx (or no reliable provisional response) to acknowledge.
  case nothingToAcknowledge

  package var description: String {
    switch self {
    case .unknownDialog: "the dialog has ended"
    case .pending(let method): "an \(method) of this dialog waits for its answer"
    case .nothingToAcknowledge: "the dialog has nothing to acknowledge"
    }
  }
}
