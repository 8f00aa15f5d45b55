import Elements
package import SIPSyntax

/// A request that is answered on the spot, and of which nothing is kept: REGISTER (RFC 3261 §8.2.7).
///
/// A transaction would repeat its answer for half a minute (§17.2.2), and of every phone's refreshes that is
/// memory which is never warm. A copy is decided anew instead: it has used its nonce up, so it is challenged,
/// and its phone asks again.
package struct StatelessRequest: Sendable {
  package let message: Message
  package let flow: Flow
}

extension SIPCore {
  /// Gives a request that leaves no transaction to the user, unless it needs no decision.
  ///
  /// With nothing kept of others of its kind it can be no copy and no merged request, and takes no room.
  mutating func receiveStateless(
    _ message: Message, on flow: Flow, events: inout [SIPEvent], effects: inout [Transmission]
  ) {
    let request = StatelessRequest(message: message, flow: flow)
    if let refusal = refusal(of: message, mergeKey: nil) {
      respond(to: request, refusal, effects: &effects)
    } else {
      events.append(.stateless(request))
    }
  }

  /// Answers a request of which nothing is kept.
  package mutating func respond(
    to request: StatelessRequest, _ draft: ResponseDraft, effects: inout [Transmission]
  ) {
    var answer = beginAnswer(to: request, draft.status, reason: draft.reasonPhrase)
    answer.add(draft.headers)
    send(answer, to: request, effects: &effects)
  }

  /// Begins the answer to a request of which nothing is kept, for the user to add fields of his own.
  package mutating func beginAnswer(
    to request: StatelessRequest, _ status: StatusCode, reason: String? = nil
  ) -> MessageBuilder {
    let tag = TagText(lane: configuration.lane, names.copies(of: request.message).high)
    return MessageBuilder(
      responseTo: request.message, status, reason: reason, source: request.flow.remote,
      toTag: tag.letters.span)
  }

  /// Ends such an answer and sends it to the source of its request.
  package mutating func send(
    _ answer: consuming MessageBuilder, to request: StatelessRequest,
    effects: inout [Transmission]
  ) {
    guard request.flow.remote.address.isUnicast else { return }
    if let software = configuration.software { answer.add(.server, software) }
    effects.append(Transmission(bytes: answer.finish(), destination: .flow(request.flow)))
  }
}
