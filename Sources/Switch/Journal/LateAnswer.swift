import Directory
import Elements
import Limits
import SIP
import SIPSyntax

/// A paid INVITE without an end that we know: of a dead process, or given up as its time had run out.
///
/// The carrier may have got its last copy. Should it answer yet, the call is ended at once.
struct LateAnswer: Sendable {
  /// How long a carrier may take to answer: longer than any lets a phone ring.
  static let patience = Duration.seconds(600)
  /// How often those whose time is over are looked for.
  static let sweep = Duration.seconds(60)
  /// INVITEs that are remembered at a time; a dead trunk is out of use long before.
  static let limit = 10_000
  /// Forks of one INVITE that are ended.
  static let forkLimit = 8

  let call: CallID
  let trunk: TrunkID
  /// The realm for which the INVITE was repeated.
  let realm: [UInt8]?
  /// What is known of the call, for an alert.
  let record: CallDetailRecord?
  /// Why there was nobody left to hear the answer.
  let cause: HangupCause
  /// When it is forgotten; counted from the end of a replay for one that came with it.
  var until = Instant.never
  /// Tags of the answers that have got their BYE.
  var ended: Set<[UInt8]> = []
}

extension SwitchCore {
  /// Remembers the INVITEs of a call that the dead process left open.
  mutating func keepInvites(of orphan: Orphan, _ id: CallID) {
    for invite in orphan.invites {
      var late = LateAnswer(
        call: id, trunk: invite.trunk, realm: invite.realm, record: orphan.record, cause: .restart)
      for mark in orphan.dialogs where mark.callID == invite.callID {
        if let tag = try? NameAddress(parsing: mark.remote.span).tag { late.ended.insert(tag) }
      }
      lateAnswers[invite.callID] = late
    }
  }

  /// Remembers the INVITE of a paid leg that ended without a word of its carrier.
  mutating func keepInvite(of leg: Leg, in call: Call, at now: Now) {
    guard let invite = inviteMark(of: leg), let money = leg.paid else { return }
    guard lateAnswers.count < LateAnswer.limit else {
      return log(.warning, "late answer would be ignored", call: call)
    }
    var record = call.record
    (record.payer, record.hold) = (money.account, money.reservation.hold)
    if lateAnswers.isEmpty { agenda.schedule(.lateAnswers, at: now.instant + LateAnswer.patience) }
    lateAnswers[invite.callID] = LateAnswer(
      call: call.id, trunk: invite.trunk, realm: invite.realm, record: record, cause: .noAnswer,
      until: now.instant + LateAnswer.patience)
  }

  /// Behind its record a call leaves no mark; the next process must know of its INVITEs all the same.
  mutating func markKeptInvites(of call: Call) {
    guard !lateAnswers.isEmpty else { return }
    for leg in call.legs {
      guard let invite = inviteMark(of: leg), lateAnswers[invite.callID] != nil else { continue }
      journal.write(.call(.invited(call.id, invite)))
    }
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
    if !lateAnswers.isEmpty { agenda.schedule(.lateAnswers, at: now.instant + LateAnswer.sweep) }
  }

  /// A 2xx to an INVITE that we do not know: acknowledged and ended where we or a dead process of ours have
  /// sent it to the trunk that answers (RFC 3261 §13.2.2.4), else ignored.
  ///
  /// Without an ACK the carrier would bill for 64*T1, more than was held. ACK and BYE go to the trunk's own
  /// address; its Contact and Record-Route are only written into them.
  mutating func answeredLate(_ message: Message, _ flow: Flow, at now: Now) {
    let callID = Array(message[message.callID])
    guard let late = lateAnswers[callID], isAddress(flow.remote, of: late.trunk) else { return }
    let tag = message.toTag.map { Array(message[$0]) } ?? []
    let isCopy = late.ended.contains(tag)
    guard isCopy || late.ended.count < LateAnswer.forkLimit,
      let dialog = sip.restoreDialog(acceptedBy: message, on: flow)
    else { return }
    if flow.connection == nil, let hops = trunks[late.trunk]?.hops {
      TrunkGate.reconnect(dialog, hops: hops, using: &sip)
    }
    acknowledge(dialog, body: nil, at: now)
    guard !isCopy else { return sip.end(dialog) }
    lateAnswers[callID]?.ended.insert(tag)
    let bye = sendBye(
      in: dialog, to: Carrier(trunk: late.trunk, realm: late.realm), owner: .orphan(late.call),
      reasonValue: LegFailure(late.cause).reasonValue, at: now)
    guard bye != nil else { return }
    orphans[late.call, default: Orphan(record: late.record)].pending += 1
    log(
      .warning, "late answer ended", tenant: late.record?.tenant,
      Alert.Fact("call", "\(late.call)"), Alert.Fact("trunk", "\(late.trunk)"),
      Alert.Fact("given up", late.cause.rawValue))
  }

  /// What the next process needs to know of them.
  func lateAnswerCheckpoint() -> [JournalEntry] {
    lateAnswers.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { callID, late in
      .call(
        .invited(late.call, InviteMark(callID: callID, trunk: late.trunk, realm: late.realm)))
    }
  }

  func inviteMark(of leg: Leg) -> InviteMark? {
    guard let callID = leg.callID, let trunk = leg.paid?.trunk else { return nil }
    return InviteMark(callID: callID, trunk: trunk, realm: realm(of: leg))
  }
}
