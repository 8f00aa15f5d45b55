import Directory
import Elements
import Relay
import SDP
import SIP
import SIPSyntax

// From the caller's INVITE to the INVITEs of the first step.

extension SwitchCore {
  /// Runs `body` on a call and puts it back; a contradiction ends that call and no other.
  mutating func withCall(
    _ id: CallID, at now: Now,
    _ body: (inout SwitchCore, inout Call) throws(LegContradiction) -> Void
  ) {
    guard var box = calls.removeValue(forKey: id) else { return }
    do throws(LegContradiction) {
      try body(&self, &box.value)
    } catch {
      poison(&box.value, error, at: now)
    }
    guard !isGone(&box.value) else { return finish(&box.value, at: now) }
    schedule(&box.value, at: now)
    calls[id] = box
  }

  /// Notes when to look after a call next.
  private mutating func schedule(_ call: inout Call, at now: Now) {
    guard let next = deadline(of: &call),
      call.deadlineAt.map({ next < $0 || $0 <= now.instant }) ?? true
    else { return }
    agenda.schedule(.call(call.id), at: next)
    call.deadlineAt = next
  }

  /// Makes the call that a plan describes, and rings its first step.
  mutating func begin(
    _ plan: CallPlan, invitation: Invitation, caller: Leg, record: CallDetailRecord, at now: Now
  ) {
    let limits = configuration.calls
    let session = sessionIDs.next()
    let media = CallMedia(session: session)
    let id = record.call
    owners.sessions[session] = id
    if let server = caller.serverInvite { owners.invites[server] = id }
    status.callsTotal += 1
    journal.open(record)
    calls[id] = Boxed(
      Call(
        plan: plan, unansweredUntil: now.instant + limits.unanswered,
        lastUntil: now.instant + limits.duration, caller: caller, media: media, record: record,
        invitation: invitation))
    withCall(id, at: now) { (core, call) throws(LegContradiction) in
      try core.startStep(&call, at: now)
    }
  }

  /// Rings the targets of the current step; goes on to the next one while none of them can ring.
  mutating func startStep(_ call: inout Call, at now: Now) throws(LegContradiction) {
    while call.step < call.plan.steps.count {
      let step = call.plan.steps[call.step]
      call.stepStart = call.branches.count
      for target in step.targets { addBranch(target, to: &call, at: now) }
      if call.currentBranches.contains(where: { $0.failure == nil }) {
        call.stepUntil = now.instant + (step.ringTime ?? configuration.calls.unanswered)
        openMedia(&call, at: now)
        return try inviteReadyLegs(&call, at: now)
      }
      noteFailures(&call)
      insertForward(in: &call, at: now)
      call.step += 1
    }
    try giveUp(&call, at: now)
  }

  /// Keeps the failure of the step that says most.
  func noteFailures(_ call: inout Call) {
    for failure in call.currentBranches.compactMap(\.failure) {
      if let best = call.failure, best.rank <= failure.rank { continue }
      call.failure = failure
    }
  }

  /// Every step has failed: the caller is told the best reason that there is.
  mutating func giveUp(_ call: inout Call, at now: Now) throws(LegContradiction) {
    let failure = call.failure ?? LegFailure(.noAnswer)
    try end(
      &call, failure.cause, by: call.isOurs(failure.cause) ? .system : .callee, failure: failure,
      at: now)
  }

  // MARK: - Branches

  mutating func addBranch(_ target: PlanTarget, to call: inout Call, at now: Now) {
    let index = call.branches.count
    let breadth = Int(call.invitation.budget.maxBreadth)
    guard index - call.stepStart < configuration.calls.branches, call.ringingTogether < breadth
    else { return }
    var branch = Branch(target: target)
    switch target {
    case .extension(let `extension`):
      var instances: Set<String> = []
      let known = bindings.bindings(of: `extension`, at: now.wall)
      for binding in known
      where call.legs.count < configuration.calls.legs && call.mayReach(binding) {
        guard call.ringingTogether + branch.legs.count < breadth else { break }
        // A phone with several flows is asked over one of them at a time (RFC 5626 §7).
        if let instance = binding.key.instance, !instances.insert(instance).inserted { continue }
        branch.legs.append(addPhoneLeg(binding, branch: index, to: &call))
      }
      if branch.legs.isEmpty {
        branch.failure = LegFailure(.notRegistered)
        branch.failure?.lacksTLS = !known.isEmpty && !known.contains(where: call.mayReach)
      }
    case .outside(let route):
      branch.candidates = route.candidates
      call.record.forwardedBy = route.forwardedBy ?? call.record.forwardedBy
    case .emergency(let route):
      branch.emergencyTrunks = route.trunks
    }
    call.branches.append(branch)
    if case .extension = target { return }
    tryNextTrunk(of: index, in: &call, at: now)
  }

  /// Asks a phone over the next of its flows, if it has one that was not tried (RFC 5626 §7).
  mutating func addNextFlow(after leg: Int, to call: inout Call, at now: Now) -> Bool {
    guard let dead = call.legs[leg].route?.binding, let instance = dead.key.instance,
      let branch = call.legs[leg].branch, call.legs.count < configuration.calls.legs
    else { return false }
    let tried = call.branches[branch].legs.map { call.legs[$0].route?.binding?.key }
    let next = bindings.bindings(of: dead.extension, at: now.wall)
      .first { $0.key.instance == instance && !tried.contains($0.key) && call.mayReach($0) }
    guard let next else { return false }
    call.branches[branch].legs.append(addPhoneLeg(next, branch: branch, to: &call))
    if call.media.state != .none { openMedia(&call, at: now) }
    return true
  }

  private mutating func addPhoneLeg(
    _ binding: Binding, branch: Int, to call: inout Call
  ) -> Int {
    var leg = Leg(
      index: call.legs.count, party: .phone(binding.extension), state: .preparing, branch: branch,
      timerPolicy: timerPolicy(of: .phone(binding.extension)))
    leg.flow = binding.flow
    leg.route = .binding(binding)
    leg.userAgent = binding.userAgent
    leg.media.address = binding.flow.local.address
    leg.media.signallingSource = binding.flow.remote.address
    leg.media.signallingIsSecret = binding.flow.transport.isSecret
    setMediaRules(of: &leg)
    leg.media.origin = OriginKeeper(id: dice.next())
    call.legs.append(leg)
    return leg.index
  }

  /// What the customer, or the operator for a trunk, wants of media.
  func setMediaRules(of leg: inout Leg) {
    switch leg.party {
    case .phone(let line): leg.media.rules = rules.directory.line(line)?.media ?? MediaEntry()
    case .trunk(let trunk): leg.media.rules = rules.directory.trunk(trunk)?.media ?? MediaEntry()
    }
    let srtp = leg.media.rules.srtp
    leg.mustSecure = srtp == .required
    leg.media.securesOffers =
      leg.mustSecure || (srtp == .optional && leg.media.signallingIsSecret)
  }

  /// What the customer, or the operator for a trunk, wants of session timers.
  func timerPolicy(of party: Leg.Party) -> SessionTimerPolicy {
    let entry =
      switch party {
      case .phone(let line): rules.directory.line(line)?.tenant.sessionTimer
      case .trunk(let trunk): rules.directory.trunk(trunk)?.sessionTimer
      }
    let wanted = min(UInt32(clamping: entry?.expires ?? 1800), configuration.calls.sessionSeconds)
    return SessionTimerPolicy(preferred: wanted, minimum: UInt32(clamping: entry?.minimum ?? 90))
  }

  // MARK: - Inviting

  /// Sends the INVITE of every leg that has its ports and its money.
  mutating func inviteReadyLegs(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard call.media.state == .open || call.invitation.offer == nil else { return }
    for index in call.legs.indices where call.legs[index].state == .preparing {
      if let offer = call.invitation.offer, !call.legs[index].media.hasPorts(for: offer) {
        continue
      }
      if let offer = call.invitation.offer, !call.legs[index].media.mayHear(offer) {
        try legFailed(&call, index, LegFailure(status: 488, cause: .incompatible), at: now)
        continue
      }
      switch call.legs[index].route {
      case .binding(let binding): try invitePhone(&call, index, binding, at: now)
      case .trunk(let trunk, let hop): try inviteTrunk(&call, index, trunk, hop, at: now)
      case nil: break
      }
    }
  }

  private mutating func invitePhone(
    _ call: inout Call, _ index: Int, _ binding: Binding, at now: Now
  ) throws(LegContradiction) {
    var draft = invite(toPhone: binding, leg: index, of: &call)
    if let repetition = call.legs[index].repetition {
      draft = draft.repeated(after: repetition.response, adding: repetition.headers)
    }
    let client = sip.send(
      draft, to: .flow(binding.flow), at: now, effects: &output.wire)
    call.legs[index].clientInvite = client
    owners.clients[client] = .invite(call.id, leg: index)
    try call.legs[index].take(.invited)
  }

  private mutating func inviteTrunk(
    _ call: inout Call, _ index: Int, _ trunk: TrunkID, _ hop: TrunkHop, at now: Now
  ) throws(LegContradiction) {
    guard let permit = permit(for: index, of: &call, over: trunk) else { return }
    guard var invite = invite(toTrunk: trunk, hop: hop, leg: index, of: &call) else {
      // The trunk or the tenant is no more since the call began.
      return try legFailed(&call, index, LegFailure(.trunkFailure), at: now)
    }
    invite.callID = call.legs[index].callID
    if let repetition = call.legs[index].repetition {
      invite = invite.repeated(after: repetition.response, adding: repetition.headers)
    }
    call.legs[index].target = invite.target
    if let until = permit.until { renewMedia(&call, until: until) }
    let client = TrunkGate.invite(
      permit, invite, hop: hop, using: &sip, at: now, into: &output.wire)
    call.legs[index].clientInvite = client
    let times = rules.directory.trunk(trunk)
    call.legs[index].attemptUntil =
      now.instant + (times?.answerTimeout ?? configuration.trunks.attempt)
    call.legs[index].progressUntil = times.map { now.instant + $0.progressTimeout }
    owners.clients[client] = .invite(call.id, leg: index)
    // The same trunk asked again, after a challenge or for a longer session, is one attempt.
    if call.legs[index].repetitions == 0 { call.record.attempts += 1 }
    call.record.trunk = trunk
    try call.legs[index].take(.invited)
  }

  /// The permit of a leg: from its hold when that is on disk, or from the emergency route.
  private func permit(
    for leg: Int, of call: inout Call, over trunk: TrunkID
  ) -> TrunkPermit? {
    if let money = call.legs[leg].paid {
      return TrunkGate.permit(for: money, over: trunk, durableThrough: journal.durableThrough)
    }
    guard let branch = call.legs[leg].branch, branch < call.branches.count,
      case .emergency(let route) = call.branches[branch].target
    else { return nil }
    return TrunkGate.permit(for: route, over: trunk)
  }
}

extension Call {
  /// Legs of the current step that ring or will: each may fork further (RFC 5393 §5.3.3).
  var ringingTogether: Int {
    currentBranches.reduce(0) { $0 + $1.legs.count { !legs[$0].isOver } }
  }

  /// Whether a phone may be rung there: not in the clear by a call that was asked for with a SIPS URI.
  fileprivate func mayReach(_ binding: Binding) -> Bool {
    !invitation.isSecure || binding.flow.transport.isSecret
  }

  /// Whether a call failed here, before anybody outside could say no.
  fileprivate func isOurs(_ cause: HangupCause) -> Bool {
    switch cause {
    case .limitReached, .cutAtLimit, .unknownRate, .noChannel, .journalUnavailable,
      .mediaUnavailable, .draining, .internalFault, .restart, .operatorAction:
      true
    case .trunkFailure: record.attempts == 0
    // Nobody was there to end it, unless one of them said so.
    case .notRegistered: true
    case .noAnswer: !legs.contains { $0.failure?.status == 480 }
    case .normal, .cancelled, .busy, .declined, .unknownNumber,
      .invalidNumber, .forbidden, .failure, .incompatible, .loop, .mediaSilent, .sessionExpired,
      .unacknowledged, .unansweredTooLong:
      false
    }
  }
}

/// Where a leg's INVITE goes.
enum LegRoute: Sendable {
  case binding(Binding)
  case trunk(TrunkID, TrunkHop)

  var binding: Binding? { if case .binding(let binding) = self { binding } else { nil } }
  var trunk: (TrunkID, TrunkHop)? {
    if case .trunk(let trunk, let hop) = self { (trunk, hop) } else { nil }
  }
}
