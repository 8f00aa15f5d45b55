package import Elements
import SIPSyntax

// MARK: - Server transactions

extension SIPCore {
  /// Turns a server transaction and sends what it says.
  mutating func turn(
    _ id: ServerTransactionID, _ input: ServerTransaction.Input, at now: Instant,
    effects: inout [Transmission]
  ) {
    guard let turned = servers.with(id, { $0.turn(input, at: now) }) else { return }
    follow(turned, of: id, effects: &effects)
  }

  /// Does what a turn of a server transaction has left to be done.
  mutating func follow(
    _ turned: ServerTransaction.Turned, of id: ServerTransactionID,
    effects: inout [Transmission]
  ) {
    if let bytes = turned.bytes, !bytes.isEmpty, turned.flow.remote.address.isUnicast {
      effects.append(Transmission(bytes: bytes, destination: .flow(turned.flow)))
    }
    if turned.isTerminated { removeServer(id) }
    if let due = turned.due { deadlines.schedule(.server(id), at: due) }
  }

  mutating func removeServer(_ id: ServerTransactionID) {
    guard let (key, mergeKey, dialog) = servers.with(id, { ($0.key, $0.mergeKey, $0.dialog) })
    else { return }
    servers.remove(id)
    servers.forget(key, of: id)
    if let mergeKey { servers.forget(mergeKey, of: id) }
    if let dialog { dialogs[dialog]?.pending.release(id) }
  }
}

// MARK: - Client transactions

extension SIPCore {
  /// A transaction is over: the end of its early dialogs, and of what waited for it.
  mutating func finish(_ id: ClientTransactionID) {
    dropEarlyDialogs(of: id, but: nil)
    if let dialog = clients.with(id, { $0.dialog }) ?? nil { release(dialog, from: id) }
    removeClient(id)
  }

  /// Puts a new transaction under its number and its name.
  mutating func add(_ transaction: consuming ClientTransaction, _ id: ClientTransactionID) {
    let key = transaction.key
    clients.insert(transaction, id, name: key)
    let due = clients.with(id) { $0.claimDeadline() } ?? nil
    if let due { deadlines.schedule(.client(id), at: due) }
  }

  mutating func removeClient(_ id: ClientTransactionID) {
    let key = clients.with(id) { $0.key }
    clients.remove(id)
    if let key { clients.forget(key, of: id) }
  }

  /// The lane could not send a request.
  ///
  /// By datagrams that ends only one that has never left: an earlier copy may have arrived. Nor does it end what
  /// has gone another way meanwhile.
  package mutating func transportFailed(
    _ attempt: SendingAttempt, reason: String, at now: Now, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    guard let transaction = clients[attempt.transaction],
      transaction.destination.transport == attempt.transport,
      transaction.destination.remote == attempt.remote,
      attempt.transport.isReliable || transaction.hasLeftOnce
    else { return }
    fail(
      attempt.transaction, .transportFailed, .transport(reason), at: now.instant, &events, &effects)
  }

  /// An ICMP error tells that a datagram did not arrive (RFC 3261 §18.4); `quote` is what it repeats of it.
  ///
  /// Anybody can send such errors, and where one ended an INVITE that has arrived, its call would cost without being
  /// counted. So it must repeat the branch, which only those know who have seen the request, and no other copy may
  /// have left, except of what asks for nothing that costs. Dialogs do not end by it, but for a BYE that nobody insists on.
  package mutating func unreachable(
    _ quote: [UInt8], reason: String, at now: Now, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    guard let request = QuotedRequest(quote),
      let id = clients.find(
        names.clientTransaction(branch: request.branch.span, method: request.method)),
      let transaction = clients[id], transaction.endsUnreachable,
      !transaction.destination.transport.isReliable,
      transaction.dialog == nil || transaction.method == .bye && !transaction.plan.isInsistent
    else { return }
    fail(id, .transportFailed, .transport(reason), at: now.instant, &events, &effects)
  }

  /// A connection is gone: requests that went over it have failed, dialogs stay.
  package mutating func flowClosed(
    _ connection: FlowID, at now: Now, events: inout [SIPEvent], effects: inout [Transmission]
  ) {
    for id in clients.ids where clients[id]?.destination.connection == connection {
      fail(
        id, .transportFailed, .transport("the connection was closed"), at: now.instant, &events,
        &effects)
    }
  }

  private mutating func fail(
    _ id: ClientTransactionID, _ input: ClientTransaction.Input, _ failure: ClientFailure,
    at now: Instant, _ events: inout [SIPEvent], _ effects: inout [Transmission]
  ) {
    guard let turned = clients[id]?.turn(input, at: now), let transaction = clients[id] else {
      return
    }
    if let due = turned.due { deadlines.schedule(.client(id), at: due) }
    let asked = turned.effects
    if asked.contains(.sendRequest) {
      effects.append(
        Transmission(
          bytes: transaction.bytes, destination: transaction.destination, transaction: id))
    }
    if !asked.isDisjoint(with: [.timeOut, .fail]) {
      if asked.contains(.fail), fallBack(id, at: now, effects: &effects) { return }
      if !transaction.isSilent { events.append(.clientFailed(id, failure)) }
      if transaction.method == .bye, !transaction.plan.isInsistent, let dialog = transaction.dialog
      {
        removeDialog(dialog)
      }
    }
    if transaction.isTerminated { finish(id) }
  }
}

// MARK: - Cancelling

extension SIPCore {
  /// Ends an INVITE of ours that has no final response.
  ///
  /// The CANCEL leaves behind the first provisional response (RFC 3261 §9.1); no datagram follows a connection that
  /// fails then. A 2xx that crosses it is delivered as usual: acknowledge it and send BYE.
  package mutating func cancel(
    _ id: ClientTransactionID, headers: [HeaderDraft] = [], at now: Now,
    effects: inout [Transmission]
  ) {
    guard clients[id]?.method == .invite, isPending(id), clients[id]?.cancellation == .some(.none)
    else { return }
    clients[id]?.cancellation = .wanted(headers)
    if isProceeding(id) { sendWantedCancel(id, at: now.instant, effects: &effects) }
  }

  /// Sends the CANCEL that waited for a provisional response.
  mutating func sendWantedCancel(
    _ id: ClientTransactionID, at now: Instant, effects: inout [Transmission]
  ) {
    guard let invite = clients[id], case .wanted(let headers) = invite.cancellation else { return }
    clients[id]?.cancellation = .sent
    if let due = clients[id]?.turn(.cancelSent, at: now).due {
      deadlines.schedule(.client(id), at: due)
    }
    let bytes = invite.serializeBeside(.cancel, to: invite.plan.to, headers: headers)
    var plan = RequestPlan(
      method: .cancel, target: invite.plan.target, from: invite.plan.from, to: invite.plan.to,
      localTag: invite.plan.localTag, callID: invite.plan.callID, cseq: invite.plan.cseq,
      maxForwards: 70)
    plan.isSilent = true
    let key = names.clientTransaction(branch: invite.branch.span, method: .cancel)
    let cancelID = clients.nextID()
    let transaction = ClientTransaction(
      plan, bytes: bytes, branch: invite.branch, destination: invite.destination, key: key,
      fallback: nil, timers: configuration.timers, at: now)
    add(transaction, cancelID)
    effects.append(
      Transmission(bytes: bytes, destination: invite.destination, transaction: cancelID))
  }
}

// MARK: - Deadlines

extension SIPCore {
  /// Does what is due; call it when ``deadline`` has come, sooner does no harm.
  package mutating func handleDeadline(
    at now: Now, events: inout [SIPEvent], effects: inout [Transmission]
  ) {
    while let key = deadlines.popDue(at: now.instant) {
      switch key {
      case .client(let id): handleDeadline(id, at: now.instant, &events, &effects)
      case .server(let id): handleDeadline(id, at: now.instant, &events, &effects)
      case .dialog(let id): handleDeadline(id, at: now.instant, &events, &effects)
      }
    }
  }

  private mutating func handleDeadline(
    _ id: ClientTransactionID, at now: Instant, _ events: inout [SIPEvent],
    _ effects: inout [Transmission]
  ) {
    guard let deadline = clients.with(id, { $0.leaveQueue() }) ?? nil else { return }
    guard deadline <= now else {
      schedule(id)
      return
    }
    fail(id, .deadline, .timeout, at: now, &events, &effects)
  }

  private mutating func handleDeadline(
    _ id: ServerTransactionID, at now: Instant, _ events: inout [SIPEvent],
    _ effects: inout [Transmission]
  ) {
    guard let deadline = servers.with(id, { $0.leaveQueue() }) ?? nil else { return }
    guard deadline <= now else {
      schedule(id)
      return
    }
    if let due = servers[id]?.provisionals?.machine.deadline, due <= now {
      var turned: [ReliableProvisional.Effect] = []
      servers[id]?.provisionals?.machine.handleDeadline(at: now, into: &turned)
      if turned.contains(.resend), let transaction = servers[id],
        let bytes = transaction.provisionals?.latest
      {
        effects.append(Transmission(bytes: bytes, destination: .flow(transaction.flow)))
      }
      if turned.contains(.fail) {
        servers[id]?.provisionals?.waiting = []
        events.append(.provisionalUnacknowledged(id))
      }
    }
    turn(id, .deadline, at: now, effects: &effects)
  }

  private mutating func handleDeadline(
    _ id: DialogID, at now: Instant, _ events: inout [SIPEvent],
    _ effects: inout [Transmission]
  ) {
    guard let deadline = dialogs.with(id, { $0.leaveQueue() }) ?? nil else { return }
    guard deadline <= now, var success = dialogs[id]?.success else {
      schedule(id)
      return
    }
    var turned: [SuccessRetransmission.Effect] = []
    success.machine.handle(.deadline, at: now, into: &turned)
    dialogs[id]?.success = success
    if turned.contains(.resend) {
      effects.append(Transmission(bytes: success.bytes, destination: .flow(success.flow)))
    }
    if turned.contains(.fail) {
      dialogs[id]?.success = nil
      events.append(.unacknowledged(id))
      sendDeferredBye(in: id, at: now, effects: &effects)
    }
    schedule(id)
  }

  // A thing is in the queue at the earliest moment it ever asked for; what comes out too early is
  // put back at its deadline of then.

  mutating func schedule(_ id: ClientTransactionID) {
    guard let moment = clients.with(id, { $0.claimDeadline() }) ?? nil else { return }
    deadlines.schedule(.client(id), at: moment)
  }

  mutating func schedule(_ id: ServerTransactionID) {
    guard let moment = servers.with(id, { $0.claimDeadline() }) ?? nil else { return }
    deadlines.schedule(.server(id), at: moment)
  }

  mutating func schedule(_ id: DialogID) {
    guard let moment = dialogs.with(id, { $0.claimDeadline() }) ?? nil else { return }
    deadlines.schedule(.dialog(id), at: moment)
  }
}

/// Something that has to be looked after at a moment of its own.
protocol Scheduled {
  var deadline: Instant? { get }
  /// The moment at which it is in the queue.
  var scheduled: Instant? { get set }
}

extension Scheduled {
  @inline(__always)
  mutating func give<Result>(to body: (inout Self) -> Result) -> Result { body(&self) }

  /// The moment to queue it at; nil if it needs none, or is in the queue early enough.
  @inline(__always)
  mutating func claimDeadline() -> Instant? {
    guard let deadline, scheduled.map({ deadline < $0 }) ?? true else { return nil }
    scheduled = deadline
    return deadline
  }

  /// The moment in the queue has come: until when it has to wait now.
  @inline(__always)
  mutating func leaveQueue() -> Instant? {
    scheduled = nil
    return deadline
  }
}

extension ClientTransaction: Scheduled {}
extension ServerTransaction: Scheduled {}
extension Dialog: Scheduled {}
