import Directory
import Elements
import Limits
import Numbering
import SDP
import SIP

// Outside legs: choosing a trunk, holding the money, and passing over a dead one.

extension SwitchCore {
  /// Gives a branch that leads outside its next leg.
  ///
  /// That is the next trunk that is up, has a free channel, and can be paid for; without one the
  /// branch has failed.
  mutating func tryNextTrunk(of index: Int, in call: inout Call, at now: Now) {
    while call.legs.count < configuration.calls.legs {
      if case .emergency = call.branches[index].target {
        guard !call.branches[index].emergencyTrunks.isEmpty else { break }
        let trunk = call.branches[index].emergencyTrunks.removeFirst()
        guard let failure = addEmergencyLeg(trunk, branch: index, to: &call, at: now) else {
          return
        }
        note(failure, branch: index, in: &call)
        continue
      }
      guard case .outside(let route) = call.branches[index].target,
        !call.branches[index].candidates.isEmpty
      else { break }
      let candidate = call.branches[index].candidates.removeFirst()
      guard let failure = addOutsideLeg(route, candidate, branch: index, to: &call, at: now) else {
        return
      }
      note(failure, branch: index, in: &call)
      // What no other trunk can change ends the branch at once.
      if !failure.isOfTheTrunk, failure.cause != .unknownRate, failure.cause != .incompatible {
        break
      }
    }
    releaseKeptHold(of: index, in: &call, at: now)
    if call.branches[index].failure == nil {
      call.branches[index].failure =
        call.branches[index].lastFailure ?? LegFailure(.trunkFailure)
    }
  }

  private func note(_ failure: LegFailure, branch index: Int, in call: inout Call) {
    if let old = call.branches[index].lastFailure, old.rank <= failure.rank { return }
    call.branches[index].lastFailure = failure
  }

  /// - Returns: Why this trunk cannot be asked; nil when a leg was added.
  private mutating func addOutsideLeg(
    _ route: OutsideRoute, _ candidate: TrunkCandidate, branch: Int, to call: inout Call,
    at now: Now
  ) -> LegFailure? {
    guard let trunk = rules.directory.trunk(candidate.trunk), let state = trunks[trunk.id] else {
      return LegFailure(.trunkFailure)
    }
    guard journal.failure == nil else { return LegFailure(.journalUnavailable) }
    guard mayHear(trunk, call) else { return LegFailure(.incompatible) }
    guard let hop = state.hops.first, state.takesCalls(at: now.instant) else {
      return LegFailure(.trunkFailure)
    }
    guard state.channelsInUse < trunk.channels else { return LegFailure(.noChannel) }
    let money: PaidLeg
    do throws(LimitError) {
      money = try hold(for: route, candidate, branch: branch, in: &call, at: now)
    } catch {
      return isFailover(branch, of: call)
        ? notPaidBeside(error, route, branch, in: call) : refused(error, route, in: call, at: now)
    }
    addTrunkLeg(trunk.id, hop, money: money, branch: branch, to: &call, at: now)
    return nil
  }

  /// Whether the codecs that a trunk may use leave something of the caller's voice.
  private func mayHear(_ trunk: Trunk, _ call: Call) -> Bool {
    call.invitation.offer?.hasVoice(in: trunk.media.codecs) ?? true
  }

  /// Reserves the price of the first slice, or moves the hold of the failed attempt before.
  private mutating func hold(
    for route: OutsideRoute, _ candidate: TrunkCandidate, branch: Int, in call: inout Call,
    at now: Now
  ) throws(LimitError) -> PaidLeg {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    defer { write(entries, notices, call: call, at: now) }
    if var kept = call.branches[branch].keptHold, let price = candidate.price {
      kept.reservation = try ledger.reprice(
        kept.reservation.hold, to: price, over: candidate.trunk,
        isFailover: isFailover(branch, of: call), at: now, into: &entries, notices: &notices)
      (kept.trunk, kept.batch) = (candidate.trunk, journal.nextSequence)
      call.branches[branch].keptHold = nil
      return kept
    }
    let request = request(for: route, candidate, branch: branch, of: call)
    let judged =
      request.isFailover ? nil : judge(route, request, in: call, at: now, &entries, &notices)
    let reservation = try ledger.reserve(
      request, at: now, into: &entries, notices: &notices)
    noteNovelties(of: route, in: call, at: now)
    var money = PaidLeg(
      account: route.account, trunk: candidate.trunk,
      number: route.number.number.digits.description,
      reservation: reservation, batch: journal.nextSequence)
    money.habit = judged.map { learn($0) } ?? sameTicket(of: branch, in: call)
    return money
  }

  private func request(
    for route: OutsideRoute, _ candidate: TrunkCandidate, branch: Int, of call: Call
  ) -> ReservationRequest {
    var request = ReservationRequest(
      account: route.account, trunk: candidate.trunk, price: candidate.price,
      isInternational: route.number.isInternational, ringLimit: configuration.calls.unanswered,
      guardTime: configuration.calls.renewAhead)
    request.isFailover = isFailover(branch, of: call)
    return request
  }

  /// Whether the next hold of a branch comes on top of one that may still be charged.
  private func isFailover(_ branch: Int, of call: Call) -> Bool {
    let branch = call.branches[branch]
    guard branch.keptHold != nil else { return !branch.legs.isEmpty }
    return branch.legs.contains { call.legs[$0].paid?.isSettled == false }
  }

  /// Whether a trunk is left that could take the call, and be paid for beside the attempt under way: only
  /// for one is that given up.
  mutating func hasSpareTrunk(_ branch: Int, of call: Call, at now: Now) -> Bool {
    guard case .outside(let route) = call.branches[branch].target else {
      return call.branches[branch].emergencyTrunks.contains {
        guard let trunk = rules.directory.trunk($0) else { return false }
        return trunks[$0]?.hops.isEmpty == false && mayHear(trunk, call)
      }
    }
    for candidate in call.branches[branch].candidates {
      guard let trunk = rules.directory.trunk(candidate.trunk), let state = trunks[trunk.id],
        !state.hops.isEmpty, state.takesCalls(at: now.instant),
        state.channelsInUse < trunk.channels, mayHear(trunk, call)
      else { continue }
      var entries: [LedgerEntry] = []
      let fits = ledger.fits(
        request(for: route, candidate, branch: branch, of: call), at: now, into: &entries)
      write(entries, [], call: call, at: now)
      if fits { return true }
    }
    return false
  }

  private mutating func addTrunkLeg(
    _ trunk: TrunkID, _ hop: TrunkHop, money: PaidLeg?, branch: Int, to call: inout Call,
    at now: Now
  ) {
    var leg = Leg(
      index: call.legs.count, party: .trunk(trunk), state: .preparing, branch: branch,
      timerPolicy: timerPolicy(of: .trunk(trunk)))
    leg.route = .trunk(trunk, hop)
    leg.paid = money
    leg.holdsChannel = true
    leg.media.address = hop.local.address
    leg.media.signallingSource = hop.remote.address
    leg.media.trustsNamedAddress = true
    leg.media.signallingIsSecret = hop.transport.isSecret
    setMediaRules(of: &leg)
    leg.media.origin = OriginKeeper(id: dice.next())
    leg.callID = sip.makeCallID()
    let (index, mark) = (leg.index, inviteMark(of: leg))
    call.legs.append(leg)
    call.branches[branch].legs.append(index)
    let times = configuration.trunks
    changeTrunk(trunk) { state in
      state.takeChannel()
      state.tried(times: times, at: now.instant)
    }
    if let money, let mark {
      // From here on a restart must know whose money is held for which call.
      var record = call.record
      (record.payer, record.hold, record.trunk) = (money.account, money.reservation.hold, trunk)
      journal.open(record)
      journal.write(.call(.invited(call.id, mark)))
      waiting.append(JournalWaiter(batch: money.batch, call: call.id, leg: index))
    }
    if call.media.state != .none { openMedia(&call, at: now) }
  }

  /// Emergency calls ask no limit, no channel and no health; only where to send them must be known, and a voice be left.
  private mutating func addEmergencyLeg(
    _ id: TrunkID, branch: Int, to call: inout Call, at now: Now
  ) -> LegFailure? {
    guard let trunk = rules.directory.trunk(id), let hop = trunks[id]?.hops.first else {
      return LegFailure(.trunkFailure)
    }
    guard mayHear(trunk, call) else { return LegFailure(.incompatible) }
    addTrunkLeg(id, hop, money: nil, branch: branch, to: &call, at: now)
    return nil
  }

  /// What the ledger's refusal means for the call; the alert that belongs to it is a notice of the ledger.
  private mutating func refused(
    _ error: LimitError, _ route: OutsideRoute, in call: Call, at now: Now
  ) -> LegFailure {
    status.callsRefusedByLimit += 1
    log(
      .warning, "call refused", call: call, Alert.Fact("account", "\(route.account)"),
      Alert.Fact("to", masked("\(route.number.number)")), Alert.Fact("why", "\(error)"))
    return LegFailure(HangupCause(error))
  }

  /// A further trunk cannot be paid for while the hold of the one before may still be charged: the call has
  /// the answer of that one, and nobody is blocked for an attempt of ours.
  private mutating func notPaidBeside(
    _ error: LimitError, _ route: OutsideRoute, _ branch: Int, in call: Call
  ) -> LegFailure {
    log(
      .warning, "failover refused", call: call, Alert.Fact("account", "\(route.account)"),
      Alert.Fact("why", "\(error)"))
    return call.branches[branch].lastFailure ?? LegFailure(.trunkFailure)
  }

  // MARK: - The journal has caught up

  mutating func journaled(through number: UInt64, at now: Now) {
    let hasFailed = journal.failure != nil
    journal.confirm(through: number)
    keepPromises()
    if hasFailed, journal.failure == nil { renewLastSlices(at: now) }
    var count = 0
    while count < waiting.count, waiting[count].batch <= journal.durableThrough {
      let waiter = waiting[count]
      count += 1
      withCall(waiter.call, at: now) { (core, call) throws(LegContradiction) in
        guard call.phase != .ending else { return }
        core.takeRenewal(&call, waiter.leg)
        try core.inviteReadyLegs(&call, at: now)
      }
    }
    waiting.removeFirst(count)
  }

  /// Nothing that costs money may begin; legs whose hold is not on disk fail now.
  mutating func journalFailed(_ reason: String, at now: Now) {
    if journal.failure == nil {
      alert(
        .journalFailed, .critical, tenant: nil,
        key: "journal-\(journal.durableThrough)-\(now.wall.unixSeconds / 3600)", at: now,
        [Alert.Fact("reason", reason)])
      log(.error, "journal failed", Alert.Fact("reason", reason))
    }
    journal.fail(reason)
    breakPromises()
    // The disk tries again: where it is back before a call is cut, what was written of its slice counts.
    let stuck = waiting.filter { !isForRenewal($0) }
    waiting = waiting.filter(isForRenewal)
    for waiter in stuck {
      withCall(waiter.call, at: now) { (core, call) throws(LegContradiction) in
        guard call.legs[waiter.leg].state == .preparing else { return }
        try core.legFailed(&call, waiter.leg, LegFailure(.journalUnavailable), at: now)
      }
    }
  }

  private func isForRenewal(_ waiter: JournalWaiter) -> Bool {
    calls[waiter.call]?.value.legs[waiter.leg].paid?.renewal != nil
  }
}

extension HangupCause {
  /// What the caller is told of a refusal of the ledger.
  init(_ error: LimitError) {
    switch error {
    case .unknownRate: self = .unknownRate
    case .blocked, .reached, .neverFits, .pricePerMinute, .connectionFee, .costPerCall, .balance,
      .tooManyCalls:
      self = .limitReached
    case .unknownAccount, .unknownTrunk, .unknownSubject: self = .forbidden
    case .unknownHold, .interrupted, .alreadyAnswered, .currency, .takeBack, .outOfRange:
      self = .internalFault
    }
  }
}
