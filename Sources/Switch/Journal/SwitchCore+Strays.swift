import Directory
import Elements
import Limits
import SIP
import SIPSyntax

// Answers that are calls of their own, since nobody waited for them and nothing that is held pays for them.

extension SwitchCore {
  /// Ends a call that was answered when nobody waited for it, and counts what its carrier bills for it.
  ///
  /// Its 2xx is acknowledged already.
  mutating func endStray(_ dialog: DialogID, of late: LateAnswer, at now: Now) {
    sip.raise(dialog, above: late.invite.sequence)
    let mark = sip.dialog(dialog).map {
      dialogMark(of: $0, isTrunk: true, realm: late.invite.realm)
    }
    let id = openStray(dialog, mark, of: late, since: answer(of: late, at: now), at: now)
    log(
      .warning, "late answer ended", tenant: late.record?.tenant,
      Alert.Fact("call", "\(late.call)"), Alert.Fact("as call", "\(id)"),
      Alert.Fact("trunk", "\(late.invite.trunk)"), Alert.Fact("given up", late.cause.rawValue))
    sendBye(ofOrphan: id, 0, at: now)
  }

  /// A call of its own, in the journal too, so that the next process goes on with it.
  private mutating func openStray(
    _ dialog: DialogID, _ mark: DialogMark?, of late: LateAnswer, since: Now, at now: Now
  ) -> CallID {
    let id = callIDs.next()
    var record = late.record ?? self.record(of: late.invite, id, at: now)
    record.payer = late.invite.payer ?? record.payer
    (record.call, record.answeredAt, record.endedAt, record.status) = (
      id, since.wall, now.wall, 200
    )
    (record.cause, record.endedBy, record.trunk) = (late.cause, .system, late.invite.trunk)
    (record.sell, record.purchase, record.slices, record.hold) = (nil, nil, 0, nil)
    (record.ringingAt, record.lastMediaAt, record.legs) = (nil, nil, [])
    var invite = InviteMark(
      callID: late.invite.callID, trunk: late.invite.trunk, realm: late.invite.realm,
      number: late.invite.number)
    (invite.payer, invite.credit) = (record.payer, late.credit ?? .zero)
    if hasDirectory { invite.hold = owe(invite, since: since, at: now) }
    record.hold = invite.hold
    var orphan = Orphan(
      record: record, invites: [invite], isOurs: true, owedSince: hasDirectory ? nil : since)
    journal.open(record)
    journal.write(.call(.invited(id, invite)))
    if let mark {
      orphan.dialogs = [mark]
      journal.write(.call(.leg(id, mark)))
      noteEnded(mark.remoteTag, of: late)
    }
    let carrier = Carrier(trunk: late.invite.trunk, realm: late.invite.realm)
    orphan.byes = [
      Orphan.Bye(dialog: dialog, carrier: carrier, costs: true, hold: record.hold)
    ]
    orphans[id] = orphan
    return id
  }

  /// Remembers that an answer to an INVITE has its BYE: a copy of it is no other call, and what was charged before has paid.
  private mutating func noteEnded(_ tag: [UInt8], of late: LateAnswer) {
    guard var known = lateAnswers[late.invite.callID] else { return }
    known.invite.ended.insert(tag)
    lateAnswers[late.invite.callID] = known
    // Only the record of a call that a death has ended keeps that for the next process.
    guard known.isGivenUp, late.cause != .restart else { return }
    journal.write(.call(.invited(known.call, known.invite)))
  }

  /// Makes a call of its own of a dialog whose hold has gone to another answer.
  ///
  /// - Returns: What is known of its INVITE, and its mark as one that is answered.
  private mutating func part(
    orphan id: CallID, _ index: Int, at now: Now
  ) -> (late: LateAnswer, mark: DialogMark)? {
    guard var orphan = orphans[id], var mark = orphan.byes[index].mark.map({ orphan.dialogs[$0] }),
      var invite = orphan.invite(of: mark)
    else { return nil }
    orphan.release(index, at: now)
    orphans[id] = orphan
    // In the journal nothing takes a single fork out of a call.
    journal.write(.call(.gone(id, callID: invite.callID)))
    journal.write(.call(.invited(id, invite)))
    for other in orphan.ordered where other.callID == invite.callID {
      journal.write(.call(.leg(id, other)))
    }
    // What was charged for it has paid the other.
    (mark.rangAt, mark.early, invite.credit) = (nil, nil, nil)
    return (LateAnswer(call: id, invite: invite, record: orphan.record, cause: .restart), mark)
  }

  /// Ends what rang and is answered when its hold has gone to another answer.
  mutating func endApart(
    orphan id: CallID, _ index: Int, answeredIn dialog: DialogID, at now: Now
  ) {
    guard let earlier = orphans[id]?.byes[index].dialog,
      case (let late, var mark)? = part(orphan: id, index, at: now)
    else { return }
    // Another one of its name, since what is still said to the BYE before ends that.
    for old in Set([earlier, dialog]) { sip.end(old) }
    mark.sequence += 2_000
    if let renewed = restore(mark) { endStray(renewed, of: late, at: now) }
    goOn(orphan: id, at: now)
  }

  /// Charges what has rung until its BYE was answered, was up, and has nothing that pays for it.
  mutating func chargeApart(
    orphan id: CallID, _ index: Int, since rangAt: WallTime, at now: Now
  ) {
    guard let orphan = orphans[id], let (late, mark) = part(orphan: id, index, at: now) else {
      return
    }
    let bye = orphan.byes[index]
    // The answer to its INVITE may have been waited for since then.
    let end = Now(instant: now.instant, wall: orphan.early(bye)?.at ?? now.wall)
    let since = moment(rangAt, before: end)
    let own = openStray(bye.dialog, mark, of: late, since: since, at: now)
    lateAnswers[mark.callID]?.invite.presumed.insert(mark.remoteTag)
    over(orphan: own, 0, true, at: end)
    goOn(orphan: own, at: now)
  }

  /// Whether what was held for a dialog that rings has paid for another one, or does.
  func isTaken(_ bye: Orphan.Bye, _ orphan: Orphan) -> Bool {
    guard bye.costs, let hold = bye.hold else { return false }
    return ledger.payer(of: hold) == nil || orphan.paysAnother(bye)
  }

  /// A moment by the wall clock as one of this process, which may be younger.
  ///
  /// No clock that is wrong makes it longer ago than any call is.
  private func moment(_ wall: WallTime, before now: Now) -> Now {
    let ago = min(max(.zero, now.wall - wall), configuration.calls.duration)
    return Now(
      instant: now.instant - ago,
      wall: WallTime(unixMilliseconds: now.wall.unixMilliseconds - ago.wholeMilliseconds))
  }

  /// What a checkpoint leaves of a call.
  private func record(of invite: InviteMark, _ id: CallID, at now: Now) -> CallDetailRecord {
    var record = CallDetailRecord(call: id, direction: .outbound, startedAt: now.wall)
    record.tenant = invite.payer.flatMap { rules.directory.line(paying: $0)?.tenant.id }
    record.normalised = invite.number
    return record
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

  /// A dead process had no prices for an answer: its debt is to be opened yet.
  mutating func awaitPrices(orphan id: CallID, at now: Now) {
    guard let orphan = orphans[id], orphan.isUnpriced, let answeredAt = orphan.record?.answeredAt
    else { return }
    let since = moment(answeredAt, before: now)
    orphans[id]?.owedSince = since
  }

  /// Opens the debt for an answer that was there before the prices.
  mutating func oweUnpriced(orphan id: CallID, at now: Now) {
    guard hasDirectory, var orphan = orphans[id], let since = orphan.owedSince else { return }
    // The ledger knows the moment of its answer now.
    (orphan.owedSince, orphan.isOurs) = (nil, true)
    if let index = orphan.invites.firstIndex(where: { $0.hold == nil }), var record = orphan.record
    {
      let hold = owe(orphan.invites[index], since: since, at: now)
      orphan.invites[index].hold = hold
      for bye in orphan.byes.indices { orphan.byes[bye].hold = hold }
      record.hold = hold
      orphan.record = record
      journal.open(record)
      journal.write(.call(.invited(id, orphan.invites[index])))
    }
    orphans[id] = orphan
  }

  /// Opens the debt for an answer; nil where no price is known, which is told when it has ended.
  private mutating func owe(_ invite: InviteMark, since answer: Now, at now: Now) -> HoldID? {
    guard let payer = invite.payer else { return nil }
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    let hold = ledger.owe(
      ReservationRequest(
        account: payer, trunk: invite.trunk,
        price: price(of: invite, payer: payer, at: answer.wall), isInternational: false,
        guardTime: configuration.calls.renewAhead),
      credit: invite.credit, answeredAt: answer, at: now, into: &entries, notices: &notices)
    write(entries, notices, at: now)
    return hold
  }

  /// What a call of an INVITE that is over costs by the rates of today.
  func price(of invite: InviteMark, payer: AccountID, at wall: WallTime) -> Price? {
    guard let line = rules.directory.line(paying: payer),
      let trunk = rules.directory.trunk(invite.trunk), !invite.number.isEmpty
    else { return nil }
    return rules.price(invite.number, payer: line, trunk: trunk, at: wall)
  }
}
