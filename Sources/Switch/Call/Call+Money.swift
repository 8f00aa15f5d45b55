import Elements
import Limits
import Numbering
import Relay
import SIP

// What the ledger is told of a leg, and what it makes of it.

extension SwitchCore {
  /// Writes what the ledger did, and the alerts that belong to it, into the batch of this event.
  ///
  /// The call that the alerts tell of is looked at only where there are any.
  mutating func write(
    _ entries: [LedgerEntry], _ notices: [LedgerNotice], call: @autoclosure () -> Call? = nil,
    at now: Now
  ) {
    for entry in entries { journal.write(.ledger(entry)) }
    // A block and its alert, or a price above what was held, is on disk at once.
    if !notices.isEmpty { journal.hurry() }
    for notice in notices { journal.write(.alert(alert(of: notice, call: call(), at: now))) }
  }

  /// The called party answered: talk time counts from here.
  mutating func startCharging(_ call: inout Call, _ leg: Int, at now: Now) {
    guard let money = call.legs[leg].paid, !money.isSettled else { return }
    var entries: [LedgerEntry] = []
    do throws(LimitError) {
      call.legs[leg].paid?.reservation = try ledger.answered(
        money.reservation.hold, at: now, into: &entries)
    } catch {
      // The hold is gone although the leg lives: let it end at once rather than talk for nothing.
      log(.error, "hold is missing", call: call, Alert.Fact("why", "\(error)"))
      call.legs[leg].paid?.isLastSlice = true
    }
    write(entries, [], call: call, at: now)
  }

  /// Tells the relay of the slice that the leg that talks has paid: from the answer it is not what ringing had.
  mutating func limitMedia(_ call: inout Call, to leg: Int, at now: Now) {
    guard call.media.until != nil else { return }
    // What a paid leg before had set does not bind one that costs nothing; one without its hold is mute.
    let until = call.legs[leg].paid.map { $0.reservation.expiry ?? now.instant }
    renewMedia(&call, until: until ?? call.lastUntil)
  }

  /// Reserves the next slice, or tells the parties that this one is the last; once, however often it is asked again.
  mutating func renewMoney(
    _ call: inout Call, _ leg: Int, isAskedAgain: Bool = false, at now: Now
  ) {
    guard var money = call.legs[leg].paid, !money.isSettled, money.renewal == nil,
      isAskedAgain || !money.isLastSlice
    else { return }
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    var next: Reservation?
    do throws(LimitError) {
      guard journal.failure == nil else { throw .interrupted(money.reservation.hold) }
      // A block that it brings about refuses the slice of a call that is odd itself.
      judgeRunning(money, in: call, at: now, &entries, &notices)
      let renewed = try ledger.renew(
        money.reservation.hold, isUsual: money.habit?.isUsual ?? false, at: now, into: &entries,
        notices: &notices)
      noteSpending(&money, of: renewed.held, at: now)
      money.isLastSlice = false
      next = renewed
    } catch {
      if !money.isLastSlice {
        log(
          .warning, "last slice", call: call, Alert.Fact("account", "\(money.account)"),
          Alert.Fact("why", "\(error)"))
        output.relay.append(.play(call.media.session, leg: 0, .warning))
      }
      money.isLastSlice = true
    }
    call.legs[leg].paid = money
    write(entries, notices, call: call, at: now)
    guard let next else { return }
    // What is held on disk pays for it, too (a free call, a fee only, a coarse rounding): no batch would ever come.
    guard journal.hasPending else { return take(next, &call, leg) }
    call.legs[leg].paid?.renewal = PaidLeg.Renewal(reservation: next, batch: journal.nextSequence)
    waiting.append(JournalWaiter(batch: journal.nextSequence, call: call.id, leg: leg))
  }

  /// Gives another slice to whoever was told that the one which runs yet is the last.
  ///
  /// There may be room again: money was paid in, a limit raised, a block lifted, the disk is back.
  mutating func renewLastSlices(at now: Now) {
    let last = calls.lazy.filter { $0.value.value.hasLastSlice(at: now.instant) }.map(\.key)
    for id in last.sorted() {
      withCall(id, at: now) { (core, call) in
        for leg in call.legs.indices where call.legs[leg].isInLastSlice(at: now.instant) {
          core.renewMoney(&call, leg, isAskedAgain: true, at: now)
        }
      }
    }
  }

  /// A renewed slice is on disk: from now on it counts.
  func renewalIsDurable(_ money: PaidLeg) -> Bool {
    money.renewal.map { $0.batch <= journal.durableThrough } ?? false
  }

  mutating func takeRenewal(_ call: inout Call, _ leg: Int) {
    guard let money = call.legs[leg].paid, let renewal = money.renewal, renewalIsDurable(money)
    else { return }
    take(renewal.reservation, &call, leg)
  }

  private mutating func take(_ next: Reservation, _ call: inout Call, _ leg: Int) {
    guard var money = call.legs[leg].paid else { return }
    (money.reservation, money.renewal) = (next, nil)
    money.slices += 1
    call.legs[leg].paid = money
    if let expiry = next.expiry { renewMedia(&call, until: expiry) }
  }

  /// Settles the money of a leg, once.
  @discardableResult
  mutating func settleMoney(
    _ call: inout Call, _ leg: Int, _ outcome: Outcome, at now: Now
  ) -> Charge? {
    guard let money = call.legs[leg].paid, !money.isSettled else { return nil }
    call.legs[leg].paid?.isSettled = true
    return settle(money, outcome, in: &call, at: now)
  }

  @discardableResult
  private mutating func settle(
    _ money: PaidLeg, _ outcome: Outcome, in call: inout Call, at now: Now
  ) -> Charge? {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    let charge = ledger.finish(
      money.reservation.hold, outcome, at: now, into: &entries, notices: &notices)
    write(entries, notices, call: call, at: now)
    guard let charge else { return nil }
    noteCharge(charge, of: money, at: now)
    call.record.add(charge, slices: money.slices)
    // An attempt that was given up is settled late: it does not take the place of the one that talked.
    if let answered = call.answered {
      let talking = call.legs[answered].paid
      guard talking?.reservation.hold == charge.hold else { return charge }
    }
    (call.record.payer, call.record.hold) = (charge.account, charge.hold)
    call.record.trunk = money.trunk
    return charge
  }

  /// A leg failed for certain before an answer: its hold may serve the next trunk.
  mutating func keepHold(of leg: Int, in call: inout Call) {
    guard let branch = call.legs[leg].branch, var money = call.legs[leg].paid, !money.isSettled,
      !call.branches[branch].candidates.isEmpty
    else { return }
    call.branches[branch].keptHold = money
    money.isSettled = true
    call.legs[leg].paid = money
  }

  mutating func releaseKeptHold(of branch: Int, in call: inout Call, at now: Now) {
    guard let money = call.branches[branch].keptHold else { return }
    call.branches[branch].keptHold = nil
    settle(money, .neverAnswered, in: &call, at: now)
  }
}

extension Call {
  fileprivate func hasLastSlice(at now: Instant) -> Bool {
    legs.contains { $0.isInLastSlice(at: now) }
  }
}

extension Leg {
  /// Whether the ledger has refused its next slice, and it talks yet.
  fileprivate func isInLastSlice(at now: Instant) -> Bool {
    guard isConfirmed, let money = paid, money.isLastSlice else { return false }
    return money.reservation.expiry.map { now < $0 } ?? false
  }
}

extension CallDetailRecord {
  /// Adds what one hold of the call has cost; a call with several attempts may have several.
  mutating func add(_ charge: Charge, slices: Int) {
    sell = sell?.adding(charge.sell) ?? charge.sell
    purchase = purchase?.adding(charge.purchase) ?? charge.purchase
    self.slices += slices
  }
}
