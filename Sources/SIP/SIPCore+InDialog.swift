package import Elements
import SIPSyntax

extension SIPCore {
  /// Lets a request in that came from a foreign address, once it is known who sent it.
  ///
  /// It then goes on as if it had come from the peer. The dialog follows a peer that has moved to the new address, but not
  /// one that has several.
  package mutating func admit(
    _ id: ServerTransactionID, hasMoved: Bool, at now: Now, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    guard let transaction = servers[id], transaction.isStranger, let dialog = transaction.dialog
    else { return }
    servers[id]?.isStranger = false
    enter(
      id, dialog: dialog, hasMoved: hasMoved, at: now.instant, events: &events, effects: &effects)
  }

  /// Checks a request of the peer against its dialog and shows it to the user (RFC 3261 §12.2.2).
  mutating func enter(
    _ id: ServerTransactionID, dialog dialogID: DialogID, hasMoved: Bool = true, at now: Instant,
    events: inout [SIPEvent], effects: inout [Transmission]
  ) {
    guard case (let message?, let flow)? = servers.with(id, { ($0.request, $0.flow) }),
      let (pending, last) = dialogs.with(dialogID, { ($0.pending, $0.remoteSequence) })
    else {
      answer(id, ResponseDraft(481), at: now, effects: &effects)
      return
    }
    if let refusal = refusal(of: message, behind: last, in: dialogID, beside: pending) {
      answer(id, refusal, at: now, effects: &effects)
      return
    }
    if message.method == .prack,
      !acknowledgeProvisional(message, in: dialogID, beside: pending, at: now, &effects)
    {
      answer(id, ResponseDraft(481), at: now, effects: &effects)
      return
    }
    dialogs.with(dialogID) { dialog in
      if hasMoved { dialog.follow(flow) }
      dialog.follow(message, id)
    }
    events.append(.request(id, message, flow, dialog: dialogID))
  }

  /// Order and glare: why a request of the peer cannot be taken now.
  private mutating func refusal(
    of message: Message, behind last: UInt32?, in dialog: DialogID, beside pending: DialogPending
  ) -> ResponseDraft? {
    if let last, message.cseq.number < last { return ResponseDraft(500) }
    switch message.method {
    case .invite:
      if pending.ourInvite != nil { return ResponseDraft(491) }
      return pending.theirInvite != nil ? tryLater() : nil
    case .update:
      // RFC 3311 §5.2: offers must not cross, nor pile up.
      if pending.theirUpdate != nil { return tryLater() }
      guard !message.body.isEmpty else { return nil }
      if pending.ourUpdate != nil { return ResponseDraft(491) }
      guard !isOfferSettled(in: dialog) else { return nil }
      if pending.ourInvite != nil { return ResponseDraft(491) }
      return pending.theirInvite != nil ? tryLater() : nil
    case .ack, .bye, .cancel, .register, .options, .prack, .subscribe, .notify, .publish, .info,
      .refer, .message, .other:
      return nil
    }
  }

  /// RFC 3261 §14.2: 500 with a random Retry-After of up to ten seconds.
  private mutating func tryLater() -> ResponseDraft {
    let seconds = Int.random(in: 0...10, using: &dice)
    return ResponseDraft(500, headers: [HeaderDraft(.retryAfter, "\(seconds)")])
  }

  /// Matches a PRACK with the reliable response that waits for it (RFC 3262 §3).
  private mutating func acknowledgeProvisional(
    _ prack: Message, in dialog: DialogID, beside pending: DialogPending, at now: Instant,
    _ effects: inout [Transmission]
  ) -> Bool {
    guard let id = pending.theirInvite, let invite = servers[id],
      let rack = try? prack.rack(), rack.cseq == invite.request?.cseq,
      servers[id]?.provisionals?.machine.acknowledge(rack.responseNumber) ?? false
    else { return false }
    if !prack.body.isEmpty || invite.provisionals?.hasBody ?? false {
      dialogs[dialog]?.isOfferSettled = true
    }
    sendNextProvisional(of: id, at: now, effects: &effects)
    return true
  }
}

extension Dialog {
  /// Takes over where a request of the peer has come from.
  mutating func follow(_ flow: Flow) {
    self.flow = flow
    if case .flow = destination { destination = .flow(flow) }
  }

  /// Takes over what a request of the peer changes: CSeq, target, who waits for whom.
  mutating func follow(_ message: Message, _ id: ServerTransactionID) {
    remoteSequence = message.cseq.number
    if message.method.carriesContact, let target = message.contactTarget { remoteTarget = target }
    switch message.method {
    case .invite: pending.theirInvite = id
    case .update: pending.theirUpdate = id
    case .ack, .bye, .cancel, .register, .options, .prack, .subscribe, .notify, .publish, .info,
      .refer, .message, .other:
      break
    }
  }
}

extension Message {
  /// The URI of the Contact of a request or response that makes or refreshes a dialog; of several lines the first.
  var contactTarget: URI? {
    if let only = contactURI { return only }
    guard let range = first(.contact) else { return nil }
    return try? NameAddress(parsing: bytes.span.extracting(range.range)).uri
  }
}
