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
///     └─┘ for half an hour (UnconfirmedBye); then charged until then
/// ```
/// One that only rang, as far as the disk knows, waits for the answer to its INVITE, too, which is taken back beside the BYE: a refusal,
/// and nothing is charged; 2xx, and it is up and gets another BYE; none in 32 s, and what was said to the BYE counts: 2xx, as above, since it
/// rang; 481, with what is held. Each hold is settled when the dialogs that it pays for are over.
struct Orphan: Sendable {
  /// How an INVITE that was taken back has ended.
  enum TakenBack: Hashable, Sendable {
    /// So that nobody had answered.
    case refused
    /// In a dialog that is being ended, or in another.
    case answered(isKnown: Bool)
    case silent
  }

  /// One dialog of it.
  struct Bye: Sendable {
    var dialog: DialogID
    /// Its place in ``Orphan/dialogs``; nil where its answer has made it.
    var mark: Int?
    let carrier: SwitchCore.Carrier?
    /// Its carrier bills until it confirms.
    var costs: Bool
    /// What pays for that; nil where no price was known.
    var hold: HoldID?
    /// It has been answered while its BYE was under way.
    var isAnswered = false
    var unconfirmed: UnconfirmedBye?
    /// When it was over, and whether its carrier has proven that: by 2xx or 481, by a BYE of its own, by refusing the INVITE.
    var over: (at: Now, isProven: Bool)?

    var isOver: Bool { over != nil }
  }

  /// Nil where it only ends an answer that is charged already.
  var record: CallDetailRecord?
  var dialogs: [DialogMark] = []
  var invites: [InviteMark] = []
  var byes: [Bye] = []
  /// INVITEs that were taken back, by Call-ID, and wait for the answer to that.
  var takenBack: Set<[UInt8]> = []
  /// Those of them that were refused: nobody had answered.
  var refused: Set<[UInt8]> = []
  /// Whoever is concerned knows that some carrier has not confirmed the end.
  var isTold = false
  /// The ledger knows the moment of its answer: this process has heard it, or has opened its debt.
  var isOurs = false
  /// Since when it is billed where its debt waits for the prices, which come with the directory.
  var owedSince: Now?
  var isRecorded = false

  var isWaiting: Bool { !takenBack.isEmpty || byes.contains { !$0.isOver } }
  /// Whether some carrier may still bill.
  var costs: Bool { byes.contains { !$0.isOver && $0.costs } }

  /// Which paid INVITE a dialog is of.
  func invite(of mark: DialogMark) -> InviteMark? {
    invites.first { $0.callID == mark.callID }
  }

  /// Since when a dialog only rings, as far as is known.
  func rangAt(_ bye: Bye) -> WallTime? { bye.mark.flatMap { dialogs[$0].rangAt } }

  /// What was said to its BYE while the answer to its INVITE was out.
  func early(_ bye: Bye) -> EarlyEnd? { bye.mark.flatMap { dialogs[$0].early } }

  func callID(of bye: Bye) -> [UInt8]? { bye.mark.map { dialogs[$0].callID } }

  /// Whether it rings, and the answer to its INVITE may still say that nobody had answered.
  func waitsForInvite(of bye: Bye) -> Bool {
    guard rangAt(bye) != nil, let callID = callID(of: bye) else { return false }
    return takenBack.contains(callID)
  }

  /// Whether it is an answer for which no debt was opened: of everything else that was answered its hold is known.
  var isUnpriced: Bool {
    guard let record, record.hold == nil else { return false }
    return invites.contains { invite in
      invite.hold == nil && invite.payer != nil
        && dialogs.contains { $0.callID == invite.callID && $0.rangAt == nil }
    }
  }

  /// What pays for an INVITE.
  func hold(of invite: InviteMark) -> HoldID? { invite.hold ?? record?.hold }

  /// All that is held for it, each hold once.
  var holds: [HoldID] {
    (invites.map(\.hold) + [record?.hold]).reduce(into: []) { holds, hold in
      if let hold, !holds.contains(hold) { holds.append(hold) }
    }
  }

  /// The INVITEs that a hold pays for.
  func invites(paidBy hold: HoldID) -> [InviteMark] {
    // One without a hold may be of an older journal, or over, and then the hold is another's.
    let own = invites.filter { $0.hold == hold }
    return own.isEmpty ? invites.filter { self.hold(of: $0) == hold } : own
  }

  /// The INVITE that a hold pays for, by which it is priced: the one that was answered, or the last.
  func billed(by hold: HoldID) -> (invite: InviteMark, isAnswered: Bool)? {
    let paid = invites(paidBy: hold)
    let answered = dialogs.last { mark in
      mark.rangAt == nil && paid.contains { $0.callID == mark.callID }
    }
    guard let invite = answered.flatMap({ invite(of: $0) }) ?? paid.last else { return nil }
    return (invite, answered != nil)
  }

  /// Takes a mark of the journal: a later one of the same INVITE knows more, but of its answers.
  mutating func take(_ invite: InviteMark) {
    var invite = invite
    for earlier in invites where earlier.callID == invite.callID { invite.remember(earlier) }
    invites.removeAll { $0.callID == invite.callID }
    invites.append(invite)
  }

  /// Whether the hold of a dialog pays for another one that was answered.
  func paysAnother(_ bye: Bye) -> Bool {
    bye.hold.flatMap { billed(by: $0) }?.isAnswered ?? false
  }

  /// The dialogs, as they follow each other in the journal: one that was answered ends the others there, and those may
  /// have rung on.
  var ordered: [DialogMark] {
    dialogs.filter { $0.rangAt == nil } + dialogs.filter { $0.rangAt != nil }
  }

  /// Takes a dialog out that is a call of its own from now on, and its BYE with it.
  mutating func release(_ index: Int, at now: Now) {
    guard let place = byes[index].mark else { return }
    dialogs.remove(at: place)
    for other in byes.indices {
      guard let mark = byes[other].mark, mark > place else { continue }
      byes[other].mark = mark - 1
    }
    (byes[index].mark, byes[index].costs, byes[index].hold) = (nil, false, nil)
    (byes[index].unconfirmed, byes[index].over) = (nil, (now, true))
  }

  /// Whose dialog that is: its INVITE is written, or it is the caller's.
  func trunk(of mark: DialogMark) -> TrunkID? {
    if let invite = invite(of: mark) { return invite.trunk }
    return mark.isTrunk && record?.direction == .inbound ? record?.trunk : nil
  }
}

extension SwitchCore {
  mutating func sendBye(ofOrphan id: CallID, _ index: Int, at now: Now) {
    guard let orphan = orphans[id] else { return }
    let (bye, cause) = (orphan.byes[index], orphan.isOurs ? orphan.record?.cause : .restart)
    let client = sendBye(
      in: bye.dialog, to: bye.carrier, owner: .orphan(id, bye: index),
      reasonValue: LegFailure(cause ?? .normal).reasonValue, isInsistent: bye.costs, at: now)
    if client == nil { orphanAnswered(id, index, status: nil, at: now) }
  }

  /// The BYE came before the answer and found nothing that it could end: the next one does.
  private mutating func sendByeAgain(ofOrphan id: CallID, _ index: Int, at now: Now) -> Bool {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark else { return false }
    sip.end(orphan.byes[index].dialog)
    orphan.dialogs[place].sequence += 2_000
    guard let dialog = restore(orphan.dialogs[place]) else { return false }
    (orphan.byes[index].dialog, orphan.byes[index].isAnswered) = (dialog, false)
    // As ``prepareByes(of:)``: the next process goes on above it.
    orphan.dialogs[place].sequence += 1_000
    orphans[id] = orphan
    writeAnswered(orphan: id, index)
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
    guard let orphan = orphans[id] else { return }
    let bye = orphan.byes[index]
    guard !bye.isOver, orphan.early(bye) == nil else { return }
    if status == 481, bye.isAnswered, sendByeAgain(ofOrphan: id, index, at: now) { return }
    let isConfirmed = status.map { (200...299).contains($0) } ?? false
    let isProven = isConfirmed || status == 481
    if isProven, orphan.waitsForInvite(of: bye), let place = bye.mark {
      var mark = orphan.dialogs[place]
      mark.early = EarlyEnd(at: now.wall, isConfirmed: isConfirmed)
      orphans[id]?.dialogs[place] = mark
      orphans[id]?.byes[index].unconfirmed = nil
      if bye.costs { journal.write(.call(.leg(id, mark))) }
      return
    }
    if isConfirmed { presumeAnswer(orphan: id, index, at: now) }
    if !isProven, insists(onOrphan: id, index, status: status, at: now) { return }
    over(orphan: id, index, isProven, at: now)
    goOn(orphan: id, at: now)
  }

  /// Whether a BYE is sent again; people are told where its carrier may be billing.
  private mutating func insists(
    onOrphan id: CallID, _ index: Int, status: UInt16?, at now: Now
  ) -> Bool {
    guard let orphan = orphans[id] else { return false }
    var bye = orphan.byes[index]
    // What answers it comes with the directory.
    let isChallenged = (status == 401 || status == 407) && !hasDirectory
    guard bye.costs || isChallenged && bye.carrier != nil else { return false }
    // The answer to an INVITE that was taken back may prove the end yet.
    if bye.costs, !isChallenged, !orphan.waitsForInvite(of: bye) { possiblyStillUp(id, at: now) }
    var unconfirmed =
      bye.unconfirmed ?? UnconfirmedBye(until: now.instant + configuration.calls.insistence)
    let insists = sip.dialog(bye.dialog) != nil && unconfirmed.failed(at: now.instant)
    if insists {
      if let next = unconfirmed.next { agenda.schedule(.orphan(id), at: next) }
      bye.unconfirmed = unconfirmed
    }
    orphans[id]?.byes[index] = bye
    return insists
  }

  mutating func over(
    orphan id: CallID, _ index: Int, _ isProven: Bool, at now: Now
  ) {
    guard let dialog = orphans[id]?.byes[index].dialog else { return }
    sip.end(dialog)
    orphans[id]?.byes[index].over = (now, isProven)
  }

  /// The carrier's own BYE proves the end as well as its answer to ours.
  mutating func orphanHungUp(_ dialog: DialogID, at now: Now) {
    for id in orphans.keys.sorted() {
      guard let index = orphans[id]?.byes.firstIndex(where: { !$0.isOver && $0.dialog == dialog })
      else { continue }
      // Nobody hangs up before he has answered (RFC 3261 §15).
      presumeAnswer(orphan: id, index, at: now)
      over(orphan: id, index, true, at: now)
      return goOn(orphan: id, at: now)
    }
  }

  /// The trunk at the other end of a dialog that is being ended without a leg of its own.
  func trunk(ofOrphan dialog: DialogID) -> TrunkID? {
    for orphan in orphans.values {
      if let bye = orphan.byes.first(where: { !$0.isOver && $0.dialog == dialog }) {
        return bye.carrier?.trunk
      }
    }
    return nil
  }

  mutating func possiblyStillUp(_ id: CallID, at now: Now) {
    guard let orphan = orphans[id], !orphan.isTold else { return }
    orphans[id]?.isTold = true
    let record =
      orphan.record ?? orphan.invites.first.flatMap { lateAnswers[$0.callID]?.record }
    alert(
      .possiblyStillUp, .critical, tenant: record?.tenant,
      key: "up-\(id)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("call", "\(record?.call ?? id)"), Alert.Fact("to", record?.normalised ?? ""),
        Alert.Fact("why", "the carrier did not confirm the end of a call that we had given up"),
      ])
  }
}
