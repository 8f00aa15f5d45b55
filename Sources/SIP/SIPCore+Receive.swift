package import Elements
package import SIPSyntax

extension SIPCore {
  /// Takes one datagram, or one message or keep-alive of a stream.
  ///
  /// Parses it, answers what is broken, matches what is known; events tell what the user must know.
  package mutating func receive(
    _ bytes: [UInt8], on flow: Flow, at now: Now, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    if Self.isKeepAlive(bytes) {
      if flow.transport.isReliable, bytes.count >= 4 {
        effects.append(Transmission(bytes: StreamFramer.pong, destination: .flow(flow)))
      }
      events.append(.keepAlive(flow, nil))
      return
    }
    if !flow.transport.isReliable, let request = STUNBinding(bytes) {
      events.append(.keepAlive(flow, request))
      return
    }
    do throws(MessageError) {
      let message = try MessageParser.parse(bytes, framing: flow.transport.framing)
      receive(message, on: flow, at: now, events: &events, effects: &effects)
    } catch {
      switch error {
      case .rejected(let request):
        refuse(request, on: flow, effects: &effects)
        events.append(.malformed(flow, status: request.status))
      case .unanswerable:
        events.append(.malformed(flow, status: nil))
      }
    }
  }

  /// Takes a message that has been parsed already.
  package mutating func receive(
    _ message: Message, on flow: Flow, at now: Now, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    guard message.isRequest else {
      receiveResponse(message, on: flow, at: now.instant, events: &events, effects: &effects)
      return
    }
    switch message.method {
    case .ack:
      receiveAcknowledgement(message, on: flow, at: now.instant, events: &events, effects: &effects)
    case .cancel:
      receiveCancel(message, on: flow, at: now.instant, events: &events, effects: &effects)
    case .register:
      receiveStateless(message, on: flow, events: &events, effects: &effects)
    case .invite, .bye, .options, .prack, .subscribe, .notify, .publish, .info, .refer,
      .message, .update, .other:
      receiveRequest(message, on: flow, at: now.instant, events: &events, effects: &effects)
    }
  }

  /// Bytes that say nothing but "I am here": CRLF (RFC 5626 §4.4.1), zeros, nothing at all.
  private static func isKeepAlive(_ bytes: [UInt8]) -> Bool {
    bytes.count <= 64 && bytes.allSatisfy { $0 == 13 || $0 == 10 || $0 == 0 || $0 == 32 }
  }

  /// Answers a broken request without keeping anything of it.
  private func refuse(
    _ request: RejectedRequest, on flow: Flow, effects: inout [Transmission]
  ) {
    guard request.isAnswerable, flow.remote.address.isUnicast else { return }
    var name = names.absorber()
    name.absorb(part: request.headers.bytes.span)
    var builder = MessageBuilder(
      responseTo: request, source: flow.remote, toTag: statelessTag(of: name.finish()))
    if request.status == 501 { builder.add(.allow, tokens: configuration.allow) }
    effects.append(Transmission(bytes: builder.finish(), destination: .flow(flow)))
  }
}

// MARK: - Requests

extension SIPCore {
  private mutating func receiveRequest(
    _ message: Message, on flow: Flow, at now: Instant, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    let key = names.serverTransaction(
      message, method: message.method, from: flow.remote.address)
    if let id = servers.find(key) {
      turn(id, .requestAgain, at: now, effects: &effects)
      return
    }
    let isInDialog = message.toTag != nil
    let mergeKey = isInDialog ? nil : names.mergedRequest(message)
    if let refusal = refusal(of: message, mergeKey: mergeKey) {
      answerStatelessly(message, key: key, on: flow, refusal, effects: &effects)
      return
    }
    guard isInDialog else {
      let id = open(message, on: flow, key: key, mergeKey: mergeKey, at: now)
      events.append(.request(id, message, flow, dialog: nil))
      return
    }
    guard let dialog = findDialog(of: message) else {
      answerStatelessly(message, key: key, on: flow, ResponseDraft(481), effects: &effects)
      return
    }
    let isStranger = !(dialogs.with(dialog) { $0.isPlausible(flow) } ?? false)
    let id = open(
      message, on: flow, key: key, dialog: dialog, isStranger: isStranger, at: now)
    guard !isStranger else {
      events.append(.stranger(id, message, flow, dialog: dialog))
      return
    }
    enter(id, dialog: dialog, at: now, events: &events, effects: &effects)
  }

  /// Why a request needs no decision of the user, in the order of RFC 3261 §8.2.
  ///
  /// The key is nil for requests within a dialog, and for those that leave no transaction.
  func refusal(of message: Message, mergeKey: Fingerprint?) -> ResponseDraft? {
    let method = message.method
    guard methods.contains(method) else {
      let allow = HeaderDraft(.allow, configuration.allow.joined(separator: ", "))
      return ResponseDraft(method.isKnown ? 405 : 501, headers: [allow])
    }
    if message.requestScheme == URI.Scheme.other {
      // A call for help may name the service instead of a number (RFC 5031).
      guard method == .invite, message.requestURI?.isEmergencyService ?? false else {
        return ResponseDraft(416)
      }
    }
    if let mergeKey, servers.find(mergeKey) != nil { return ResponseDraft(482) }
    if mergeKey != nil, method.needsDialog { return ResponseDraft(481) }
    if message.has(.require) {
      let unknown = message.values(.require).map { message.text($0) }
        .filter { !configuration.options.contains($0.lowercased()) }
      if !unknown.isEmpty {
        let names = unknown.joined(separator: ", ")
        return ResponseDraft(420, headers: [HeaderDraft(.unsupported, names)])
      }
    }
    // Dialogs that are there go on: only what comes from outside has to wait.
    guard mergeKey == nil || servers.count < configuration.serverTransactionLimit else {
      let seconds = "\(configuration.retryAfterSeconds)"
      return ResponseDraft(503, headers: [HeaderDraft(.retryAfter, seconds)])
    }
    return nil
  }

  private mutating func open(
    _ message: Message, on flow: Flow, key: Fingerprint, mergeKey: Fingerprint? = nil,
    dialog: DialogID? = nil, isStranger: Bool = false, at now: Instant
  ) -> ServerTransactionID {
    let id = servers.nextID()
    // Made where it is handed over: a transaction in a variable would be copied into its place.
    servers.insert(
      ServerTransaction(
        message, on: flow, key: key, mergeKey: mergeKey, timers: configuration.timers,
        dialog: dialog, isStranger: isStranger, at: now), id, name: key)
    let due = servers.with(id) { $0.claimDeadline() } ?? nil
    if let due { deadlines.schedule(.server(id), at: due) }
    if let mergeKey { servers.name(id, also: mergeKey) }
    return id
  }

  /// The dialog whose remote side sent this request (RFC 3261 §12.2.2).
  func findDialog(of message: Message) -> DialogID? {
    guard let toTag = message.toTag else { return nil }
    let bytes = message.bytes.span
    return dialogs.find(
      names.dialog(
        callID: bytes.extracting(message.callID.range),
        localTag: bytes.extracting(toTag.range),
        remoteTag: bytes.extracting(message.fromTag?.range ?? 0..<0)))
  }
}

// MARK: - ACK and CANCEL

extension SIPCore {
  private mutating func receiveAcknowledgement(
    _ message: Message, on flow: Flow, at now: Instant, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    let key = names.serverTransaction(message, method: .invite, from: flow.remote.address)
    if let id = servers.find(key) {
      let isForFailure = servers[id].map { $0.isInvite && !$0.isAccepted } ?? false
      if isForFailure {
        turn(id, .acknowledged, at: now, effects: &effects)
        return
      }
    }
    // The ACK of a 2xx is in the dialog; of an answer that left no state there is nothing to find.
    // From elsewhere (the second machine of a carrier) it may say that it came, but describe no media.
    guard let id = findDialog(of: message) else { return }
    let taken = dialogs.with(id) { dialog -> Bool? in
      guard dialog.isPlausible(flow) || message.body.isEmpty else { return nil }
      return dialog.acknowledge(message.cseq.number, at: now)
    }
    guard case let isFirst?? = taken else { return }
    if isFirst { events.append(.acknowledged(id, message)) }
    sendDeferredBye(in: id, at: now, effects: &effects)
  }

  private mutating func receiveCancel(
    _ message: Message, on flow: Flow, at now: Instant, events: inout [SIPEvent],
    effects: inout [Transmission]
  ) {
    let key = names.serverTransaction(message, method: .invite, from: flow.remote.address)
    guard let id = servers.find(key), let invite = servers[id], invite.isInvite
    else {
      let own = names.serverTransaction(message, method: .cancel, from: flow.remote.address)
      answerStatelessly(message, key: own, on: flow, ResponseDraft(481), effects: &effects)
      return
    }
    // Each copy gets the same 200: it needs no transaction of its own (RFC 3261 §9.2).
    let tag = localTag(of: id)
    let builder = MessageBuilder(
      responseTo: message, 200, source: flow.remote, toTag: tag)
    effects.append(Transmission(bytes: builder.finish(), destination: .flow(flow)))
    guard invite.isPending, !invite.isCancelled else { return }
    servers[id]?.isCancelled = true
    events.append(.cancelled(id, message))
  }
}

extension ServerTransaction {
  /// Answered with a 2xx: its ACK belongs to the dialog.
  var isAccepted: Bool {
    guard case .invite(let machine) = machine, case .accepted = machine.state else { return false }
    return true
  }
}
