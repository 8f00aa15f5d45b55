package import Elements
import SIPSyntax

extension SIPCore {
  /// Answers a request.
  ///
  /// A response to an INVITE or SUBSCRIBE may make a dialog: ``dialog(of:)``.
  ///
  ///
  /// A second final response, or one to a request that is gone, does nothing.
  package mutating func respond(
    to id: ServerTransactionID, _ draft: ResponseDraft, at now: Now,
    effects: inout [Transmission]
  ) {
    answer(id, draft, at: now.instant, effects: &effects)
  }

  /// Answers a request of somebody who has proved nothing, and forgets it at once.
  ///
  /// Nothing is kept and nothing repeated: a copy of the request will come as a new one, an ACK is
  /// absorbed. For 401, 407 and every refusal under a flood.
  package mutating func respondStatelessly(
    to id: ServerTransactionID, _ draft: ResponseDraft, at now: Now,
    effects: inout [Transmission]
  ) {
    let pending = servers.with(id) { ($0.isPending ? $0.request : nil, $0.key, $0.flow) }
    guard case (let request?, let key, let flow)? = pending else { return }
    removeServer(id)
    answerStatelessly(request, key: key, on: flow, draft, effects: &effects)
  }

  /// Forgets a request without an answer, for those who deserve none.
  package mutating func drop(_ id: ServerTransactionID) { removeServer(id) }

  /// What an OPTIONS is answered with when the user has nothing to add (RFC 3261 §11.2).
  package func optionsAnswer() -> ResponseDraft {
    ResponseDraft(
      200,
      headers: [
        HeaderDraft(.allow, configuration.allow.joined(separator: ", ")),
        HeaderDraft(.accept, "application/sdp"),
        HeaderDraft(.supported, configuration.options.joined(separator: ", ")),
      ])
  }
}

// MARK: - The way of a response

extension SIPCore {
  /// Sends a response now, or keeps it until its turn comes.
  mutating func answer(
    _ id: ServerTransactionID, _ draft: ResponseDraft, at now: Instant,
    effects: inout [Transmission]
  ) {
    let pending = servers.with(id) {
      ($0.isPending ? $0.request : nil, $0.provisionals?.machine.isWaiting ?? false)
    }
    guard case (let request?, let isBehind)? = pending else { return }
    if request.method == .invite, draft.status > 100, draft.status.number < 300 {
      let isReliable = draft.reliably && draft.status.isProvisional && request.takesReliable
      if isBehind {
        // RFC 3262 §3: one at a time, and the 2xx behind them.
        if isReliable || draft.status.isSuccess {
          queueBehindProvisional(id, draft)
          return
        }
      } else if isReliable {
        sendReliably(id, request, draft, at: now, effects: &effects)
        return
      }
    }
    transmit(id, request, draft, at: now, effects: &effects)
  }

  private mutating func queueBehindProvisional(_ id: ServerTransactionID, _ draft: ResponseDraft) {
    guard let count = servers[id]?.provisionals?.waiting.count else { return }
    // The last place is for the final response.
    let limit = configuration.provisionalQueueLimit + (draft.status.isFinal ? 1 : 0)
    guard count < limit else { return }
    servers[id]?.provisionals?.waiting.append(draft)
  }

  private mutating func sendReliably(
    _ id: ServerTransactionID, _ request: Message, _ draft: ResponseDraft, at now: Instant,
    effects: inout [Transmission]
  ) {
    if servers[id]?.provisionals == nil {
      let first = UInt32(truncatingIfNeeded: dice.next()) & 0xFFFF
      servers[id]?.provisionals = ProvisionalQueue(
        machine: ReliableProvisional(after: first, timers: configuration.timers))
    }
    guard let number = servers[id]?.provisionals?.machine.send(at: now) else { return }
    var draft = draft
    draft.headers.append(HeaderDraft(.require, "100rel"))
    draft.headers.append(HeaderDraft(.rseq, "\(number)"))
    transmit(id, request, draft, at: now, effects: &effects)
    guard let latest = servers[id]?.latest else { return }
    servers[id]?.provisionals?.latest = latest
    servers[id]?.provisionals?.hasBody = draft.body != nil
    schedule(id)
  }

  /// Sends what waited for the PRACK.
  mutating func sendNextProvisional(
    of id: ServerTransactionID, at now: Instant, effects: inout [Transmission]
  ) {
    while let queue = servers[id]?.provisionals, !queue.machine.isWaiting,
      let next = queue.waiting.first
    {
      servers[id]?.provisionals?.waiting.removeFirst()
      answer(id, next, at: now, effects: &effects)
    }
  }

  private mutating func transmit(
    _ id: ServerTransactionID, _ request: Message, _ draft: ResponseDraft, at now: Instant,
    effects: inout [Transmission]
  ) {
    let known = servers.with(id) { ($0.flow, $0.localTag, $0.isStranger, $0.dialog) }
    guard case (let flow, let localTag, let isStranger, var dialog)? = known else { return }
    let status = draft.status
    let tag = status > 100 ? localTag ?? makeTag() : nil
    let makesDialog = request.isDialogMade(by: status)
    if makesDialog, dialog == nil {
      dialog = makeDialog(of: id, request, on: flow, draft.contact, tag ?? [])
    }
    let bytes = serialize(draft, to: request, tag: tag, on: flow, recordsRoute: makesDialog)
    let turned = servers.with(id) {
      $0.respond(status, bytes, tag: tag, dialog: dialog, at: now)
    }
    if let turned { follow(turned, of: id, effects: &effects) }
    guard status.isFinal, !isStranger, let dialog,
      dialogs.with(dialog, { $0.pending.release(id) }) != nil
    else { return }
    let success = DialogSuccess(
      machine: SuccessRetransmission(timers: configuration.timers, at: now),
      sequence: request.cseq.number, bytes: bytes, flow: flow)
    settle(dialog, request, status, success, at: now)
  }

  /// What a final response does to the dialog of its request.
  private mutating func settle(
    _ id: DialogID, _ request: Message, _ status: StatusCode, _ success: DialogSuccess,
    at now: Instant
  ) {
    switch request.method {
    case .invite where status.isSuccess:
      dialogs.with(id) {
        ($0.state, $0.isOfferSettled) = (.confirmed, false)
        $0.success = success
      }
      schedule(id)
    case .invite where dialogs[id]?.state == .early && request.toTag == nil:
      removeDialog(id)
    case .subscribe where status.isSuccess, .refer where status.isSuccess:
      dialogs[id]?.state = .confirmed
    case .bye where status.isSuccess:
      removeDialog(id)
    case .invite, .ack, .bye, .cancel, .register, .options, .prack, .subscribe, .notify, .publish,
      .info, .refer, .message, .update, .other:
      break
    }
  }

  /// The bytes of a response (RFC 3261 §8.2.6).
  private func serialize(
    _ draft: ResponseDraft, to request: Message, tag: [UInt8]?, on flow: Flow, recordsRoute: Bool
  ) -> [UInt8] {
    var builder = MessageBuilder(
      responseTo: request, draft.status, reason: draft.reasonPhrase, source: flow.remote,
      toTag: tag)
    if recordsRoute { builder.copy(.recordRoute, from: request) }
    if draft.status == 100 { builder.copy(.timestamp, from: request) }
    if let contact = contact(of: draft, to: request, on: flow) { builder.add(.contact, contact) }
    builder.add(draft.headers)
    if let software = configuration.software { builder.add(.server, software) }
    return builder.finish(body: draft.body?.bytes ?? [], contentType: draft.body?.contentType)
  }

  private func contact(
    of draft: ResponseDraft, to request: Message, on flow: Flow
  ) -> [UInt8]? {
    switch draft.contact {
    case .exactly: return draft.contact.value(for: .flow(flow))
    case .automatic:
      let isDue =
        draft.status.isSuccess
        || request.method == .invite && draft.status > 100 && draft.status.isProvisional
      return isDue && request.method.carriesContact
        ? draft.contact.value(for: .flow(flow)) : nil
    }
  }

  /// Answers without a transaction, to the source of the packet and nowhere else.
  func answerStatelessly(
    _ request: Message, key: Fingerprint, on flow: Flow, _ draft: ResponseDraft,
    effects: inout [Transmission]
  ) {
    guard flow.remote.address.isUnicast else { return }
    let bytes = serialize(
      draft, to: request, tag: statelessTag(of: key), on: flow, recordsRoute: false)
    effects.append(Transmission(bytes: bytes, destination: .flow(flow)))
  }

  /// The tag of all our responses to one request, drawn when first needed.
  mutating func localTag(of id: ServerTransactionID) -> [UInt8]? {
    if let tag = servers[id]?.localTag { return tag }
    let tag = makeTag()
    servers[id]?.localTag = tag
    return tag
  }
}

extension Message {
  /// The peer understands reliable provisional responses (RFC 3262 §3).
  fileprivate var takesReliable: Bool {
    supported.contains("100rel") || require.contains("100rel")
  }

  /// Whether a response with that status makes or confirms a dialog of its own.
  fileprivate func isDialogMade(by status: StatusCode) -> Bool {
    guard toTag == nil, method.makesDialog else { return false }
    return status.isSuccess || method == .invite && status > 100 && status.isProvisional
  }
}
