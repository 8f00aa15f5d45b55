import Directory
import Elements
import SIP
import SIPSyntax

// INVITEs that are sent once more, and calls that are sent elsewhere.

extension SwitchCore {
  /// 422: the next hop wants a longer session interval (RFC 4028 §7.3).
  mutating func repeatWithLongerTimer(
    _ call: inout Call, _ leg: Int, _ message: Message, at now: Now
  ) throws(LegContradiction) -> Bool {
    guard let minimum = message.minSE, minimum <= 86_400 else { return false }
    call.legs[leg].timerPolicy = call.legs[leg].timerPolicy.raised(to: minimum)
    return try sendAgain(&call, leg, Leg.Repetition(response: message, headers: []), at: now)
  }

  /// 401 or 407 of a carrier: answered with the credentials of that trunk and for its realm only; a
  /// phone that challenges us gets nothing (A22).
  mutating func authorise(
    _ call: inout Call, _ leg: Int, _ message: Message, at now: Now
  ) throws(LegContradiction) -> Bool {
    guard case .trunk(let trunk, _) = call.legs[leg].route, !call.legs[leg].hasAuthorised,
      let target = call.legs[leg].target,
      let header = authorization(
        of: trunk, for: message, method: .invite, uri: target, realm: message.challengedRealm)
    else { return false }
    // Once: the same challenge again says that the secret is wrong.
    call.legs[leg].realm = message.challengedRealm
    return try sendAgain(
      &call, leg, Leg.Repetition(response: message, headers: [header]), at: now)
  }

  /// A phone on TLS that has no SRTP: offered once more in the clear, unless that is forbidden.
  mutating func repeatUnsecured(
    _ call: inout Call, _ leg: Int, at now: Now
  ) throws(LegContradiction) -> Bool {
    guard call.legs[leg].media.securesOffers, !call.legs[leg].mustSecure,
      call.legs[leg].isEarly, call.invitation.offer != nil
    else { return false }
    call.legs[leg].media.securesOffers = false
    return try sendAgain(&call, leg, nil, at: now)
  }

  private mutating func sendAgain(
    _ call: inout Call, _ leg: Int, _ repetition: Leg.Repetition?, at now: Now
  ) throws(LegContradiction) -> Bool {
    guard call.phase != .ending, call.answered == nil, call.legs[leg].isEarly,
      // Once for a longer timer, once in the clear, and for a challenge of each.
      call.legs[leg].repetitions < 5
    else { return false }
    call.legs[leg].repetitions += 1
    call.legs[leg].repetition = repetition
    // What has rung is over: what rings next is another INVITE, for the same hold, and perhaps for another realm.
    noteGone(call, leg)
    forgetDialogs(of: &call.legs[leg])
    (call.legs[leg].rangAt, call.legs[leg].heardProvisional) = (nil, false)
    if let mark = inviteMark(of: call.legs[leg]) { journal.write(.call(.invited(call.id, mark))) }
    try call.legs[leg].take(.repeated)
    try inviteReadyLegs(&call, at: now)
    return true
  }

  // MARK: - Elsewhere

  /// A phone answers with 3xx: a forward of its user, where its extension allows that, paid by it (F13).
  ///
  /// A Contact never becomes a route by itself: its user part is dialled as the phone could have. Each extension
  /// sends a call on once, and not to itself: what comes after that goes round in a circle.
  mutating func redirected(
    _ call: inout Call, _ leg: Int, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    let moved = LegFailure(message, status: message.status?.number ?? 300)
    guard let line = call.legs[leg].party.extension.flatMap({ rules.directory.line($0) }) else {
      return try legFailed(&call, leg, moved, at: now)
    }
    guard line.forwards.byPhone, case .contacts(let contacts)? = try? message.contacts(),
      let target = contacts.preferred, let branch = call.legs[leg].branch,
      branch >= call.stepStart, call.phase != .ending, call.legs[leg].isEarly
    else {
      // Its phone did not take the call, and may not send it on, or no more.
      let refusal = LegFailure(status: moved.status, cause: .declined, q850: moved.q850)
      return try legFailed(&call, leg, refusal, at: now)
    }
    guard !call.redirectedBy.contains(line.id), !leads(target, to: line) else {
      return try legFailed(&call, leg, LegFailure(.loop), at: now)
    }
    call.redirectedBy.append(line.id)
    forward(&call, to: target, by: line, because: "deflection", at: now)
    let others = call.branches[branch].legs.filter { $0 != leg && call.legs[$0].isAlive }
    for other in others { try cancelLeg(&call, other, at: now) }
    // It speaks for its user, whatever another phone has said: no forward for that comes before it.
    call.branches[branch].lastFailure = moved
    try legFailed(&call, leg, moved, at: now)
  }

  private func leads(_ target: [UInt8], to line: Extension) -> Bool {
    if case .line(let next) = rules.directory.dial(target.span, from: line) {
      next.id == line.id
    } else {
      false
    }
  }

  /// Puts a forward behind the current step of the plan.
  mutating func forward(
    _ call: inout Call, to target: [UInt8], by line: Extension, because reason: String, at now: Now
  ) {
    var trail = Trail(forwards: call.plan.forwards)
    do throws(RouteRefusal) {
      let steps = try router.forward(
        to: target, by: line, because: reason, shown: call.plan.shown, trail: &trail, at: now.wall)
      call.plan.forwards = trail.forwards
      call.plan.steps.insert(contentsOf: steps, at: call.step + 1)
      call.record.forwardedBy = line.id
      log(
        .info, "call forwarded", call: call, Alert.Fact("by", "\(line.digits)"),
        Alert.Fact("to", masked(String(decoding: target, as: UTF8.self))))
    } catch {
      log(
        .info, "forward refused", call: call, Alert.Fact("by", "\(line.digits)"),
        Alert.Fact("why", error.detail))
      let failure = LegFailure(error.cause)
      if call.failure.map({ failure.rank < $0.rank }) ?? true { call.failure = failure }
    }
  }

  var router: Router {
    Router(
      rules: rules, forwardLimit: configuration.calls.forwards,
      targetLimit: configuration.calls.branches, ringTime: configuration.calls.ringTime)
  }
}

extension [NameAddress] {
  /// The user part of the contact that is preferred, the first of equals (RFC 3261 §20.10); nil: none can be dialled.
  fileprivate var preferred: [UInt8]? {
    var best: NameAddress?
    for contact in self where !contact.uri.dialled.isEmpty {
      if let best, best.preference ?? 1000 >= contact.preference ?? 1000 { continue }
      best = contact
    }
    return best?.uri.dialled
  }
}

extension HangupCause {
  /// Why a forward for it sends a call on (RFC 5806 §4).
  var diversionReason: String {
    switch self {
    case .busy, .declined: "user-busy"
    case .noAnswer, .unansweredTooLong: "no-answer"
    case _: "unavailable"
    }
  }
}

extension Forwards {
  /// The forward for what happened to the call.
  func target(for cause: HangupCause) -> [UInt8]? {
    switch cause {
    case .busy, .declined: busy
    case .noAnswer, .unansweredTooLong: noAnswer
    case .notRegistered: notRegistered
    case .normal, .cancelled, .unknownNumber, .invalidNumber, .forbidden, .limitReached,
      .cutAtLimit, .unknownRate, .noChannel, .trunkFailure, .failure, .incompatible, .loop,
      .journalUnavailable, .mediaUnavailable, .mediaSilent, .sessionExpired, .unacknowledged,
      .draining, .operatorAction, .restart, .internalFault:
      nil
    }
  }
}
