package import Elements
import Guard
package import Limits
import SIP
import SIPSyntax

// Coming back after a death: the journal is read again, and what was left open is ended.

extension SwitchCore {
  /// Takes a batch of the journal back, before the first event; in order, each once.
  ///
  /// - Throws: ``LedgerReplayError`` where the journal does not fit together.
  package mutating func replay(_ batch: JournalBatch) throws(LedgerReplayError) {
    journal.replayed(batch.sequence)
    for entry in batch.entries { try replay(entry) }
  }

  /// Takes a checkpoint back; `sequence` is the last batch that it includes.
  package mutating func replay(
    checkpoint entries: some Sequence<JournalEntry>, through sequence: UInt64
  ) throws(LedgerReplayError) {
    journal.replayed(sequence)
    for entry in entries { try replay(entry) }
  }

  private mutating func replay(_ entry: JournalEntry) throws(LedgerReplayError) {
    switch entry {
    case .ledger(let entry): try ledger.replay(entry)
    case .binding(let change): bindings.replay(change)
    case .call(.open(let id, let record)):
      callIDs.reserve(id)
      orphans[id, default: Orphan()].record = record
    case .call(.leg(let id, let dialog)):
      callIDs.reserve(id)
      orphans[id, default: Orphan()].dialogs.removeAll { $0.isSuperseded(by: dialog) }
      orphans[id, default: Orphan()].dialogs.append(dialog)
    case .call(.invited(let id, let invite)):
      callIDs.reserve(id)
      orphans[id, default: Orphan()].take(invite)
    case .call(.gone(let id, let callID)):
      callIDs.reserve(id)
      orphans[id]?.dialogs.removeAll { $0.callID == callID }
      for index in orphans[id]?.invites.indices ?? 0..<0
      where orphans[id]?.invites[index].callID == callID {
        orphans[id]?.invites[index].sent = nil
        orphans[id]?.invites[index].hold = nil
      }
    case .call(.last(let id)): callIDs.reserve(id)
    case .record(let record):
      callIDs.reserve(record.call)
      let orphan = orphans.removeValue(forKey: record.call)
      // Its carrier may still answer, however often we have died since.
      if let orphan, record.cause == .restart { keepInvites(of: orphan, record.call) }
    case .novelty(let novelty): novelties.take(novelty)
    case .habit(let change): habits.take(change)
    case .guard(let change): admission.replay(change)
    case .alert: break
    }
  }

  /// Ends the replay: what the dead process left open is ended, charged and recorded.
  ///
  /// A call that is up at a carrier, or may be since it rang there, keeps its hold and has no record until its BYE is
  /// confirmed.
  package mutating func recover(at now: Now, into effects: inout [SwitchEffect]) {
    bindings.recovered(at: now)
    admission.recover(at: now)
    let ids = orphans.keys.sorted()
    for id in ids { prepareByes(of: id) }
    settleOpenHolds(at: now)
    for id in ids {
      guard let orphan = orphans[id] else { continue }
      keepInvites(of: orphan, id)
      cancelInvites(of: id, at: now)
      concludeByes(of: id, at: now)
      awaitPrices(orphan: id, at: now)
      settle(orphan: id, at: now)
      for (index, bye) in orphan.byes.enumerated() where orphan.early(bye) == nil {
        sendBye(ofOrphan: id, index, at: now)
      }
      // Only its INVITE was in the checkpoint: it has its record since an earlier restart.
      guard orphan.record != nil || !orphan.dialogs.isEmpty else { continue }
      log(
        .warning, "call ended after restart", tenant: orphan.record?.tenant,
        Alert.Fact("call", "\(id)"), Alert.Fact("byes", "\(orphan.byes.count)"))
    }
    awaitLateAnswers(at: now)
    orphans = orphans.filter { $0.value.isWaiting || !$0.value.isRecorded }
    flush(into: &effects)
  }

  /// Holds without settlement are charged in full, since their calls may have been answered (guard rule 13); those of
  /// calls without legs when it is known until when.
  private mutating func settleOpenHolds(at now: Now) {
    let orphaned = Set(orphans.values.flatMap(\.holds))
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    for hold in ledger.openHolds where !orphaned.contains(hold) {
      _ = ledger.finish(hold, .unknown, at: now, into: &entries, notices: &notices)
    }
    write(entries, notices, at: now)
  }

  /// Takes back what rings at carriers for nobody; they might let it ring, and be answered, for minutes.
  ///
  /// One that was answered without the disk having heard of it is ended by the BYE behind it, which may be sent in an
  /// early dialog, too (RFC 3261 §15).
  private mutating func cancelInvites(of id: CallID, at now: Now) {
    guard let orphan = orphans[id] else { return }
    let reason = HeaderDraft(.reason, LegFailure(.restart).reasonValue)
    for invite in orphan.invites
    where !orphan.dialogs.contains(where: { $0.callID == invite.callID && $0.rangAt == nil }) {
      guard let sent = invite.sent else { continue }
      let client = sip.cancel(
        sent, callID: invite.callID, headers: [reason], at: now, effects: &output.wire)
      guard let client else { continue }
      owners.clients[client] = .takenBack(id, callID: invite.callID)
      orphans[id]?.takenBack.insert(invite.callID)
    }
  }

  /// What a BYE of the dead process was told counts where the answer to its INVITE cannot be asked for again.
  private mutating func concludeByes(of id: CallID, at now: Now) {
    guard let orphan = orphans[id] else { return }
    for (index, bye) in orphan.byes.enumerated() where !orphan.waitsForInvite(of: bye) {
      conclude(orphan: id, index, at: now)
    }
  }

  /// Brings the dialogs of a call back that can be reached; those over connections of phones died with us.
  private mutating func prepareByes(of id: CallID) {
    guard var orphan = orphans[id] else { return }
    for index in orphan.dialogs.indices {
      guard let dialog = restore(orphan.dialogs[index]) else { continue }
      // A process after this one, too, must find a number that was not used.
      orphan.dialogs[index].sequence = min(orphan.dialogs[index].sequence, 0x7FFF_0000) + 1_000
      let mark = orphan.dialogs[index]
      let carrier = orphan.trunk(of: mark).map { Carrier(trunk: $0, realm: mark.realm) }
      let invite = orphan.invite(of: mark)
      let hold = invite.flatMap { orphan.hold(of: $0) }
      // In older journals what rang beside an answer has no hold of its own, and was let go before.
      let mayCost = invite?.hold != nil || mark.rangAt == nil || orphan.record?.answeredAt == nil
      // Until its money is settled; one without a price is never.
      let isOpen = hold.map { ledger.payer(of: $0) != nil } ?? true
      // Another answer has had its hold, and it may be up all the same.
      let mayBeUp = mark.rangAt != nil && invite?.isOvertaken ?? false
      let costs = invite != nil && mayCost && (isOpen || mayBeUp)
      orphan.byes.append(
        Orphan.Bye(dialog: dialog, mark: index, carrier: carrier, costs: costs, hold: hold))
      if costs { journal.write(.call(.leg(id, mark))) }
    }
    orphans[id] = orphan
  }

  mutating func restore(_ mark: DialogMark) -> DialogID? {
    guard let target = try? URI(parsing: mark.target.span) else { return nil }
    let remote = mark.flow.listener(routes: mark.routes, target: target) ?? mark.flow.remote
    let destination: Destination =
      mark.isTrunk
      ? .open(NextHop(transport: mark.flow.transport, remote: remote, local: mark.flow.local))
      : .flow(mark.flow)
    guard mark.isTrunk || mark.flow.connection == nil else { return nil }
    return sip.restoreDialog(
      callID: mark.callID, local: mark.local, remote: mark.remote, target: target,
      routes: mark.routes, sequence: mark.sequence + 1_000, flow: mark.flow,
      destination: destination)
  }

  // MARK: - Marks of running calls

  /// Writes what is needed to end this leg from outside, and what is known of the call by now.
  mutating func mark(_ call: inout Call, _ leg: Int) {
    guard let mark = dialogMark(of: &call.legs[leg]) else { return }
    if leg != 0 { journal.open(openRecord(of: &call, payingBy: leg)) }
    journal.write(.call(.leg(call.id, mark)))
  }

  /// Says that the INVITE of a paid leg that was heard of is over, where its call goes on: the record, which ends all of a call,
  /// may be far.
  mutating func noteGone(_ call: Call, _ leg: Int) {
    guard call.legs[leg].paid != nil, call.legs[leg].heardProvisional,
      let callID = call.legs[leg].callID,
      call.phase != .ending || call.legs.contains(where: { !$0.isOver && $0.costsUntilConfirmed })
    else { return }
    journal.write(.call(.gone(call.id, callID: callID)))
  }

  /// The record of a call should we die now: with the hold that pays for it, by which the next process charges what it
  /// lasts, and its legs without their quality, which is known at the end only.
  func openRecord(of call: inout Call, payingBy leg: Int?) -> CallDetailRecord {
    var record = call.record
    record.legs = call.recordedLegs()
    if let money = leg.flatMap({ call.legs[$0].paid }) {
      (record.payer, record.hold) = (money.account, money.reservation.hold)
      record.trunk = money.trunk
    }
    return record
  }

  func dialogMark(of leg: inout Leg) -> DialogMark? {
    // A BYE that its carrier has not confirmed goes on in the next process.
    let isUnconfirmed = leg.state == .ending && leg.costsUntilConfirmed
    guard leg.isConfirmed || isUnconfirmed, let id = leg.dialog, let dialog = sip.dialog(id) else {
      return nil
    }
    return dialogMark(of: dialog, isTrunk: leg.party.trunk != nil, realm: realm(of: leg))
  }

  func dialogMark(
    of dialog: Dialog, isTrunk: Bool, realm: [UInt8]?, rangAt: WallTime? = nil
  ) -> DialogMark {
    DialogMark(
      callID: dialog.callID, local: dialog.localAddress, remote: dialog.remoteAddress,
      target: dialog.remoteTarget.bytes, routes: dialog.routeSet.routes,
      sequence: dialog.localSequence, flow: dialog.flow, isTrunk: isTrunk, realm: realm,
      rangAt: rangAt)
  }

  /// The marks of a paid leg that rings, one for each fork.
  func ringingMarks(of leg: Leg) -> [DialogMark] {
    guard leg.paid != nil, leg.isUnanswered, let rangAt = leg.rangAt else { return [] }
    return leg.earlyDialogs.compactMap { id in
      sip.dialog(id).map {
        dialogMark(of: $0, isTrunk: true, realm: realm(of: leg), rangAt: rangAt)
      }
    }
  }
}
