import Directory
import Elements
import Limits
import Relay
import SIP
import SIPSyntax

// Every way in which a call ends leads through here, once.

extension SwitchCore {
  /// Ends the call: each leg in its own way, then media, money and record.
  ///
  /// A caller without an answer gets `failure`, or what the cause stands for. `reason` is the Reason
  /// value of the side that hung up, to be passed on.
  mutating func end(
    _ call: inout Call, _ cause: HangupCause, by party: CallDetailRecord.Party,
    failure: LegFailure? = nil, reason: [UInt8]? = nil, at now: Now
  ) throws(LegContradiction) {
    guard call.phase != .ending else { return }
    call.phase = .ending
    call.endUntil = now.instant + configuration.calls.ending
    (call.record.cause, call.record.endedBy, call.record.endedAt) = (cause, party, now.wall)
    dropExchange(&call, at: now)
    let isRefused = refuseCaller(&call, failure ?? LegFailure(cause), reason: reason, at: now)
    for leg in call.legs.indices {
      if leg == 0, isRefused {
        try over(&call, 0, .neverAnswered, at: now)
        continue
      }
      switch call.legs[leg].state {
      case .preparing, .inviting, .ringing:
        if leg == 0 {
          try over(&call, 0, .neverAnswered, at: now)
        } else {
          try cancelLeg(&call, leg, cause: cause, reason: reason, at: now)
        }
      case .answered, .talking: try hangUp(&call, leg, cause: cause, reason: reason, at: now)
      case .cancelling, .ending, .over: break
      }
    }
    for branch in call.branches.indices { releaseKeptHold(of: branch, in: &call, at: now) }
    closeMedia(&call)
    guard logs(.info) else { return }
    log(
      .info, "call ended", call: call, Alert.Fact("cause", cause.rawValue),
      Alert.Fact("by", party.rawValue), Alert.Fact("status", "\(call.record.status)"))
  }

  /// RFC 3261 §15.1.2: an offer that waits in a call that ends gets 487; its sender would repeat it for long.
  ///
  /// Our own INVITE of it is cancelled: a peer that has rung for it might never answer.
  private mutating func dropExchange(_ call: inout Call, at now: Now) {
    guard let exchange = call.exchange else { return }
    call.exchange = nil
    if let server = exchange.server { respond(server, 487, at: now) }
    if exchange.waitsToAnswer || exchange.waitsForAcknowledgement {
      // Its 2xx has come, and its offer will not be answered by who asked for it.
      let refusal = call.legs[exchange.to].media.makeRefusal()
      return acknowledgeExchange(call, exchange, body: refusal, at: now)
    }
    guard let client = exchange.client, exchange.isInvite, sip.isPending(client) else { return }
    sip.cancel(client, headers: [], at: now, effects: &output.wire)
  }

  /// The final answer to the INVITE of the caller; false: it has one.
  ///
  /// A 200 that waits behind a reliable answer never left, so that there is no dialog to end with BYE.
  private mutating func refuseCaller(
    _ call: inout Call, _ failure: LegFailure, reason: [UInt8]?, at now: Now
  ) -> Bool {
    guard let server = call.caller.serverInvite else { return false }
    forgetInvite(of: &call)
    guard sip.isPending(server) else { return false }
    var status = StatusCode(exactly: Int(failure.statusForCaller)) ?? 500
    if call.caller.party.trunk != nil {
      if failure.cause == .noChannel { status = 486 }
      // It would try another way to the phone that cannot take the call.
      if failure.isPhoneOutOfService { status = 480 }
    }
    var headers = [HeaderDraft(.reason, reason ?? failure.reasonValue)]
    if let warning = failure.warning { headers.append(HeaderDraft(.warning, warning)) }
    if status == 503 || failure.retryAfterSeconds != nil {
      headers.append(HeaderDraft(.retryAfter, "\(failure.retryAfterSeconds ?? 30)"))
    }
    call.record.status = status.number
    var draft = ResponseDraft(status, headers: headers)
    if failure.hasWarning { draft.reasonPhrase = failure.cause.phrase }
    respond(server, draft, at: now)
    return true
  }

  /// Lets a leg go that has no answer yet.
  mutating func cancelLeg(
    _ call: inout Call, _ leg: Int, cause: HangupCause = .normal, reason: [UInt8]? = nil,
    at now: Now
  ) throws(LegContradiction) {
    guard let client = call.legs[leg].clientInvite, call.legs[leg].state != .preparing else {
      return try over(&call, leg, .neverAnswered, at: now)
    }
    if call.legs[leg].isConfirmed { return try hangUp(&call, leg, cause: cause, at: now) }
    guard call.legs[leg].isEarly else { return }
    try call.legs[leg].take(.cancelled)
    // RFC 3326: phones show no missed call when somebody else has answered, here or before us.
    let words =
      call.answered != nil
      ? Array("SIP;cause=200;text=\"Call completed elsewhere\"".utf8)
      : reason ?? LegFailure(cause).reasonValue
    sip.cancel(client, headers: [HeaderDraft(.reason, words)], at: now, effects: &output.wire)
    try dropExchange(of: leg, in: &call, at: now)
  }

  /// An offer of a leg that has no part in the conversation, or to it, must not wait for its answer: that
  /// would hold up the offers of those who talk, or end their call.
  private mutating func dropExchange(
    of leg: Int, in call: inout Call, at now: Now
  ) throws(LegContradiction) {
    guard let exchange = call.exchange, exchange.from == leg || exchange.to == leg,
      call.phase != .talking || call.peer(of: leg) == nil
    else { return }
    try refuseExchange(&call, status: 491, at: now)
  }

  /// Sends BYE on a confirmed leg.
  mutating func hangUp(
    _ call: inout Call, _ leg: Int, cause: HangupCause, reason: [UInt8]? = nil, at now: Now
  ) throws(LegContradiction) {
    guard let dialog = call.legs[leg].dialog else {
      return try over(&call, leg, .unknown, at: now)
    }
    if leg != 0, call.legs[leg].state == .answered {
      // RFC 3261 §13.2.2.4: its 2xx is acknowledged first; an offer in it with an answer that takes nothing.
      let isOffer = call.invitation.offer == nil
      let refusal = isOffer ? call.legs[leg].media.makeRefusal() : nil
      acknowledge(dialog, body: refusal, at: now)
    }
    try call.legs[leg].take(.hungUp)
    // What never was the conversation has no mark of its answer yet, and its BYE may be lost.
    if leg != 0, call.answered != leg, let mark = dialogMark(of: &call.legs[leg]) {
      journal.write(.call(.leg(call.id, mark)))
    }
    // An answer behind our CANCEL may come late: its BYE has its whole time, too.
    if call.phase == .ending {
      call.endUntil = max(call.endUntil ?? .start, now.instant + configuration.calls.ending)
    }
    let words = reason ?? LegFailure(cause).reasonValue
    call.legs[leg].clientBye = sendBye(
      in: dialog, to: call.legs[leg].carrier, owner: .bye(call.id, leg: leg), reasonValue: words,
      isInsistent: call.legs[leg].costsUntilConfirmed, at: now)
    if call.legs[leg].clientBye == nil { try over(&call, leg, .unknown, at: now) }
  }

  /// Sends the BYEs again that carriers have not confirmed.
  mutating func repeatByes(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard call.hasUnconfirmed else { return }
    for leg in call.legs.indices where !call.legs[leg].isOver {
      guard call.legs[leg].unconfirmed?.isDue(at: now.instant) ?? false,
        let dialog = call.legs[leg].dialog
      else { continue }
      call.legs[leg].clientBye = sendBye(
        in: dialog, to: call.legs[leg].carrier, owner: .bye(call.id, leg: leg),
        reasonValue: LegFailure(call.record.cause).reasonValue, isInsistent: true,
        at: now)
      if call.legs[leg].clientBye == nil { try byeAnswered(&call, leg, status: nil, at: now) }
    }
  }

  @discardableResult
  mutating func sendBye(
    in dialog: DialogID, to carrier: Carrier?, owner: Owners.Client?, reasonValue: [UInt8],
    isInsistent: Bool = false, at now: Now
  ) -> ClientTransactionID? {
    var draft = RequestDraft(.bye, headers: [HeaderDraft(.reason, reasonValue)])
    draft.isInsistent = isInsistent
    guard let client = try? send(draft, in: dialog, to: carrier, at: now) else { return nil }
    if let owner { owners.clients[client] = owner }
    return client
  }

  mutating func sendBye(
    in dialog: DialogID, to carrier: Carrier?, owner: Owners.Client?, reason: HangupCause,
    at now: Now
  ) {
    sendBye(
      in: dialog, to: carrier, owner: owner, reasonValue: LegFailure(reason).reasonValue, at: now)
  }

  /// A leg is done: its money is settled and its channel is free.
  mutating func over(
    _ call: inout Call, _ leg: Int, _ outcome: Outcome, at now: Now
  ) throws(LegContradiction) {
    guard !call.legs[leg].isOver else { return }
    let mayAnswer = outcome == .unknown && call.legs[leg].isUnanswered
    try call.legs[leg].take(.ended)
    let charge = settleMoney(&call, leg, outcome, at: now)
    if mayAnswer { keepInvite(of: call.legs[leg], in: call, paid: charge, at: now) }
    if call.legs[leg].holdsChannel, let trunk = call.legs[leg].party.trunk {
      call.legs[leg].holdsChannel = false
      changeTrunk(trunk) { $0.releaseChannel() }
    }
    forgetDialogs(of: &call.legs[leg])
    noteGone(call, leg)
    try dropExchange(of: leg, in: &call, at: now)
    if leg != 0, call.phase != .ending, call.legs[leg].media.isAttached, call.answered != leg {
      call.legs[leg].media.isAttached = false
      output.relay.append(.detach(call.media.session, leg: leg))
    }
    if mayAnswer, call.legs[leg].party.trunk != nil, let ports = call.legs[leg].media.ports {
      output.relay.append(.spare(call.media.session, ports))
    }
  }

  /// The answer to our BYE, or that there will be none: then it is sent again, and the hold stays (guard rule 6).
  mutating func byeAnswered(
    _ call: inout Call, _ leg: Int, status: UInt16?, at now: Now
  ) throws(LegContradiction) {
    guard call.legs[leg].state == .ending else { return }
    // 481: the dialog is gone on the other side. Nothing else than these proves that it stopped.
    let isProven = status.map { (200...299).contains($0) || $0 == 481 } ?? false
    if !isProven, insists(&call, leg, at: now) { return }
    if let dialog = call.legs[leg].dialog { sip.end(dialog) }
    if !isProven { possiblyStillUp(call, leg, isGivenUp: true, at: now) }
    try over(&call, leg, isProven ? .ended(at: now.instant) : .unknown, at: now)
  }

  /// Whether the BYE of a leg is sent again; whoever is concerned is told the first time.
  private mutating func insists(_ call: inout Call, _ leg: Int, at now: Now) -> Bool {
    guard call.legs[leg].costsUntilConfirmed, let dialog = call.legs[leg].dialog,
      sip.dialog(dialog) != nil
    else { return false }
    let isFirst = call.legs[leg].unconfirmed == nil
    var unconfirmed =
      call.legs[leg].unconfirmed
      ?? UnconfirmedBye(until: now.instant + configuration.calls.insistence)
    guard unconfirmed.failed(at: now.instant) else { return false }
    call.legs[leg].unconfirmed = unconfirmed
    call.hasUnconfirmed = true
    if isFirst { possiblyStillUp(call, leg, at: now) }
    tellDrained(but: call)
    return true
  }

  private mutating func possiblyStillUp(
    _ call: Call, _ leg: Int, isGivenUp: Bool = false, at now: Now
  ) {
    guard let trunk = call.legs[leg].party.trunk, call.legs[leg].paid != nil else { return }
    alert(
      .possiblyStillUp, .critical, tenant: call.record.tenant,
      key: "up-\(call.id)-\(leg)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("call", "\(call.id)"),
        Alert.Fact("trunk", rules.directory.trunk(trunk)?.name ?? "\(trunk)"),
        Alert.Fact("to", call.record.normalised),
        Alert.Fact(
          "why",
          isGivenUp
            ? "the carrier never confirmed that the call has ended, so it is charged until now"
            : "the carrier did not confirm that the call has ended"),
      ])
  }

  // MARK: - The end of the end

  /// Nothing is under way any more.
  func isGone(_ call: inout Call) -> Bool {
    guard call.phase == .ending, call.media.state == .closed else { return false }
    for leg in call.legs.indices where !call.legs[leg].isOver { return false }
    return true
  }

  /// The call waited long enough for answers that do not come.
  mutating func endAtLast(_ call: inout Call, at now: Now) throws(LegContradiction) {
    for leg in call.legs.indices where !call.legs[leg].isOver {
      if leg != 0 { possiblyStillUp(call, leg, isGivenUp: true, at: now) }
      if let dialog = call.legs[leg].dialog { sip.end(dialog) }
      try over(&call, leg, .unknown, at: now)
    }
    call.media.state = .closed
  }

  /// Writes the one record of the call and forgets it.
  mutating func finish(_ call: inout Call, at now: Now) {
    var record = call.record
    record.legs = call.recordedLegs()
    journal.write(.record(record))
    keepForks(of: call, at: now)
    owners.sessions[call.media.session] = nil
    for leg in call.legs.indices {
      forgetDialogs(of: &call.legs[leg])
      if let server = call.legs[leg].serverInvite { owners.invites[server] = nil }
      if let client = call.legs[leg].clientInvite { owners.clients[client] = nil }
      // One that waited for an ACK and was overtaken by the peer's BYE never left: nobody answers it.
      if let client = call.legs[leg].clientBye {
        (owners.clients[client], owners.challengeables[client]) = (nil, nil)
      }
    }
    tellDrained(but: call)
  }

  /// A drain is over when no call is left but those whose carrier does not confirm the end: the next process
  /// ends them by what the journal has of them.
  ///
  /// `call` is in hand, and not in the table.
  mutating func tellDrained(but call: Call? = nil) {
    guard isDraining, calls.values.allSatisfy({ $0.value.waitsForCarriers }) else { return }
    guard call.map({ $0.phase == .ending && $0.waitsForCarriers }) ?? true else { return }
    output.publications.append(.drained)
  }

  /// A contradiction of ours in this call: it ends here, and nothing else is touched.
  mutating func poison(_ call: inout Call, _ error: LegContradiction, at now: Now) {
    status.callsPoisoned += 1
    log(.error, "call poisoned", call: call, Alert.Fact("why", "\(error)"))
    alert(
      .internalFault, .critical, tenant: call.record.tenant,
      key: "fault-\(call.id)-\(now.wall.unixMilliseconds)", at: now,
      [Alert.Fact("call", "\(call.id)"), Alert.Fact("why", "\(error)")])
    if call.phase != .ending {
      call.phase = .ending
      (call.record.cause, call.record.endedBy) = (.internalFault, .system)
      call.record.endedAt = now.wall
    }
    call.endUntil = now.instant + configuration.calls.ending
    dropExchange(&call, at: now)
    if let server = call.caller.serverInvite, sip.isPending(server) {
      call.record.status = 500
      respond(server, 500, at: now)
    }
    forgetInvite(of: &call)
    for leg in call.legs.indices where !call.legs[leg].isOver {
      if let dialog = call.legs[leg].dialog, sip.dialog(dialog)?.state == .confirmed {
        call.legs[leg].force(.ending)
        call.legs[leg].clientBye = sendBye(
          in: dialog, to: call.legs[leg].carrier, owner: .bye(call.id, leg: leg),
          reasonValue: LegFailure(.internalFault).reasonValue,
          isInsistent: call.legs[leg].costsUntilConfirmed, at: now)
        if call.legs[leg].clientBye != nil { continue }
      } else if let client = call.legs[leg].clientInvite, sip.isPending(client) {
        call.legs[leg].force(.cancelling)
        sip.cancel(client, headers: [], at: now, effects: &output.wire)
        continue
      }
      settleMoney(&call, leg, .unknown, at: now)
      try? over(&call, leg, .unknown, at: now)
    }
    for branch in call.branches.indices { releaseKeptHold(of: branch, in: &call, at: now) }
    closeMedia(&call)
  }
}

extension LegFailure {
  /// The status for the caller: what the other side said, where that is no secret and no invitation to act.
  var statusForCaller: UInt16 {
    switch status {
    case 401, 407, 402: 403
    case 300...399: 480
    case 487: cause == .cancelled ? 487 : 480
    // RFC 3261 §16.7: 503 says that we can take no calls at all, not that one phone cannot.
    case 503 where isPhoneOutOfService: 500
    case 500...599 where cause == .failure: status
    case 400...699: cause == HangupCause(status: status) ? status : cause.status
    case _: cause.status
    }
  }

  fileprivate var isPhoneOutOfService: Bool { status == 503 && cause == .failure }

  /// The value of Reason: the Q.850 cause that we were told, or the one that our cause stands for.
  var reasonValue: [UInt8] { reasonValue(saying: cause.phrase) }

  func reasonValue(saying words: String) -> [UInt8] {
    var value: [UInt8] = []
    value.reserveCapacity(64)
    value.append(text: "Q.850;cause=")
    value.append(decimal: UInt64(q850 ?? cause.q850))
    value.append(text: ";text=\"")
    value.append(contentsOf: words.utf8)
    value.append(UInt8(ascii: "\""))
    return value
  }

  /// What a person at the phone should read; nothing about our inside.
  var warning: String? {
    // RFC 5630 §5.3, for a caller that may try again with a SIP URI.
    if lacksTLS { return "380 pbx \"SIPS Not Allowed\"" }
    return hasWarning ? "399 pbx \"\(cause.phrase)\"" : nil
  }

  /// Whether it is ours to explain: then the words are the reason phrase, too, which is what phones show.
  var hasWarning: Bool {
    switch cause {
    case .limitReached, .unknownRate, .noChannel, .journalUnavailable, .forbidden, .draining: isOurs
    case _: false
    }
  }
}
