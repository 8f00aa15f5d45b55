import Directory
import Elements
import Limits
import SIP
import SIPSyntax

/// A paid INVITE that may be answered although nobody waits for it: of a dead process, given up as its time had run
/// out, or answered by one fork already.
///
/// The carrier may have got its last copy, and bills each answer. It is ended at once.
struct LateAnswer: Sendable {
  /// How long a carrier may take to answer: longer than any lets a phone ring.
  static let patience = Duration.seconds(600)
  /// How long further forks may answer beside the one that did (RFC 3261 §13.2.2.4: 64*T1).
  static let forkPatience = Duration.seconds(32)
  /// How often those whose time is over are looked for.
  static let sweep = Duration.seconds(60)
  /// INVITEs that are remembered at a time; a dead trunk is out of use long before.
  static let limit = 10_000
  /// Forks of one INVITE that are ended.
  static let forkLimit = 8

  let call: CallID
  var invite: InviteMark
  /// What is known of the call.
  let record: CallDetailRecord?
  /// Why there was nobody left to hear the answer.
  let cause: HangupCause
  /// Whether its transaction is over: then only what came with the journal tells its answer from a forged one.
  var isGivenUp = true
  /// When it is forgotten; counted from the end of a replay for one that came with it.
  var until = Instant.never

  /// What was charged for it without an answer, until there is one.
  var credit: Cost? { invite.ended.isEmpty ? invite.credit : nil }
}

extension SwitchCore {
  /// Remembers the INVITEs of a call that the dead process left open.
  mutating func keepInvites(of orphan: Orphan, _ id: CallID) {
    for invite in orphan.invites {
      let known = lateAnswers[invite.callID]
      // What only ends an answer has no record, and takes none from the call that the INVITE is of.
      var late = LateAnswer(
        call: orphan.record == nil ? known?.call ?? id : id, invite: invite,
        record: orphan.record ?? known?.record, cause: .restart)
      for mark in orphan.dialogs where mark.callID == invite.callID {
        // Whether its answer was heard, or presumed, the journal does not say.
        if mark.rangAt == nil {
          late.invite.ended.insert(mark.remoteTag)
          late.invite.presumed.insert(mark.remoteTag)
        }
        // This process has gone on from a leap above it.
        late.invite.sequence = max(
          late.invite.sequence, min(mark.sequence, 0x7FFF_0000) + 2_000)
      }
      if let known { late.invite.remember(known.invite) }
      // It has had its CANCEL, and is paid.
      (late.invite.sent, late.invite.hold, late.invite.isOvertaken) = (nil, nil, false)
      lateAnswers[invite.callID] = late
    }
  }

  /// What is remembered of the INVITE of a paid leg.
  func lateAnswer(of leg: Leg, in call: Call, cause: HangupCause) -> LateAnswer? {
    guard let invite = inviteMark(of: leg) else { return nil }
    return LateAnswer(invite, of: leg, in: call, cause: cause)
  }

  /// Remembers the INVITE of a paid leg that ended without a word of its carrier.
  mutating func keepInvite(of leg: Leg, in call: Call, paid charge: Charge?, at now: Now) {
    guard var late = lateAnswer(of: leg, in: call, cause: .noAnswer) else { return }
    if let charge { late.invite.take(charge) }
    late.until = now.instant + LateAnswer.patience
    guard keep(late, at: now) else {
      return log(.warning, "late answer would be ignored", call: call)
    }
    // Its call may go on for long.
    journal.write(.call(.invited(call.id, late.invite)))
  }

  /// Remembers the paid INVITEs of a call that is over while their transactions may still bring forks.
  ///
  /// Behind its record a call leaves no mark; the next process must know of those that were given up all the same.
  mutating func keepForks(of call: Call, at now: Now) {
    for leg in call.legs.indices {
      guard let invite = keepForks(ofLeg: leg, in: call, at: now) else { continue }
      journal.write(.call(.invited(call.id, invite)))
    }
  }

  /// The same for one that was refused: its call goes on elsewhere, or asks the same carrier again.
  ///
  /// - Returns: The mark of one that is remembered already, as it was given up.
  @discardableResult
  mutating func keepForks(ofLeg leg: Int, in call: Call, at now: Now) -> InviteMark? {
    guard let invite = inviteMark(of: call.legs[leg]) else { return nil }
    if let known = lateAnswers[invite.callID], known.isGivenUp { return known.invite }
    guard var late = LateAnswer(invite, of: call.legs[leg], in: call, cause: .normal) else {
      return nil
    }
    (late.isGivenUp, late.until) = (false, now.instant + LateAnswer.forkPatience)
    _ = keep(late, at: now)
    return nil
  }

  private mutating func keep(_ late: consuming LateAnswer, at now: Now) -> Bool {
    guard lateAnswers.count < LateAnswer.limit else { return false }
    if lateAnswers.isEmpty { agenda.schedule(.lateAnswers, at: now.instant + LateAnswer.sweep) }
    let callID = late.invite.callID
    lateAnswers[callID] = late
    return true
  }

  /// All that came with a replay waits from now on.
  mutating func awaitLateAnswers(at now: Now) {
    guard !lateAnswers.isEmpty else { return }
    let until = now.instant + LateAnswer.patience
    for callID in lateAnswers.keys { lateAnswers[callID]?.until = until }
    agenda.schedule(.lateAnswers, at: until)
  }

  /// Forgets those that no carrier answers any more.
  mutating func sweepLateAnswers(at now: Now) {
    lateAnswers = lateAnswers.filter { $0.value.until > now.instant }
    forgetTrunks()
    if !lateAnswers.isEmpty { agenda.schedule(.lateAnswers, at: now.instant + LateAnswer.sweep) }
  }

  /// A 2xx to an INVITE that we do not know: acknowledged and ended where we or a dead process of ours have
  /// sent it to the trunk that answers (RFC 3261 §13.2.2.4), else ignored.
  ///
  /// Without an ACK the carrier would bill for 64*T1, more than was held. ACK and BYE go to the trunk's own
  /// address; its Contact and Record-Route are only written into them.
  mutating func answeredLate(_ message: Message, _ flow: Flow, at now: Now) {
    let callID = Array(message[message.callID])
    guard let late = lateAnswers[callID], late.isGivenUp,
      isAddress(flow.remote, of: late.invite.trunk)
    else { return }
    let tag = message.toTag.map { Array(message[$0]) } ?? []
    let isCopy = late.invite.ended.contains(tag)
    guard isCopy || late.invite.ended.count < LateAnswer.forkLimit,
      let dialog = sip.restoreDialog(acceptedBy: message, on: flow)
    else { return }
    if flow.connection == nil, let hops = trunks[late.invite.trunk]?.hops {
      TrunkGate.reconnect(dialog, hops: hops, using: &sip)
    }
    acknowledge(dialog, body: nil, at: now)
    guard !answersWhileEnding(dialog, at: now) else { return }
    guard !isCopy else { return endCopy(dialog, callID, tag, at: now) }
    endStray(dialog, of: late, at: now)
  }

  /// Ends what a 2xx has made that is charged already: where it is the first that is heard of it, its BYE may have been there before.
  ///
  /// It has neither hold nor record, but goes on behind a death all the same.
  mutating func endCopy(_ dialog: DialogID, _ callID: [UInt8], _ tag: [UInt8], at now: Now) {
    guard var late = lateAnswers[callID], late.invite.presumed.remove(tag) != nil else {
      return sip.end(dialog)
    }
    lateAnswers[callID] = late
    sip.raise(dialog, above: late.invite.sequence)
    let id = callIDs.next()
    var orphan = Orphan(invites: [late.invite])
    journal.write(.call(.invited(id, late.invite)))
    if let made = sip.dialog(dialog) {
      let mark = dialogMark(of: made, isTrunk: true, realm: late.invite.realm)
      orphan.dialogs = [mark]
      journal.write(.call(.leg(id, mark)))
    }
    let carrier = Carrier(trunk: late.invite.trunk, realm: late.invite.realm)
    orphan.byes = [Orphan.Bye(dialog: dialog, carrier: carrier, costs: true)]
    orphans[id] = orphan
    sendBye(ofOrphan: id, 0, at: now)
  }

  /// What the next process needs to know of them.
  func lateAnswerCheckpoint() -> [JournalEntry] {
    lateAnswers.filter { $0.value.isGivenUp }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { _, late in
        var invite = late.invite
        invite.payer = invite.payer ?? late.record?.payer
        return .call(.invited(late.call, invite))
      }
  }

  func inviteMark(of leg: Leg) -> InviteMark? {
    guard let callID = leg.callID, let money = leg.paid else { return nil }
    return InviteMark(
      callID: callID, trunk: money.trunk, realm: realm(of: leg), number: money.number,
      sent: leg.clientInvite.flatMap { sip.sentInvite($0) },
      hold: money.isSettled ? nil : money.reservation.hold)
  }
}

extension LateAnswer {
  fileprivate init?(
    _ invite: InviteMark, of leg: Leg, in call: Call, cause: HangupCause
  ) {
    guard let money = leg.paid else { return nil }
    var record = call.record
    (record.payer, record.hold, record.trunk) = (
      money.account, money.reservation.hold, money.trunk
    )
    var invite = invite
    invite.hold = nil
    self.init(call: call.id, invite: invite, record: record, cause: cause)
  }
}

extension Cost {
  init(_ charge: Charge) {
    self.init(sell: charge.sell.micros, purchase: charge.purchase.micros)
  }
}
