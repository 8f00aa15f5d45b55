import Elements
import SIPSyntax

extension SIPCore {
  mutating func receiveResponse(
    _ message: Message, on flow: Flow, at now: Instant, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    // RFC 3261 §8.1.3.3: a response with a second Via is not for us.
    guard let status = message.status, let branch = message.branch, message.hasOneVia else {
      return
    }
    let key = names.clientTransaction(
      branch: message.bytes.span.extracting(branch.range), method: message.cseq.method)
    let known = clients.find(key)
    guard let id = known,
      case let turned?? = clients.with(id, { $0.turn(by: message, status, at: now) })
    else {
      let isStray = !acknowledgeAgain(message, status, effects: &effects) && known == nil
      if isStray, status.isSuccess, message.cseq.method == .invite {
        events.append(.strayAnswer(message, flow))
      }
      return
    }
    if let due = turned.due { deadlines.schedule(.client(id), at: due) }
    if turned.effects.contains(.sendAcknowledgement) {
      acknowledgeFailure(message, id, effects: &effects)
    }
    if turned.effects.contains(.deliver), !turned.isSilent {
      deliver(
        message, status, of: id, turned, on: flow, at: now, events: &events, effects: &effects)
    }
    if turned.isTerminated { finish(id) }
  }

  /// What a new response means for dialogs and cancelling, and whether the user is to see it.
  private mutating func deliver(
    _ message: Message, _ status: StatusCode, of id: ClientTransactionID,
    _ turned: ClientTransaction.Turned, on flow: Flow, at now: Instant,
    events: inout [SIPEvent], effects: inout [Transmission]
  ) {
    let (method, dialog) = (turned.method, turned.dialog)
    if status.isProvisional { sendWantedCancel(id, at: now, effects: &effects) }
    if status == 100 { return }
    switch method {
    case .invite where status.isProvisional:
      let dialog = earlyDialog(message, of: id, on: flow)
      guard isNextProvisional(message, in: dialog) else { return }
      events.append(.response(id, message, flow, dialog: dialog))
    case .invite where status.isSuccess:
      deliverSuccess(message, of: id, on: flow, events: &events, effects: &effects)
    case .subscribe where status.isSuccess && dialog == nil,
      .refer where status.isSuccess && dialog == nil:
      guard let dialog = makeDialog(of: message, to: id, on: flow) else { return }
      dialogs[dialog]?.state = .confirmed
      events.append(.response(id, message, flow, dialog: dialog))
    case .invite, .ack, .bye, .cancel, .register, .options, .prack, .subscribe, .notify, .publish,
      .info, .refer, .message, .update, .other:
      if status.isFinal { settle(message, status, method, dialog, id) }
      events.append(.response(id, message, flow, dialog: dialog))
    }
  }

  /// What the final response of a request in a dialog, or a refused INVITE, leaves behind.
  private mutating func settle(
    _ message: Message, _ status: StatusCode, _ method: Method, _ dialog: DialogID?,
    _ id: ClientTransactionID
  ) {
    if method == .invite { dropEarlyDialogs(of: id, but: nil) }
    guard let dialog else { return }
    release(dialog, from: id)
    if status.isSuccess, method.carriesContact, let target = message.contactTarget {
      dialogs[dialog]?.remoteTarget = target
    }
    // A challenged BYE may come again with credentials, an insistent one until the end is proven; any other answer
    // is the end (§15.1.1).
    let comesAgain =
      status == 401 || status == 407
      || (clients[id]?.plan.isInsistent ?? false) && !status.isSuccess && status != 481
    if method == .bye, !comesAgain { removeDialog(dialog) }
  }

  /// The transaction does not hold the dialog any more.
  mutating func release(_ dialog: DialogID, from id: ClientTransactionID) {
    dialogs.with(dialog) { $0.pending.release(id) }
  }
}

// MARK: - INVITE

extension SIPCore {
  /// The early dialog of a provisional response; none without a tag (RFC 3261 §12.1.2).
  private mutating func earlyDialog(
    _ message: Message, of id: ClientTransactionID, on flow: Flow
  ) -> DialogID? {
    guard let (own, early) = clients.with(id, { ($0.dialog, $0.earlyDialogs) }) else { return nil }
    if let own { return own }
    guard message.toTag != nil else { return nil }
    if let known = dialogs.find(dialogName(of: message)) {
      if let target = message.contactTarget { dialogs[known]?.remoteTarget = target }
      if early.contains(known) { return known }
    } else if early.count >= ClientTransaction.forkLimit {
      return nil
    }
    guard let dialog = makeDialog(of: message, to: id, on: flow) else { return nil }
    clients.with(id) { $0.earlyDialogs.append(dialog) }
    dialogs.with(dialog) { $0.pending.ourInvite = id }
    return dialog
  }

  /// Order of reliable provisional responses (RFC 3262 §4); unreliable ones are shown as they come.
  private mutating func isNextProvisional(_ message: Message, in dialog: DialogID?) -> Bool {
    guard let dialog, let number = message.reliableNumber else { return true }
    guard dialogs[dialog]?.provisionalOrder.judge(number) == .next else { return false }
    dialogs[dialog]?.provisional = RAckDraft(
      responseNumber: number, requestNumber: message.cseq.number)
    if !message.body.isEmpty { dialogs[dialog]?.isOfferSettled = true }
    return true
  }

  /// A 2xx: confirms its dialog, once; each fork has a dialog of its own (RFC 3261 §13.2.2.4).
  private mutating func deliverSuccess(
    _ message: Message, of id: ClientTransactionID, on flow: Flow, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    let own = clients.with(id) { $0.dialog } ?? nil
    let key = own == nil ? dialogName(of: message) : nil
    // A copy of a 2xx whose dialog has ended already would make it rise again.
    let known = own ?? key.flatMap { dialogs.find($0) }
    if let key, known == nil, clients.with(id, { $0.mayFork(to: key) }) == false { return }
    guard let dialog = known ?? makeDialog(of: message, to: id, on: flow) else { return }
    if dialogs.with(dialog, { $0.acceptedSequence }) == message.cseq.number {
      repeatAcknowledgement(of: message, in: dialog, effects: &effects)
      return
    }
    dialogs.with(dialog) { $0.confirm(by: message, on: flow, isFirst: own == nil) }
    release(dialog, from: id)
    clients.with(id) { transaction in
      transaction.earlyDialogs.removeAll { $0 == dialog }
      if let key { transaction.acceptedForks.append(key) }
    }
    events.append(.response(id, message, flow, dialog: dialog))
  }

  /// A 2xx that no transaction knows any more: its dialog answers it (RFC 6026 §8.7).
  ///
  /// - Returns: Whether there is a dialog of it; one of a dead process has no answer yet.
  private func acknowledgeAgain(
    _ message: Message, _ status: StatusCode, effects: inout [Transmission]
  ) -> Bool {
    guard status.isSuccess, message.cseq.method == .invite,
      let dialog = dialogs.find(dialogName(of: message)),
      dialogs[dialog]?.acceptedSequence != nil
    else { return false }
    repeatAcknowledgement(of: message, in: dialog, effects: &effects)
    return true
  }

  /// The name of the dialog that a response to a request of ours is in; a missing tag is an empty one.
  func dialogName(of response: Message) -> Fingerprint {
    let bytes = response.bytes.span
    return names.dialog(
      callID: bytes.extracting(response.callID.range),
      localTag: bytes.extracting(response.fromTag?.range ?? 0..<0),
      remoteTag: bytes.extracting(response.toTag?.range ?? 0..<0))
  }

  private func repeatAcknowledgement(
    of message: Message, in id: DialogID, effects: inout [Transmission]
  ) {
    guard let dialog = dialogs[id], let acknowledgement = dialog.acknowledgement,
      acknowledgement.sequence == message.cseq.number
    else { return }
    effects.append(
      Transmission(bytes: acknowledgement.bytes, destination: dialog.destination))
  }

  /// The ACK of a 300…699, on the path of its INVITE (RFC 3261 §17.1.1.3).
  private mutating func acknowledgeFailure(
    _ message: Message, _ id: ClientTransactionID, effects: inout [Transmission]
  ) {
    guard let transaction = clients[id] else { return }
    if transaction.acknowledgement.isEmpty {
      let bytes = transaction.serializeBeside(.ack, to: message.value(.to))
      clients[id]?.acknowledgement = bytes
      effects.append(Transmission(bytes: bytes, destination: transaction.destination))
    } else {
      effects.append(
        Transmission(
          bytes: transaction.acknowledgement, destination: transaction.destination))
    }
  }

  /// Early dialogs end with their INVITE (RFC 3261 §12.3, §13.2.2.4).
  mutating func dropEarlyDialogs(of id: ClientTransactionID, but kept: DialogID?) {
    guard let early = clients.with(id, { $0.earlyDialogs }) else { return }
    for dialog in early where dialog != kept && dialogs[dialog]?.state == .early {
      removeDialog(dialog)
    }
    clients[id]?.earlyDialogs = []
  }
}

extension Dialog {
  /// Takes over what the 2xx of our INVITE says (RFC 3261 §12.1.2, §12.2.1.2, §13.2.2.4).
  fileprivate mutating func confirm(by message: Message, on flow: Flow, isFirst: Bool) {
    if let target = message.contactTarget { remoteTarget = target }
    if isFirst, state == .early { routeSet = RouteSet(recordedIn: message, reversed: true) }
    (state, acceptedSequence, self.flow) = (.confirmed, message.cseq.number, flow)
    (provisional, isOfferSettled) = (nil, false)
    provisionalOrder = ProvisionalOrder()
  }
}

extension ClientTransaction {
  /// Whether a response with its branch is to this request: it has its number and our tag.
  func isAnswered(by response: Message) -> Bool {
    guard response.cseq.number == plan.cseq, let tag = response.fromTag else { return false }
    return response.bytes.span.extracting(tag.range).equals(plan.localTag.span)
  }

  /// An ACK or CANCEL that goes with this request: same Request-URI, Via, Call-ID, From, Route and
  /// CSeq number (RFC 3261 §9.1, §17.1.1.3).
  func serializeBeside(
    _ method: Method, to: [UInt8], headers: [HeaderDraft] = []
  ) -> [UInt8] {
    var copy = RequestPlan(
      method: method, target: plan.target, from: plan.from, to: to, localTag: plan.localTag,
      callID: plan.callID, cseq: plan.cseq, maxForwards: 70)
    copy.routes = plan.routes
    copy.headers = plan.headers.filter { $0.name == .known(.route) } + headers
    return copy.serialize(to: destination, branch: branch, software: nil)
  }
}

extension Message {
  /// Exactly one Via value.
  var hasOneVia: Bool { isOnlyOnce(.via) && isViaAlone }

  /// The RSeq of a reliable provisional response (RFC 3262 §4); nil for an unreliable one.
  var reliableNumber: UInt32? {
    guard status?.isProvisional ?? false, let rseq, require.contains("100rel") else { return nil }
    return rseq
  }
}
