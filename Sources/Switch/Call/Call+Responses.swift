import Directory
import Elements
import Limits
import SDP
import SIP
import SIPSyntax

// What the called sides answer to our INVITEs.

extension SwitchCore {
  mutating func inviteAnswered(
    _ call: inout Call, _ leg: Int, _ message: Message, dialog: DialogID?, at now: Now
  ) throws(LegContradiction) {
    guard let status = message.status else { return }
    if let (trunk, hop) = call.legs[leg].route?.trunk {
      trunkHeard(trunk, from: hop.remote, at: now)
    }
    call.legs[leg].note(message)
    if status.isProvisional {
      try rang(&call, leg, message, dialog: dialog, at: now)
    } else if status.isSuccess {
      try accepted(&call, leg, message, dialog: dialog, at: now)
    } else {
      keepForks(ofLeg: leg, in: call, at: now)
      var failure = LegFailure(message, status: status.number)
      // 5xx of a phone is a failure of that phone.
      if call.legs[leg].party.trunk == nil, failure.cause == .trunkFailure {
        failure.cause = .failure
      }
      if status == 422, try repeatWithLongerTimer(&call, leg, message, at: now) { return }
      if status == 401 || status == 407, try authorise(&call, leg, message, at: now) { return }
      if status == 488 || status == 415 || status == 606,
        try repeatUnsecured(&call, leg, at: now)
      {
        return
      }
      if status.isRedirection { return try redirected(&call, leg, message, at: now) }
      try legFailed(&call, leg, failure, at: now)
    }
  }

  // MARK: - Provisional

  private mutating func rang(
    _ call: inout Call, _ leg: Int, _ message: Message, dialog: DialogID?, at now: Now
  ) throws(LegContradiction) {
    call.legs[leg].heardProvisional = true
    call.legs[leg].attemptUntil = nil
    acknowledgeReliably(call, leg, message, dialog: dialog, at: now)
    guard call.legs[leg].state != .cancelling, call.phase != .ending, call.answered == nil else {
      return
    }
    let isFirst = call.legs[leg].state == .inviting && call.legs[leg].rangAt == nil
    if message.status != 181, message.status != 182 { try call.legs[leg].take(.rang) }
    // Should we die now, the next process takes it back.
    if isFirst, let mark = inviteMark(of: call.legs[leg]), mark.sent != nil {
      journal.write(.call(.invited(call.id, mark)))
    }
    if let dialog { follow(dialog, of: leg, in: &call, at: now) }
    if call.phase == .routing {
      call.phase = .ringing
      call.record.ringingAt = now.wall
    }
    let answer = call.invitation.offer == nil ? nil : sdp(of: message)
    if let answer, let dialog { call.legs[leg].earlyAnswers[dialog] = answer }
    if let answer, !call.hasNewOffer(leg), takeAnswer(answer, from: leg, in: &call) {
      try ringCaller(&call, status: message.status ?? 183, early: leg, at: now)
    } else {
      try ringCaller(&call, status: message.status ?? 180, early: nil, at: now)
    }
  }

  /// The early dialog that rings: requests in it find their call (RFC 3261 §12.1).
  ///
  /// Should we die before the disk hears of an answer, the next process ends it.
  private mutating func follow(
    _ dialog: DialogID, of leg: Int, in call: inout Call, at now: Now
  ) {
    call.legs[leg].dialog = dialog
    guard owners.dialogs[dialog] == nil else { return }
    owners.dialogs[dialog] = (call.id, leg)
    call.legs[leg].earlyDialogs.append(dialog)
    call.legs[leg].rangAt = call.legs[leg].rangAt ?? now.wall
    if let mark = ringingMarks(of: call.legs[leg]).last {
      journal.write(.call(.leg(call.id, mark)))
    }
  }

  /// Requests in the dialogs of a leg find nobody any more.
  mutating func forgetDialogs(of leg: inout Leg) {
    for dialog in leg.earlyDialogs { owners.dialogs[dialog] = nil }
    (leg.earlyDialogs, leg.earlyAnswers) = ([], [:])
    if let dialog = leg.dialog { owners.dialogs[dialog] = nil }
  }

  /// A reliable response is acknowledged by us, leg by leg (RFC 3262 §4).
  private mutating func acknowledgeReliably(
    _ call: Call, _ leg: Int, _ message: Message, dialog: DialogID?, at now: Now
  ) {
    guard let dialog, message.require.contains("100rel"), let number = message.rseq,
      let client = try? sip.acknowledgeProvisional(dialog, at: now, effects: &output.wire)
    else { return }
    let rack = HeaderDraft(.rack, "\(number) \(message.cseq.number) INVITE")
    keep(
      RequestDraft(.prack, headers: [rack]), of: client, in: dialog, to: call.legs[leg].carrier)
    owners.clients[client] = .prack(call.id, leg: leg)
  }

  // MARK: - Success

  private mutating func accepted(
    _ call: inout Call, _ leg: Int, _ message: Message, dialog: DialogID?, at now: Now
  ) throws(LegContradiction) {
    guard let dialog else { return try legFailed(&call, leg, LegFailure(.failure), at: now) }
    let isLate = call.phase == .ending || call.answered != nil || !call.legs[leg].isEarly
    if isLate { return try acceptedTooLate(&call, leg, dialog, at: now) }
    let early = call.legs[leg].earlyAnswers[dialog]
    forgetDialogs(of: &call.legs[leg])
    call.legs[leg].dialog = dialog
    owners.dialogs[dialog] = (call.id, leg)
    try call.legs[leg].take(.answered)
    startTimer(&call.legs[leg], after: message, at: now)
    startCharging(&call, leg, at: now)
    let body = sdp(of: message)
    guard call.invitation.offer != nil else {
      return try acceptedLateOffer(&call, leg, body, at: now)
    }
    acknowledge(dialog, body: nil, at: now)
    try call.legs[leg].take(.acknowledged)
    // Without a body it stands by what it has said itself, behind which another fork or leg may have spoken.
    let answer = try newAnswer(body ?? early, of: leg, in: dialog, &call, at: now)
    if let answer, !takeAnswer(answer, from: leg, in: &call) {
      return try end(&call, .incompatible, by: .system, at: now)
    }
    guard call.legs[leg].media.said != nil else {
      return try end(&call, .incompatible, by: .callee, at: now)
    }
    try win(&call, leg, at: now)
  }

  /// What a 2xx says that is not old: after a later offer in its dialog nothing.
  ///
  /// Another fork answers the offer of the INVITE, whatever was agreed on beside it.
  private mutating func newAnswer(
    _ body: SessionDescription?, of leg: Int, in dialog: DialogID, _ call: inout Call, at now: Now
  ) throws(LegContradiction) -> SessionDescription? {
    if let exchange = call.exchange, exchange.called == leg, exchange.dialog != dialog {
      try refuseExchange(&call, status: 491, at: now)
    }
    guard let newOffer = call.legs[leg].newOffer, newOffer.value.dialog != dialog else {
      return call.hasNewOffer(leg) ? nil : body
    }
    call.legs[leg].media.goBack(to: newOffer.value.before)
    call.legs[leg].newOffer = nil
    call.media.bridged = nil  // So that the answer counts, even if it was heard once before.
    return body ?? call.legs[leg].media.said
  }

  /// The INVITE had no offer: the 2xx brings it, and the caller's ACK will bring the answer.
  private mutating func acceptedLateOffer(
    _ call: inout Call, _ leg: Int, _ offer: SessionDescription?, at now: Now
  ) throws(LegContradiction) {
    guard let offer, offer.isUsable, call.legs[leg].media.takeOffer(offer, using: &dice),
      !(call.legs[leg].mustSecure && offer.isInTheClear)
    else {
      return try end(&call, .incompatible, by: .callee, at: now)
    }
    updateMedia(call, leg: leg)
    try win(&call, leg, at: now)
  }

  /// A 200 that crossed our CANCEL, or a second one of a fork: acknowledged and ended (RFC 3261 §13.2.2.4).
  private mutating func acceptedTooLate(
    _ call: inout Call, _ leg: Int, _ dialog: DialogID, at now: Now
  ) throws(LegContradiction) {
    guard call.legs[leg].state == .cancelling else {
      acknowledge(dialog, body: nil, at: now)
      // A further fork of a leg that talks or is over: it has no leg of its own.
      if let late = lateAnswer(of: call.legs[leg], in: call, cause: .normal) {
        return endStray(dialog, of: late, at: now)
      }
      sendBye(in: dialog, to: call.legs[leg].carrier, owner: nil, reason: .normal, at: now)
      return
    }
    forgetDialogs(of: &call.legs[leg])
    call.legs[leg].dialog = dialog
    owners.dialogs[dialog] = (call.id, leg)
    try call.legs[leg].take(.answered)
    startCharging(&call, leg, at: now)
    try hangUp(&call, leg, cause: .normal, at: now)
  }

  mutating func acknowledge(_ dialog: DialogID, body: SessionDescription?, at now: Now) {
    _ = try? sip.acknowledge(
      dialog, body: body.map { .sdp($0.serialized()) }, at: now, effects: &output.wire)
  }

  // MARK: - Failure

  /// A leg has come to its end without an answer: the next trunk, the next step, or the end.
  mutating func legFailed(
    _ call: inout Call, _ leg: Int, _ failure: LegFailure, outcome: Outcome = .neverAnswered,
    at now: Now
  ) throws(LegContradiction) {
    let wasCancelled = call.legs[leg].state == .cancelling
    call.legs[leg].failure = failure
    guard let index = call.legs[leg].branch else { return }
    let triesNext =
      call.phase != .ending && call.answered == nil && !wasCancelled && index >= call.stepStart
      && call.branches[index].target.asksNextTrunk(after: failure)
    if triesNext, outcome == .neverAnswered { keepHold(of: leg, in: &call) }
    try over(&call, leg, outcome, at: now)
    guard call.phase != .ending, call.answered == nil, !wasCancelled, index >= call.stepStart
    else { return }
    switch call.branches[index].target {
    case .outside, .emergency:
      if triesNext {
        call.branches[index].lastFailure = call.branches[index].lastFailure ?? failure
        tryNextTrunk(of: index, in: &call, at: now)
      } else {
        call.branches[index].failure = failure
      }
    case .extension:
      // 430, or nobody is at the end of this flow (RFC 5626 §7).
      if [408, 430, 503].contains(failure.status), addNextFlow(after: leg, to: &call, at: now) {
        break
      }
      let others = call.branches[index].legs.filter { call.legs[$0].isAlive }
      call.branches[index].note(failure)
      // A phone that is busy or declines speaks for its user; one that is gone does not.
      let decides = failure.cause == .busy || failure.cause == .declined
      if others.isEmpty || (decides && failure.status >= 600) {
        call.branches[index].failure = call.branches[index].lastFailure ?? failure
        for other in others { try cancelLeg(&call, other, at: now) }
      }
    }
    try inviteReadyLegs(&call, at: now)
    try checkStep(&call, at: now)
  }

  /// Goes on to the next step when nothing of this one can answer any more.
  mutating func checkStep(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard call.phase != .ending, call.answered == nil,
      call.currentBranches.allSatisfy({ $0.failure != nil })
    else { return }
    noteFailures(&call)
    try nextStep(&call, at: now)
  }

  /// The step has rung long enough.
  mutating func stepTimedOut(_ call: inout Call, at now: Now) throws(LegContradiction) {
    for index in call.branches.indices.dropFirst(call.stepStart)
    where call.branches[index].failure == nil {
      call.branches[index].failure = LegFailure(.noAnswer)
      for leg in call.branches[index].legs where call.legs[leg].isEarly {
        try cancelLeg(&call, leg, at: now)
      }
    }
    noteFailures(&call)
    try nextStep(&call, at: now)
  }

  private mutating func nextStep(_ call: inout Call, at now: Now) throws(LegContradiction) {
    insertForward(in: &call, at: now)
    call.step += 1
    try startStep(&call, at: now)
  }

  /// The forward that the only extension of this step has for what happened, as the next step.
  mutating func insertForward(in call: inout Call, at now: Now) {
    guard call.step < call.plan.steps.count, !call.plan.steps[call.step].isGroup,
      call.currentBranches.count == 1, let branch = call.currentBranches.first,
      case .extension(let id) = branch.target, let failure = branch.failure,
      let line = rules.directory.line(id), let target = line.forwards.target(for: failure.cause)
    else { return }
    forward(&call, to: target, by: line, because: failure.cause.diversionReason, at: now)
  }
}

extension Branch {
  mutating func note(_ failure: LegFailure) {
    if let old = lastFailure, old.rank <= failure.rank { return }
    lastFailure = failure
  }
}

extension PlanTarget {
  /// Whether a trunk that gave this answer is followed by the next.
  ///
  /// Of an emergency call always: carriers without emergency service answer 404 or 484, and no answer but a 2xx
  /// is worth more than another attempt.
  fileprivate func asksNextTrunk(after failure: LegFailure) -> Bool {
    switch self {
    case .emergency: true
    case .outside, .extension: failure.isOfTheTrunk
    }
  }
}

extension Leg {
  /// What a response tells about the party for the time of the dialog.
  mutating func note(_ message: Message) {
    if userAgent.isEmpty, let product = message.text(.userAgent) ?? message.text(.server) {
      userAgent = String(product.prefix(128))
    }
    if message.has(.allow) { takesUpdate = message.tokens(.allow).contains("update") }
  }
}
