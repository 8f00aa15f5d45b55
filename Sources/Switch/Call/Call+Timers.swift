import Elements
import Limits
import SDP
import SIP
import SIPSyntax

// Session timers of each leg (RFC 4028), and everything else about a call that has a date.

extension SwitchCore {
  /// The outcome of agreeing on a session timer: a wrapper, so that "none" and "refused" differ.
  struct TimerTerms {
    let value: SessionTimerTerms?
  }

  /// Agrees on the timer of a request, or answers 422 and gives nil.
  mutating func agreeTimer(
    _ leg: inout Leg, _ server: ServerTransactionID, _ message: Message, at now: Now
  ) -> TimerTerms? {
    switch leg.timerPolicy.answer(SessionTimerOffer(message)) {
    case .tooSmall(let minimum):
      respond(server, 422, [HeaderDraft(.minSE, "\(minimum)")], at: now)
      return nil
    case .agreed(let terms): return TimerTerms(value: terms)
    case .none: return TimerTerms(value: nil)
    }
  }

  /// What a 2xx to our INVITE or UPDATE says about the timer.
  func startTimer(_ leg: inout Leg, after message: Message, at now: Now) {
    guard let terms = leg.timerPolicy.terms(after: SessionTimerOffer(message)) else {
      leg.timer.stop()
      return
    }
    leg.timer.start(terms, isOurs: terms.refresher == .uac, at: now.instant)
  }

  func addTimer(of leg: Leg, to draft: inout RequestDraft) {
    draft.headers.append(HeaderDraft(.minSE, "\(leg.timerPolicy.minimum)"))
    guard let terms = leg.timer.terms else {
      draft.headers.append(HeaderDraft(.sessionExpires, "\(leg.timerPolicy.preferred)"))
      return
    }
    // Not below the minimum, which a 422 may have raised since.
    let interval = max(terms.interval, leg.timerPolicy.minimum)
    draft.headers.append(HeaderDraft(.sessionExpires, "\(interval)"))
  }

  func addTimer(
    _ terms: SessionTimerTerms?, of leg: inout Leg, to draft: inout ResponseDraft, at now: Now
  ) {
    guard let terms else { return leg.timer.stop() }
    draft.headers.append(HeaderDraft(.sessionExpires, terms.sessionExpires.serialized))
    if terms.requiresTimer { draft.headers.append(HeaderDraft(.require, "timer")) }
    leg.timer.start(terms, isOurs: terms.refresher == .uas, at: now.instant)
  }

  /// The same session again: answered here, since each leg has a timer of its own.
  mutating func acceptRefresh(
    _ call: inout Call, _ leg: Int, _ server: ServerTransactionID, _ message: Message,
    hasOffer: Bool, _ terms: TimerTerms, at now: Now
  ) {
    guard call.phase != .ending else { return respond(server, 481, at: now) }
    var draft = ResponseDraft(200)
    draft.headers = [HeaderDraft(.allow, Self.allow), HeaderDraft(.supported, "timer")]
    if hasOffer, let answer = answerAgain(&call, leg) { draft.body = .sdp(answer.serialized()) }
    addTimer(terms.value, of: &call.legs[leg], to: &draft, at: now)
    respond(server, draft, at: now)
    if hasOffer { updateMedia(call, leg: leg) }
  }

  /// The answer that a leg has for what it has said; while another offer is under way nothing is made anew.
  private func answerAgain(_ call: inout Call, _ leg: Int) -> SessionDescription? {
    guard call.exchange == nil, let peer = call.counterpart(of: leg) else {
      return call.legs[leg].media.sent
    }
    return call.legs[leg].media.answerAgain(from: call.legs[peer].media.said)
  }

  /// Our turn to refresh: UPDATE where the party knows it, otherwise a re-INVITE with what it has.
  mutating func refresh(_ call: inout Call, _ leg: Int, at now: Now) {
    guard call.exchange == nil, call.legs[leg].state == .talking,
      let dialog = call.legs[leg].dialog
    else {
      call.legs[leg].refreshAt = now.instant + .seconds(2)
      return
    }
    let saysAll = call.legs[leg].mustReturn || !call.legs[leg].takesUpdate
    var draft = RequestDraft(saysAll ? .invite : .update)
    draft.headers = [HeaderDraft(.allow, Self.allow), HeaderDraft(.supported, "timer")]
    addTimer(of: call.legs[leg], to: &draft)
    if draft.method == .invite {
      let isReturn = call.legs[leg].mustReturn
      let media = isReturn ? call.legs[leg].media.restate() : call.legs[leg].media.sent
      guard let media else { return }
      draft.body = .sdp(media.serialized())
    }
    guard let client = try? send(draft, in: dialog, to: call.legs[leg].carrier, at: now) else {
      call.legs[leg].refreshAt = now.instant + sip.glareDelay(in: dialog)
      return
    }
    owners.clients[client] = .exchange(call.id)
    var exchange = Exchange(kind: .refresh, from: leg, to: leg)
    exchange.client = client
    exchange.method = draft.method
    if draft.method == .invite { exchange.until = now.instant + configuration.calls.ringTime }
    call.exchange = exchange
  }

  mutating func refreshAnswered(
    _ call: inout Call, _ exchange: Exchange, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    call.exchange = nil
    let leg = exchange.to
    guard let status = message.status, let dialog = call.legs[leg].dialog else { return }
    switch status.number {
    case 200...299:
      startTimer(&call.legs[leg], after: message, at: now)
      guard exchange.method == .invite else { return }
      acknowledge(dialog, body: nil, at: now)
      call.legs[leg].mustReturn = false
      guard let answer = sdp(of: message) else { return }
      // The same again opens learning, too: the port of the party's NAT may be another one since.
      if answer == call.legs[leg].media.said
        || (try? call.legs[leg].media.takeAnswer(answer)) != nil
      {
        updateMedia(call, leg: leg)
      }
    case 422:
      let minimum = message.number(.minSE) ?? 0
      call.legs[leg].timerPolicy = call.legs[leg].timerPolicy.raised(to: min(minimum, 86_400))
      refreshLater(&call.legs[leg], after: message, at: now)
    case 491: call.legs[leg].refreshAt = now.instant + sip.glareDelay(in: dialog)
    case 408, 481: try end(&call, .sessionExpired, by: .system, at: now)
    // The two sides would stay in different sessions.
    case _ where call.legs[leg].mustReturn:
      try end(&call, .incompatible, by: .system, at: now)
    case _:
      let isUnknown = status == 405 || status == 501
      if isUnknown, exchange.method == .update { call.legs[leg].takesUpdate = false }
      refreshLater(&call.legs[leg], after: message, at: now)
    }
  }

  /// A refusal other than 408 and 481 is no end of the session (RFC 4028 §10).
  ///
  /// The refresh is tried again, not continuously, until the timer has run out: after each twelfth of the interval,
  /// which is five times in half an hour, and twice in the shortest one (90 s); later where the peer wants to be left
  /// alone for longer.
  private func refreshLater(_ leg: inout Leg, after message: Message, at now: Now) {
    guard let terms = leg.timer.terms else { return }
    let named = ((try? message.retryAfter()) ?? nil)?.seconds ?? 0
    leg.refreshAt = now.instant + .seconds(Int64(max(named, terms.interval / 12)))
  }

  // MARK: - Dates

  /// When something must be done about the call.
  func deadline(of call: inout Call) -> Instant? {
    if call.phase == .ending {
      var next = lastMoment(of: &call)
      guard call.hasUnconfirmed else { return next }
      for leg in call.legs where !leg.isOver { next = min(next, leg.unconfirmed?.next ?? .never) }
      return next
    }
    var next = min(call.lastUntil, call.exchange?.until ?? .never)
    if call.phase != .talking {
      next = min(next, call.unansweredUntil, call.stepUntil ?? .never)
    }
    for index in call.legs.indices { next = min(next, call.legs[index].nextDeadline()) }
    return next
  }

  /// When a call that is being ended is given up.
  private func lastMoment(of call: inout Call) -> Instant {
    var last = call.endUntil ?? .never
    guard call.hasUnconfirmed else { return last }
    for leg in call.legs where !leg.isOver {
      guard let until = leg.unconfirmed?.until else { continue }
      last = max(last, until + configuration.calls.ending)
    }
    return last
  }

  mutating func handleDuties(at now: Now) {
    while let duty = agenda.popDue(at: now.instant) {
      switch duty {
      case .call(let id):
        withCall(id, at: now) { (core, call) throws(LegContradiction) in
          call.deadlineAt = nil
          try core.handleDeadline(&call, at: now)
        }
      case .trunk(let id): handleDeadline(ofTrunk: id, at: now)
      case .lateAnswers: sweepLateAnswers(at: now)
      case .orphan(let id): repeatByes(ofOrphan: id, at: now)
      case .leave: if isDraining { output.publications.append(.drained) }
      }
    }
    write(bindings.expire(at: now))
  }

  private mutating func handleDeadline(
    _ call: inout Call, at now: Now
  ) throws(LegContradiction) {
    try repeatByes(&call, at: now)
    if call.phase == .ending {
      if lastMoment(of: &call) <= now.instant { try endAtLast(&call, at: now) }
      return
    }
    if call.lastUntil <= now.instant {
      return try end(&call, .sessionExpired, by: .system, at: now)
    }
    if call.phase != .talking, call.unansweredUntil <= now.instant {
      return try end(&call, .unansweredTooLong, by: .system, at: now)
    }
    if let until = call.exchange?.until, until <= now.instant { exchangeTimedOut(&call, at: now) }
    for leg in call.legs.indices where !call.legs[leg].isOver && call.phase != .ending {
      try handleDeadline(&call, leg: leg, at: now)
    }
    if call.phase != .ending, call.answered == nil, let until = call.stepUntil,
      until <= now.instant
    {
      call.stepUntil = nil
      try stepTimedOut(&call, at: now)
    }
  }

  private mutating func handleDeadline(
    _ call: inout Call, leg: Int, at now: Now
  ) throws(LegContradiction) {
    if let until = call.legs[leg].attemptUntil, until <= now.instant {
      call.legs[leg].attemptUntil = nil
      try attemptTimedOut(&call, leg, at: now)
    }
    guard call.legs[leg].isConfirmed else { return }
    if let money = call.legs[leg].paid, let date = money.deadline, date <= now.instant {
      try moneyIsDue(&call, leg, money, at: now)
    }
    guard call.phase != .ending else { return }
    if let date = call.legs[leg].refreshAt, date <= now.instant {
      call.legs[leg].refreshAt = nil
      refresh(&call, leg, at: now)
    }
    var effects: [SessionTimer.Effect] = []
    call.legs[leg].timer.handleDeadline(at: now.instant, into: &effects)
    for effect in effects where call.phase != .ending {
      switch effect {
      case .refresh: refresh(&call, leg, at: now)
      case .expire: try end(&call, .sessionExpired, by: .system, at: now)
      }
    }
  }

  /// The slice needs its successor, or has run out: then both sides are hung up, and the relay is mute.
  private mutating func moneyIsDue(
    _ call: inout Call, _ leg: Int, _ money: PaidLeg, at now: Now
  ) throws(LegContradiction) {
    if let expiry = money.reservation.expiry, expiry <= now.instant {
      log(.warning, "call cut", call: call, Alert.Fact("account", "\(money.account)"))
      let cause = money.isLastSlice ? HangupCause.cutAtLimit : .journalUnavailable
      return try end(&call, cause, by: .system, at: now)
    }
    renewMoney(&call, leg, at: now)
  }

  /// The relay found the paid time used up: it is mute already, and the call ends.
  mutating func mediaExpired(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard let until = call.media.until, until <= now.instant, call.phase != .ending else { return }
    let cause: HangupCause = call.phase == .talking ? .cutAtLimit : .unansweredTooLong
    try end(&call, cause, by: .system, at: now)
  }
}
