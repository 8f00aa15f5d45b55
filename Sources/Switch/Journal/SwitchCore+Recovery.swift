package import Elements
package import Limits
import SIP
import SIPSyntax

// Coming back after a death: the journal is read again, and what was left open is ended.

/// A call that the dead process left open.
struct Orphan: Sendable {
  var record: CallDetailRecord?
  var dialogs: [DialogMark] = []
  var invites: [InviteMark] = []
  /// BYEs that have no answer yet.
  var pending = 0
  var isUncertain = false

  /// Whose dialog that is: its INVITE is written, or it is the caller's.
  func trunk(of mark: DialogMark) -> TrunkID? {
    if let invite = invites.first(where: { $0.callID == mark.callID }) { return invite.trunk }
    return mark.isTrunk && record?.direction == .inbound ? record?.trunk : nil
  }
}

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
      orphans[id, default: Orphan()].dialogs.append(dialog)
    case .call(.invited(let id, let invite)):
      callIDs.reserve(id)
      // A later mark of the same INVITE knows more.
      orphans[id, default: Orphan()].invites.removeAll { $0.callID == invite.callID }
      orphans[id, default: Orphan()].invites.append(invite)
    case .call(.last(let id)): callIDs.reserve(id)
    case .record(let record):
      callIDs.reserve(record.call)
      let orphan = orphans.removeValue(forKey: record.call)
      // Its carrier may still answer, however often we have died since.
      if let orphan, record.cause == .restart { keepInvites(of: orphan, record.call) }
    case .habit(let habit): habits.take(habit)
    case .alert: break
    }
  }

  /// Ends the replay: what the dead process left open is ended, charged and recorded.
  package mutating func recover(at now: Now, into effects: inout [SwitchEffect]) {
    bindings.recovered(at: now)
    let charges = settleOpenHolds(at: now)
    for id in orphans.keys.sorted() { endOrphan(id, charges: charges, at: now) }
    awaitLateAnswers(at: now)
    orphans = orphans.filter { $0.value.pending > 0 }
    flush(into: &effects)
  }

  /// Holds without settlement are charged in full: their calls may have been answered (guard rule 13).
  private mutating func settleOpenHolds(at now: Now) -> [HoldID: Charge] {
    var charges: [HoldID: Charge] = [:]
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    for hold in ledger.openHolds {
      charges[hold] = ledger.finish(
        hold, .unknown, at: now, into: &entries, notices: &notices)
    }
    write(entries, notices, at: now)
    return charges
  }

  private mutating func endOrphan(_ id: CallID, charges: [HoldID: Charge], at now: Now) {
    guard var orphan = orphans[id] else { return }
    if var record = orphan.record {
      (record.cause, record.endedBy, record.endedAt) = (.restart, .system, now.wall)
      if let hold = record.hold, let charge = charges[hold] {
        record.payer = charge.account
        record.add(charge, slices: 1)
      }
      journal.write(.record(record))
    }
    keepInvites(of: orphan, id)
    for mark in orphan.dialogs {
      let carrier = orphan.trunk(of: mark).map { Carrier(trunk: $0, realm: mark.realm) }
      if sendBye(to: mark, carrier, of: id, at: now) { orphan.pending += 1 }
    }
    orphans[id] = orphan
    // Only its INVITE was in the checkpoint: it has its record since an earlier restart.
    guard orphan.record != nil || !orphan.dialogs.isEmpty else { return }
    log(
      .warning, "call ended after restart", tenant: orphan.record?.tenant,
      Alert.Fact("call", "\(id)"), Alert.Fact("byes", "\(orphan.pending)"))
  }

  /// - Returns: False where the dialog cannot be reached any more, since its connection died with us.
  private mutating func sendBye(
    to mark: DialogMark, _ carrier: Carrier?, of id: CallID, at now: Now
  ) -> Bool {
    guard let target = try? URI(parsing: mark.target.span) else { return false }
    let remote = mark.flow.listener(routes: mark.routes, target: target) ?? mark.flow.remote
    let destination: Destination =
      mark.isTrunk
      ? .open(
        NextHop(transport: mark.flow.transport, remote: remote, local: mark.flow.local))
      : .flow(mark.flow)
    guard mark.isTrunk || mark.flow.connection == nil,
      let dialog = sip.restoreDialog(
        callID: mark.callID, local: mark.local, remote: mark.remote, target: target,
        routes: mark.routes, sequence: mark.sequence + 1_000, flow: mark.flow,
        destination: destination)
    else { return false }
    let client = sendBye(
      in: dialog, to: carrier, owner: .orphan(id),
      reasonValue: LegFailure(.restart).reasonValue, at: now)
    return client != nil
  }

  mutating func orphanAnswered(
    _ id: CallID, _ status: UInt16?, at now: Now, isFailure: Bool = false
  ) {
    guard isFailure || status != nil, var orphan = orphans[id] else { return }
    let isProven = status.map { (200...299).contains($0) || $0 == 481 } ?? false
    orphan.pending -= 1
    orphan.isUncertain = orphan.isUncertain || !isProven
    orphans[id] = orphan.pending > 0 ? orphan : nil
    guard orphan.pending == 0, orphan.isUncertain, orphan.record?.payer != nil else { return }
    alert(
      .possiblyStillUp, .critical, tenant: orphan.record?.tenant,
      key: "up-\(id)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("call", "\(id)"), Alert.Fact("to", orphan.record?.normalised ?? ""),
        Alert.Fact("why", "the carrier did not confirm the end of a call that we had given up"),
      ])
  }

  // MARK: - Marks of running calls

  /// Writes what is needed to end this leg from outside, and what is known of the call by now.
  mutating func mark(_ call: inout Call, _ leg: Int) {
    guard let mark = dialogMark(of: &call.legs[leg]) else { return }
    var record = call.record
    if let money = call.legs[leg].paid {
      (record.payer, record.hold) = (money.account, money.reservation.hold)
      record.trunk = money.trunk
    }
    if leg != 0 {
      // Without their quality, which is known at the end only: after a crash this is the record.
      record.legs = call.recordedLegs()
      journal.open(record)
    }
    journal.write(.call(.leg(call.id, mark)))
  }

  func dialogMark(of leg: inout Leg) -> DialogMark? {
    guard leg.isConfirmed, let id = leg.dialog, let dialog = sip.dialog(id) else { return nil }
    return DialogMark(
      callID: dialog.callID, local: dialog.localAddress, remote: dialog.remoteAddress,
      target: dialog.remoteTarget.bytes, routes: dialog.routeSet.routes,
      sequence: dialog.localSequence, flow: dialog.flow, isTrunk: leg.party.trunk != nil,
      realm: realm(of: leg))
  }
}
