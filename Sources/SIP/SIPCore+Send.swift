package import Elements
import SIPSyntax

extension SIPCore {
  /// Sends a request outside of a dialog.
  package mutating func send(
    _ draft: RequestDraft, to destination: Destination, at now: Now,
    effects: inout [Transmission]
  ) -> ClientTransactionID {
    let tag = draft.fromTag ?? makeTag()
    var from = draft.from?.serialized ?? Array("<sip:anonymous@anonymous.invalid>".utf8)
    from.append(text: ";tag=")
    from.append(contentsOf: tag)
    let target = draft.target ?? draft.to?.uri ?? URI(host: .address(destination.remote.address))
    var plan = RequestPlan(
      method: draft.method, target: target, from: from,
      to: draft.to?.serialized ?? Array("<".utf8) + target.bytes + Array(">".utf8),
      localTag: tag, callID: draft.callID ?? makeCallID(), cseq: draft.cseq ?? 1,
      maxForwards: draft.maxForwards)
    plan.contact = draft.contact.inRequest(draft.method)
    (plan.headers, plan.body) = (draft.headers, draft.body)
    let id = clients.nextID()
    launch(plan, id, to: destination, at: now.instant, effects: &effects)
    return id
  }

  /// Sends a request in a dialog: target, route set, addresses and CSeq are the dialog's.
  ///
  /// A BYE of the called side whose 2xx still waits for its ACK leaves behind the ACK; the caller need not wait with
  /// its own for the ACK of a re-INVITE (RFC 3261 §15). For PRACK and ACK there are functions of their own.
  package mutating func send(
    _ draft: RequestDraft, in id: DialogID, at now: Now, effects: inout [Transmission]
  ) throws(DialogError) -> ClientTransactionID {
    guard let pending = dialogs.with(id, { $0.pending }) else { throw .unknownDialog }
    try checkFree(draft.method, beside: pending)
    let transaction = clients.nextID()
    switch draft.method {
    case .invite:
      dialogs[id]?.pending.ourInvite = transaction
      dialogs[id]?.provisionalOrder = ProvisionalOrder()  // RSeq begins anew with each INVITE.
    case .update: dialogs[id]?.pending.ourUpdate = transaction
    case .bye:
      let isDeferred = dialogs.with(id) { dialog in
        dialog.pending.ourBye = transaction
        dialog.deferredBye = dialog.waitsForAcknowledgement ? Boxed(draft) : nil
        return dialog.deferredBye != nil
      }
      if isDeferred ?? false { return transaction }
    case .ack, .cancel, .register, .options, .prack, .subscribe, .notify, .publish, .info,
      .refer, .message, .other:
      break
    }
    launch(draft, transaction, in: id, at: now.instant, effects: &effects)
    return transaction
  }

  private func checkFree(
    _ method: Method, beside pending: DialogPending
  ) throws(DialogError) {
    switch method {
    case .invite:
      guard pending.ourInvite == nil, pending.theirInvite == nil else { throw .pending(.invite) }
    case .update:
      guard pending.ourUpdate == nil, pending.theirUpdate == nil else { throw .pending(.update) }
    case .bye:
      guard pending.ourBye == nil else { throw .pending(.bye) }
    case .ack, .cancel, .register, .options, .prack, .subscribe, .notify, .publish, .info,
      .refer, .message, .other:
      break
    }
  }

  /// The BYE that had to wait for the ACK.
  mutating func sendDeferredBye(
    in id: DialogID, at now: Instant, effects: inout [Transmission]
  ) {
    let waiting = dialogs.with(id) { ($0.deferredBye.take(), $0.pending.ourBye) }
    guard case (let draft?, let transaction?)? = waiting else { return }
    launch(draft.value, transaction, in: id, at: now, effects: &effects)
  }

  private mutating func launch(
    _ draft: RequestDraft, _ transaction: ClientTransactionID, in id: DialogID, at now: Instant,
    effects: inout [Transmission]
  ) {
    let next = dialogs.with(id) { dialog in
      dialog.localSequence += 1
      return (dialog.plan(draft, sequence: dialog.localSequence), dialog.destination)
    }
    guard let (plan, destination) = next else {
      clients.remove(transaction)
      return
    }
    launch(plan, transaction, to: destination, at: now, effects: &effects)
  }

  // MARK: Acknowledgements

  /// Acknowledges the latest 2xx of our INVITE in this dialog; copies of it are answered by the core.
  ///
  /// Goes by the dialog's number, so that each 2xx of a forked INVITE gets its own.
  package mutating func acknowledge(
    _ id: DialogID, headers: [HeaderDraft] = [], body: BodyDraft? = nil, at now: Now,
    effects: inout [Transmission]
  ) throws(DialogError) {
    let draft = RequestDraft(.ack, headers: headers, body: body)
    let found = dialogs.with(id) { dialog in
      (dialog.acceptedSequence.map { dialog.plan(draft, sequence: $0) }, dialog.destination)
    }
    guard let (plan, destination) = found else { throw .unknownDialog }
    guard let plan else { throw .nothingToAcknowledge }
    let bytes = plan.serialize(
      to: destination, branch: makeBranch(), software: configuration.software)
    dialogs.with(id) {
      $0.acknowledgement = DialogAcknowledgement(sequence: plan.cseq, bytes: bytes)
    }
    effects.append(Transmission(bytes: bytes, destination: destination))
  }

  /// Acknowledges the latest reliable provisional response of our INVITE in this dialog (RFC 3262 §4).
  package mutating func acknowledgeProvisional(
    _ id: DialogID, headers: [HeaderDraft] = [], body: BodyDraft? = nil, at now: Now,
    effects: inout [Transmission]
  ) throws(DialogError) -> ClientTransactionID {
    guard let dialog = dialogs[id] else { throw .unknownDialog }
    guard let rack = dialog.provisional else { throw .nothingToAcknowledge }
    dialogs[id]?.provisional = nil
    let field = HeaderDraft(.rack, rack.headerValue)
    let draft = RequestDraft(.prack, headers: [field] + headers, body: body)
    let transaction = clients.nextID()
    launch(draft, transaction, in: id, at: now.instant, effects: &effects)
    return transaction
  }
}

extension Dialog {
  /// What a request in this dialog is made of.
  ///
  /// Mutating only so that a dialog is asked in its place: a copy would retain everything in it.
  mutating func plan(_ draft: RequestDraft, sequence: UInt32) -> RequestPlan {
    let (target, routes) = routeSet.plan(to: remoteTarget)
    var plan = RequestPlan(
      method: draft.method, target: target, from: localAddress, to: remoteAddress,
      localTag: localTag, callID: callID, cseq: sequence, maxForwards: draft.maxForwards)
    plan.routes = routes
    let contact = draft.contact == .automatic ? contact : draft.contact
    plan.contact = contact.inRequest(draft.method)
    (plan.headers, plan.body, plan.dialog) = (draft.headers, draft.body, id)
    plan.isInsistent = draft.isInsistent
    return plan
  }
}

extension ContactDraft {
  /// An automatic Contact is for methods that make or refresh a dialog, and for registering.
  fileprivate func inRequest(_ method: Method) -> ContactDraft {
    if case .automatic = self, !method.carriesContact, method != .register { return .none }
    return self
  }
}

// MARK: - Attempts

extension SIPCore {
  /// Sends a request; one that is too long for a datagram over a stream where that goes (RFC 3261 §18.1.1).
  mutating func launch(
    _ plan: RequestPlan, _ id: ClientTransactionID, to destination: Destination,
    at now: Instant, effects: inout [Transmission]
  ) {
    var (destination, fallback) = (destination, NextHop?.none)
    let branch = makeBranch()
    let software = configuration.software
    var bytes = plan.serialize(to: destination, branch: branch, software: software)
    if bytes.count > configuration.datagramLimitBytes, case .open(let hop) = destination,
      hop.transport == .udp, hop.takesStream, streamless.mayTake(hop.remote, at: now)
    {
      (destination, fallback) = (.open(hop.overStream), hop.datagramOnly)
      bytes = plan.serialize(to: destination, branch: branch, software: software)
    }
    let key = names.clientTransaction(branch: branch.span, method: plan.method)
    let transaction = ClientTransaction(
      plan, bytes: bytes, branch: branch, destination: destination, key: key, fallback: fallback,
      timers: configuration.timers, at: now)
    add(transaction, id)
    effects.append(Transmission(bytes: bytes, destination: destination, transaction: id))
  }

  /// Sends as a datagram after all what nobody takes over a stream: a new transaction with the old number.
  ///
  /// Only what has never left: to a peer who is silent it may have come, and he would answer both.
  mutating func fallBack(
    _ id: ClientTransactionID, at now: Instant, effects: inout [Transmission]
  ) -> Bool {
    guard let transaction = clients[id], let fallback = transaction.fallback else { return false }
    streamless.remember(fallback.remote, at: now)
    guard transaction.cancellation == .none else { return false }
    _ = clients.vacate(id)
    clients.forget(transaction.key, of: id)
    launch(transaction.plan, id, to: .open(fallback), at: now, effects: &effects)
    return true
  }
}
