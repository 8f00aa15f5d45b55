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
  /// This process heard the answer, so that the ledger knows its moment.
  var isOurs = false
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

  /// Takes a 2xx in a dialog of a call without legs that is being ended.
  ///
  /// - Returns: Whether there is one, so that the answer is no call of its own.
  mutating func answersWhileEnding(_ dialog: DialogID, at now: Now) -> Bool {
    for id in orphans.keys.sorted() {
      guard let orphan = orphans[id],
        let index = orphan.byes.indices.first(where: { isDialog(dialog, orphan, of: $0) })
      else { continue }
      let bye = orphan.byes[index]
      guard orphan.rangAt(bye) != nil else { return true }
      follow(dialog, orphan: id, index)
      if isSpent(bye) || bye.costs && orphan.paysAnother(bye) {
        endApart(orphan: id, index, answeredIn: dialog, at: now)
        return true
      }
      orphans[id]?.byes[index].isAnswered = true
      answered(orphan: id, index)
      if orphan.early(bye) != nil {
        // Its BYE was there before the answer, and has ended nothing.
        move(orphan: id, index, to: dialog)
        sendBye(ofOrphan: id, index, at: now)
      }
      return true
    }
    return false
  }

  /// A 2xx knows the target and the routes of its dialog, also for a BYE that comes again (RFC 3261 §13.2.2.4).
  private mutating func follow(_ dialog: DialogID, orphan id: CallID, _ index: Int) {
    guard let place = orphans[id]?.byes[index].mark, let made = sip.dialog(dialog) else { return }
    orphans[id]?.dialogs[place].target = made.remoteTarget.bytes
    orphans[id]?.dialogs[place].routes = made.routeSet.routes
  }

  /// Goes on in the dialog that a 2xx has made, above the numbers of the one before it.
  private mutating func move(orphan id: CallID, _ index: Int, to dialog: DialogID) {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark else { return }
    orphan.dialogs[place].sequence += 2_000
    sip.raise(dialog, above: orphan.dialogs[place].sequence)
    (orphan.byes[index].dialog, orphan.byes[index].isAnswered) = (dialog, false)
    if orphan.byes[index].costs { journal.write(.call(.leg(id, orphan.dialogs[place]))) }
    orphans[id] = orphan
  }

  /// Whether a BYE that is not over was sent in this dialog, or in an earlier one of its name.
  private func isDialog(_ dialog: DialogID, _ orphan: Orphan, of index: Int) -> Bool {
    let bye = orphan.byes[index]
    guard !bye.isOver, bye.dialog != dialog else { return !bye.isOver }
    guard orphan.early(bye) != nil, let made = sip.dialog(dialog), let place = bye.mark else {
      return false
    }
    let mark = orphan.dialogs[place]
    return mark.callID == made.callID && mark.remoteTag == made.remoteTag
  }

  /// A dialog that rang, as far as the disk knew, has been answered meanwhile: by its 2xx, or as its BYE has ended it.
  ///
  /// Nobody knows when: its carrier bills since it rang at most. The next process, too, has to know.
  private mutating func answered(orphan id: CallID, _ index: Int) {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark,
      let rangAt = orphan.dialogs[place].rangAt
    else { return }
    (orphan.dialogs[place].rangAt, orphan.dialogs[place].early) = (nil, nil)
    let mark = orphan.dialogs[place]
    lateAnswers[mark.callID]?.invite.ended.insert(mark.remoteTag)
    if orphan.byes[index].costs, var record = orphan.record {
      if record.answeredAt == nil, let hold = orphan.byes[index].hold {
        (record.hold, record.payer) = (hold, ledger.payer(of: hold) ?? record.payer)
        record.trunk = orphan.invite(of: mark)?.trunk ?? record.trunk
      }
      (record.answeredAt, record.status) = (min(record.answeredAt ?? rangAt, rangAt), 200)
      orphan.record = record
      journal.open(record)
    }
    if orphan.byes[index].costs { journal.write(.call(.leg(id, mark))) }
    orphans[id] = orphan
  }

  /// What rang has confirmed its BYE, or hung up: it was up, though nobody has heard its answer.
  private mutating func presumeAnswer(orphan id: CallID, _ index: Int, at now: Now) {
    guard let orphan = orphans[id], let rangAt = orphan.rangAt(orphan.byes[index]),
      let mark = orphan.byes[index].mark.map({ orphan.dialogs[$0] })
    else { return }
    if isSpent(orphan.byes[index]) {
      return chargeApart(orphan: id, index, since: rangAt, at: now)
    }
    answered(orphan: id, index)
    lateAnswers[mark.callID]?.invite.presumed.insert(mark.remoteTag)
    // In the journal an answer ends the other forks; this is none that they have heard of.
    for bye in orphan.byes where !bye.isOver && bye.costs && orphan.rangAt(bye) != nil {
      guard let other = bye.mark.map({ orphan.dialogs[$0] }), other.callID == mark.callID,
        other.remoteTag != mark.remoteTag
      else { continue }
      journal.write(.call(.leg(id, other)))
    }
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
    if orphan.byes[index].costs { journal.write(.call(.leg(id, orphan.dialogs[place]))) }
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

  /// The answer to an INVITE that was taken back, or that there will be none.
  ///
  /// A refusal: nobody had answered it, so that none of its dialogs has to be ended any more. Behind anything else each is what its
  /// BYE has made of it; the one that has answered is no early one by now.
  mutating func takenBack(
    orphan id: CallID, callID: [UInt8], _ ending: Orphan.TakenBack, at now: Now
  ) {
    guard orphans[id]?.takenBack.remove(callID) != nil else { return }
    switch ending {
    case .refused: orphans[id]?.refused.insert(callID)
    case .answered(isKnown: false): overtaken(orphan: id, callID: callID)
    case .answered, .silent: break
    }
    for index in orphans[id]?.byes.indices ?? 0..<0 {
      guard let orphan = orphans[id] else { return }
      let bye = orphan.byes[index]
      guard orphan.rangAt(bye) != nil, orphan.callID(of: bye) == callID else { continue }
      if ending == .refused {
        if !bye.isOver { over(orphan: id, index, true, at: now) }
      } else if orphan.early(bye) != nil {
        conclude(orphan: id, index, at: now)
      } else if bye.costs, bye.unconfirmed != nil || bye.over?.isProven == false {
        possiblyStillUp(id, at: now)
      }
    }
    goOn(orphan: id, at: now)
  }

  /// A fork has answered that is none of these dialogs: a call of its own, whose first part the hold pays.
  private mutating func overtaken(orphan id: CallID, callID: [UInt8]) {
    guard var orphan = orphans[id] else { return }
    for index in orphan.invites.indices where orphan.invites[index].callID == callID {
      // There is nothing to be taken back any more.
      (orphan.invites[index].isOvertaken, orphan.invites[index].sent) = (true, nil)
      journal.write(.call(.invited(id, orphan.invites[index])))
    }
    orphans[id] = orphan
  }

  /// Nothing more will be known of what rang than what was said to its BYE.
  mutating func conclude(orphan id: CallID, _ index: Int, at now: Now) {
    guard let orphan = orphans[id], !orphan.byes[index].isOver,
      let early = orphan.early(orphan.byes[index])
    else { return }
    if early.isConfirmed { presumeAnswer(orphan: id, index, at: now) }
    over(orphan: id, index, true, at: Now(instant: now.instant, wall: early.at))
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

  private mutating func possiblyStillUp(_ id: CallID, at now: Now) {
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
