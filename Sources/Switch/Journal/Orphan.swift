import Directory
import Elements
import Limits
import SIP
import SIPSyntax

/// A call that goes on at a carrier without legs of ours: a dead process left it open, or it was answered when nobody
/// waited for it any more.
///
/// ```
///   BYE out ──2xx, 481──▶ charged until then, recorded ──all BYEs over──▶ gone
///     ▲ │ no proof: its hold stays
///     └─┘ for half an hour (UnconfirmedBye); then charged with what is held
/// ```
/// One that only rang, as far as the disk knows: 2xx, as above, since it rang; 481, with what is held, and it may be answered yet.
struct Orphan: Sendable {
  /// One dialog of it.
  struct Bye: Sendable {
    var dialog: DialogID
    /// Its place in ``Orphan/dialogs``; nil where its answer has made it.
    var mark: Int?
    let carrier: SwitchCore.Carrier?
    /// Its carrier bills until it confirms.
    let costs: Bool
    /// It has been answered while its BYE was under way.
    var isAnswered = false
    var unconfirmed: UnconfirmedBye?
    var isOver = false
  }

  var record: CallDetailRecord?
  var dialogs: [DialogMark] = []
  var invites: [InviteMark] = []
  var byes: [Bye] = []
  /// This process heard the answer, so that the ledger knows its moment.
  var isOurs = false
  /// Some carrier has never confirmed the end.
  var isUncertain = false
  var isRecorded = false
  /// When its carriers had confirmed the end, where that was before there were prices to charge it by.
  var overAt: Now?

  var isWaiting: Bool { byes.contains { !$0.isOver } }
  /// Whether some carrier may still bill.
  var costs: Bool { byes.contains { !$0.isOver && $0.costs } }

  /// Which paid INVITE a dialog is of.
  func invite(of mark: DialogMark) -> InviteMark? {
    invites.first { $0.callID == mark.callID }
  }

  /// Since when a dialog only rings, as far as is known.
  func rangAt(_ bye: Bye) -> WallTime? { bye.mark.flatMap { dialogs[$0].rangAt } }

  /// The dialog by which it is priced: the one that was answered.
  var billed: DialogMark? { dialogs.last { $0.rangAt == nil && invite(of: $0) != nil } }

  /// Whose dialog that is: its INVITE is written, or it is the caller's.
  func trunk(of mark: DialogMark) -> TrunkID? {
    if let invite = invite(of: mark) { return invite.trunk }
    return mark.isTrunk && record?.direction == .inbound ? record?.trunk : nil
  }
}

extension SwitchCore {
  /// Ends a call that was answered when nobody waited for it, and counts what its carrier bills for it: a call of its
  /// own, in the journal too, so that the next process goes on with it.
  ///
  /// Its 2xx is acknowledged already.
  mutating func endStray(_ dialog: DialogID, of late: LateAnswer, at now: Now) {
    let id = callIDs.next()
    sip.raise(dialog, above: late.sequence)
    var record =
      late.record ?? CallDetailRecord(call: id, direction: .outbound, startedAt: now.wall)
    let since = answer(of: late, at: now)
    (record.call, record.answeredAt, record.endedAt, record.status) = (
      id, since.wall, now.wall, 200
    )
    (record.cause, record.endedBy, record.trunk) = (late.cause, .system, late.invite.trunk)
    (record.sell, record.purchase, record.slices, record.hold) = (nil, nil, 0, nil)
    (record.ringingAt, record.lastMediaAt, record.legs) = (nil, nil, [])
    record.hold = owe(late, record, since: since, at: now)
    var orphan = Orphan(record: record, invites: [late.invite], isOurs: true)
    journal.open(record)
    journal.write(.call(.invited(id, late.invite)))
    if let made = sip.dialog(dialog) {
      let mark = dialogMark(of: made, isTrunk: true, realm: late.invite.realm)
      orphan.dialogs = [mark]
      journal.write(.call(.leg(id, mark)))
    }
    let carrier = Carrier(trunk: late.invite.trunk, realm: late.invite.realm)
    orphan.byes = [Orphan.Bye(dialog: dialog, carrier: carrier, costs: true)]
    orphans[id] = orphan
    log(
      .warning, "late answer ended", tenant: record.tenant, Alert.Fact("call", "\(late.call)"),
      Alert.Fact("as call", "\(id)"), Alert.Fact("trunk", "\(late.invite.trunk)"),
      Alert.Fact("given up", late.cause.rawValue))
    sendBye(ofOrphan: id, 0, at: now)
  }

  /// From when a carrier bills at the latest: a dead process may have got the first copy of its answer, which is
  /// repeated for 64*T1 (RFC 3261 §13.3.1.4).
  private func answer(of late: LateAnswer, at now: Now) -> Now {
    guard late.cause == .restart else { return now }
    let earliest = late.record.map { now.wall - $0.startedAt } ?? LateAnswer.forkPatience
    let gap = max(.zero, min(LateAnswer.forkPatience, earliest))
    return Now(
      instant: now.instant - gap,
      wall: WallTime(unixMilliseconds: now.wall.unixMilliseconds - gap.wholeMilliseconds))
  }

  /// Opens the debt for an answer; nil where no price is known, which is told when it has ended.
  private mutating func owe(
    _ late: LateAnswer, _ record: CallDetailRecord, since answer: Now, at now: Now
  ) -> HoldID? {
    guard let payer = record.payer else { return nil }
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    let hold = ledger.owe(
      ReservationRequest(
        account: payer, trunk: late.invite.trunk,
        price: price(of: late.invite, payer: payer, at: now.wall), isInternational: false,
        guardTime: configuration.calls.renewAhead),
      credit: late.credit, answeredAt: answer, at: now, into: &entries, notices: &notices)
    write(entries, notices, at: now)
    return hold
  }

  /// What a call of an INVITE that is over costs by the rates of today.
  private func price(of invite: InviteMark, payer: AccountID, at wall: WallTime) -> Price? {
    guard let line = rules.directory.line(paying: payer),
      let trunk = rules.directory.trunk(invite.trunk), !invite.number.isEmpty
    else { return nil }
    return rules.price(invite.number, payer: line, trunk: trunk, at: wall)
  }

  // MARK: - BYE

  mutating func sendBye(ofOrphan id: CallID, _ index: Int, at now: Now) {
    guard let orphan = orphans[id] else { return }
    let (bye, cause) = (orphan.byes[index], orphan.isOurs ? orphan.record?.cause : .restart)
    let client = sendBye(
      in: bye.dialog, to: bye.carrier, owner: .orphan(id, bye: index),
      reasonValue: LegFailure(cause ?? .normal).reasonValue, isInsistent: bye.costs, at: now)
    if client == nil { orphanAnswered(id, index, status: nil, at: now) }
  }

  /// Takes a 2xx in the dialog of a call without legs whose BYE is under way.
  ///
  /// - Returns: Whether there is one, so that the answer is no call of its own.
  mutating func answersWhileEnding(_ dialog: DialogID) -> Bool {
    for id in orphans.keys.sorted() {
      guard let orphan = orphans[id],
        let index = orphan.byes.firstIndex(where: { !$0.isOver && $0.dialog == dialog })
      else { continue }
      if orphan.rangAt(orphan.byes[index]) != nil {
        orphans[id]?.byes[index].isAnswered = true
        answered(orphan: id, index)
      }
      return true
    }
    return false
  }

  /// A dialog that rang, as far as the disk knew, has been answered meanwhile: by its 2xx, or as its BYE has ended it.
  ///
  /// Nobody knows when: its carrier bills since it rang at most. The next process, too, has to know.
  private mutating func answered(orphan id: CallID, _ index: Int) {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark,
      let rangAt = orphan.dialogs[place].rangAt
    else { return }
    orphan.dialogs[place].rangAt = nil
    let mark = orphan.dialogs[place]
    if let tag = mark.remoteTag { lateAnswers[mark.callID]?.ended.insert(tag) }
    if orphan.byes[index].costs, var record = orphan.record {
      (record.answeredAt, record.status) = (min(record.answeredAt ?? rangAt, rangAt), 200)
      orphan.record = record
      journal.open(record)
    }
    journal.write(.call(.leg(id, mark)))
    orphans[id] = orphan
  }

  /// The BYE came before the answer and found nothing that it could end: the next one does.
  private mutating func sendByeAgain(ofOrphan id: CallID, _ index: Int, at now: Now) -> Bool {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark else { return false }
    sip.end(orphan.byes[index].dialog)
    orphan.dialogs[place].sequence += 2_000
    guard let dialog = restore(orphan.dialogs[place]) else { return false }
    (orphan.byes[index].dialog, orphan.byes[index].isAnswered) = (dialog, false)
    journal.write(.call(.leg(id, orphan.dialogs[place])))
    orphans[id] = orphan
    sendBye(ofOrphan: id, index, at: now)
    return true
  }

  /// Sends the BYEs again that carriers have not confirmed.
  mutating func repeatByes(ofOrphan id: CallID, at now: Now) {
    guard let count = orphans[id]?.byes.count else { return }
    for index in 0..<count
    where orphans[id]?.byes[index].unconfirmed?.isDue(at: now.instant) ?? false {
      sendBye(ofOrphan: id, index, at: now)
    }
  }

  /// The answer to a BYE, or that there will be none: then it is sent again, and the hold stays (guard rule 6).
  mutating func orphanAnswered(_ id: CallID, _ index: Int, status: UInt16?, at now: Now) {
    guard let known = orphans[id], !known.byes[index].isOver else { return }
    if status == 481, known.byes[index].isAnswered, sendByeAgain(ofOrphan: id, index, at: now) {
      return
    }
    if let status, (200...299).contains(status) { answered(orphan: id, index) }
    guard var orphan = orphans[id] else { return }
    var bye = orphan.byes[index]
    let isProven = status.map { (200...299).contains($0) || $0 == 481 } ?? false
    if !isProven, bye.costs {
      if bye.unconfirmed == nil { possiblyStillUp(id, orphan, at: now) }
      var unconfirmed =
        bye.unconfirmed ?? UnconfirmedBye(until: now.instant + configuration.calls.insistence)
      if sip.dialog(bye.dialog) != nil, unconfirmed.failed(at: now.instant) {
        if let next = unconfirmed.next { agenda.schedule(.orphan(id), at: next) }
        bye.unconfirmed = unconfirmed
        orphan.byes[index] = bye
        orphans[id] = orphan
        return
      }
    }
    sip.end(bye.dialog)
    orphan.byes[index].isOver = true
    orphan.isUncertain = orphan.isUncertain || bye.costs && !isProven
    orphans[id] = orphan
    if !orphan.costs, !orphan.isRecorded {
      let hasPrices = orphan.isOurs || orphan.isUncertain || !rules.directory.tenants.isEmpty
      guard hasPrices else {
        orphans[id]?.overAt = orphan.overAt ?? now
        return
      }
      settle(orphan: id, at: now)
    }
    if !orphan.isWaiting { orphans[id] = nil }
  }

  /// The carrier's own BYE proves the end as well as its answer to ours.
  mutating func orphanHungUp(_ dialog: DialogID, at now: Now) {
    for id in orphans.keys.sorted() {
      guard let index = orphans[id]?.byes.firstIndex(where: { !$0.isOver && $0.dialog == dialog })
      else { continue }
      return orphanAnswered(id, index, status: 200, at: now)
    }
  }

  /// The first directory is there: what has ended before it can be charged.
  mutating func settleUnpriced(at now: Now) {
    for id in orphans.keys.sorted() {
      guard let orphan = orphans[id], orphan.overAt != nil else { continue }
      settle(orphan: id, at: now)
      orphans[id]?.overAt = nil
      if !orphan.isWaiting { orphans[id] = nil }
    }
  }

  private mutating func possiblyStillUp(_ id: CallID, _ orphan: Orphan, at now: Now) {
    alert(
      .possiblyStillUp, .critical, tenant: orphan.record?.tenant,
      key: "up-\(id)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("call", "\(id)"), Alert.Fact("to", orphan.record?.normalised ?? ""),
        Alert.Fact("why", "the carrier did not confirm the end of a call that we had given up"),
      ])
  }

  // MARK: - The end

  /// Charges and records a call without legs, once: its carriers have confirmed the end, or will not.
  mutating func settle(orphan id: CallID, at now: Now) {
    guard let orphan = orphans[id], !orphan.isRecorded else { return }
    orphans[id]?.isRecorded = true
    let charge = finish(orphan, at: now)
    keepInvites(after: orphan, id, charge)
    guard var record = orphan.record else { return }
    record.endedAt = (orphan.overAt ?? now).wall
    if !orphan.isOurs { (record.cause, record.endedBy) = (.restart, .system) }
    if let charge {
      record.payer = charge.account
      record.add(charge, slices: 1)
    }
    journal.write(.record(record))
    guard orphan.isOurs else { return }
    tellStray(record, charge, at: now)
  }

  /// An INVITE that nobody has answered yet may be; what was charged for it pays the first part.
  private mutating func keepInvites(after orphan: Orphan, _ id: CallID, _ charge: Charge?) {
    guard !orphan.isOurs else { return }
    guard orphan.byes.contains(where: \.costs) else {
      return keepInvites(of: orphan, id, paid: charge)
    }
    // Those that are ended by BYE are kept since the start, for as long as they may be answered.
    guard orphan.billed == nil, let invite = orphan.invites.last, let charge else { return }
    lateAnswers[invite.callID]?.credit = Cost(charge)
  }

  private mutating func finish(_ orphan: Orphan, at now: Now) -> Charge? {
    guard let record = orphan.record, let hold = record.hold else { return nil }
    var outcome = Outcome.unknown
    if orphan.isOurs, !orphan.isUncertain { outcome = .ended(at: now.instant) }
    if !orphan.isOurs, !orphan.isUncertain, let outlived = outlived(orphan, record, at: now) {
      outcome = outlived
    }
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    let charge = ledger.finish(hold, outcome, at: now, into: &entries, notices: &notices)
    write(entries, notices, at: now)
    return charge
  }

  /// The carrier has confirmed the end of a call of the dead process: it bills until now.
  private mutating func outlived(
    _ orphan: Orphan, _ record: CallDetailRecord, at now: Now
  ) -> Outcome? {
    guard let answeredAt = record.answeredAt, let payer = record.payer, let mark = orphan.billed,
      let invite = orphan.invite(of: mark)
    else { return nil }
    // No clock that is wrong makes it longer than any call is.
    let end = (orphan.overAt ?? now).wall
    let talk = min(max(.zero, end - answeredAt), configuration.calls.duration)
    guard let price = price(of: invite, payer: payer, at: answeredAt) else {
      tellUnpriced(record, talk, at: now)
      return nil
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
