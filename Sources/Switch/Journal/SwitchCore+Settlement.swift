import Directory
import Elements
import Limits

// What calls without legs cost, and their records.

extension SwitchCore {
  /// Whether the first directory is there, with its prices and credentials.
  var hasDirectory: Bool { !rules.directory.tenants.isEmpty }

  /// The first directory is there: what was answered or has ended before it can be charged.
  mutating func settleUnpriced(at now: Now) {
    for id in orphans.keys.sorted() {
      guard let orphan = orphans[id],
        orphan.owedSince != nil || orphan.byes.contains(where: \.isOver)
      else { continue }
      goOn(orphan: id, at: now)
    }
  }

  /// Settles what can be, and forgets a call of which nothing is left to be ended or charged.
  mutating func goOn(orphan id: CallID, at now: Now) {
    settle(orphan: id, at: now)
    guard let orphan = orphans[id], orphan.isRecorded, !orphan.isWaiting else { return }
    // Nothing else in the journal ends what has no record.
    for invite in orphan.invites where orphan.record == nil {
      journal.write(.call(.gone(id, callID: invite.callID)))
    }
    orphans[id] = nil
  }

  /// Charges what is over of a call without legs, each hold once; records it when all of it is.
  mutating func settle(orphan id: CallID, at now: Now) {
    oweUnpriced(orphan: id, at: now)
    guard var orphan = orphans[id], !orphan.isRecorded else { return }
    var charges: [Charge] = []
    for hold in orphan.holds where ledger.payer(of: hold) != nil {
      guard let outcome = outcome(of: hold, orphan, at: now) else { continue }
      var entries: [LedgerEntry] = []
      var notices: [LedgerNotice] = []
      let charge = ledger.finish(hold, outcome, at: now, into: &entries, notices: &notices)
      write(entries, notices, at: now)
      guard let charge else { continue }
      charges.append(charge)
      credit(charge, of: &orphan, id)
      orphan.record?.add(charge, slices: 1)
      if orphan.record?.hold ?? hold == hold { orphan.record?.payer = charge.account }
    }
    let isOver =
      !orphan.costs && orphan.owedSince == nil
      && orphan.holds.allSatisfy { ledger.payer(of: $0) == nil }
    orphan.isRecorded = isOver
    orphans[id] = orphan
    guard let record = orphan.record else { return }
    guard isOver else {
      // The next process must not forget what a part of it has cost.
      if !charges.isEmpty { journal.open(record) }
      return
    }
    write(record, of: orphan, charges.last, at: now)
  }

  /// The INVITE of a hold that nobody has answered yet may be; what was charged for it pays the first part.
  private mutating func credit(_ charge: Charge, of orphan: inout Orphan, _ id: CallID) {
    guard !orphan.isOurs, let (invite, isAnswered) = orphan.billed(by: charge.hold), !isAnswered
    else { return }
    lateAnswers[invite.callID]?.invite.take(charge)
    for index in orphan.invites.indices where orphan.invites[index].callID == invite.callID {
      orphan.invites[index].take(charge)
      journal.write(.call(.invited(id, orphan.invites[index])))
    }
  }

  private mutating func write(
    _ record: CallDetailRecord, of orphan: Orphan, _ charge: Charge?, at now: Now
  ) {
    var record = record
    record.endedAt = orphan.end(ofAll: orphan.byes.filter(\.costs), at: now)
    if !orphan.isOurs { (record.cause, record.endedBy) = (.restart, .system) }
    journal.write(.record(record))
    if orphan.isOurs { tellStray(record, charge, at: now) }
  }

  /// How what a hold pays for has ended; nil while that is not known, or there are no prices to charge it by.
  private mutating func outcome(of hold: HoldID, _ orphan: Orphan, at now: Now) -> Outcome? {
    let byes = orphan.byes.filter { $0.costs && $0.hold == hold }
    let paid = orphan.invites(paidBy: hold)
    let endings = byes.compactMap(\.over)
    let billed = orphan.billed(by: hold)
    let isAnswered = billed?.isAnswered ?? false
    if !isAnswered, paid.contains(where: \.isOvertaken) { return .unknown }
    guard endings.count == byes.count, orphan.takenBack.isDisjoint(with: paid.map(\.callID)) else {
      return nil
    }
    // A hold has gone on to the last one as the others were refused.
    if !isAnswered, let last = billed?.invite, orphan.refused.contains(last.callID) {
      return .neverAnswered
    }
    guard !endings.isEmpty else { return .unknown }
    if orphan.isOurs {
      let end = endings.map(\.at.instant).max() ?? now.instant
      // One that was over before there were prices is charged until then, proven or given up.
      guard endings.allSatisfy(\.isProven) || end < now.instant else { return .unknown }
      return .ended(at: end)
    }
    guard isAnswered, let invite = billed?.invite else { return .unknown }
    guard hasDirectory else { return nil }
    return outlived(hold, of: invite, orphan, until: orphan.end(ofAll: byes, at: now), at: now)
  }

  /// The carrier has confirmed the end of a call of the dead process, or never will: it bills until then.
  private mutating func outlived(
    _ hold: HoldID, of invite: InviteMark, _ orphan: Orphan, until end: WallTime, at now: Now
  ) -> Outcome {
    guard let record = orphan.record, let answeredAt = record.answeredAt,
      let payer = ledger.payer(of: hold)
    else { return .unknown }
    // No clock that is wrong makes it longer than any call is.
    let talk = min(max(.zero, end - answeredAt), configuration.calls.duration)
    guard let price = price(of: invite, payer: payer, at: answeredAt) else {
      tellUnpriced(record, talk, at: now)
      return .unknown
    }
    return .outlived(price, talk: talk, answeredAt: answeredAt)
  }

  private mutating func tellUnpriced(_ record: CallDetailRecord, _ talk: Duration, at now: Now) {
    alert(
      .chargedLate, .critical, tenant: record.tenant,
      key: "unpriced-\(record.call)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("call", "\(record.call)"), Alert.Fact("to", record.normalised),
        Alert.Fact("seconds", "\(talk.wholeMilliseconds / 1000)"),
        Alert.Fact("why", "no price is known for it, only what was held is charged"),
      ])
  }

  private mutating func tellStray(_ record: CallDetailRecord, _ charge: Charge?, at now: Now) {
    guard let charge else {
      return tellUnpriced(record, max(.zero, now.wall - (record.answeredAt ?? now.wall)), at: now)
    }
    guard charge.sell.micros > 0 || charge.purchase.micros > 0 else { return }
    alert(
      .chargedLate, .critical, tenant: record.tenant,
      key: "late-\(record.call)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("subject", name(of: .account(charge.account))),
        Alert.Fact("call", "\(record.call)"), Alert.Fact("to", record.normalised),
        Alert.Fact("charged", "\(charge.sell)"), Alert.Fact("purchase", "\(charge.purchase)"),
      ])
  }
}

extension Orphan {
  /// When the last of these dialogs was over.
  fileprivate func end(ofAll byes: [Bye], at now: Now) -> WallTime {
    byes.compactMap { $0.over?.at.wall }.max() ?? now.wall
  }
}
