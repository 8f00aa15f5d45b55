import Directory
import Elements
import Limits
import SIP
import SIPSyntax

/// A call that a dead process asked a carrier for: should it be answered yet, it is ended at once.
struct LateAnswer: Sendable {
  /// How long after a start a carrier may answer: longer than any lets a phone ring.
  static let patience = Duration.seconds(600)
  /// Forks of one INVITE that are ended.
  static let forkLimit = 8

  let call: CallID
  let trunk: TrunkID
  /// What is known of the call, for an alert.
  let record: CallDetailRecord?
  /// Tags of the answers that have got their BYE.
  var ended: Set<[UInt8]> = []
}

extension SwitchCore {
  /// Remembers the INVITEs of a call that the dead process left open.
  mutating func keepInvites(of orphan: Orphan, _ id: CallID) {
    for invite in orphan.invites {
      var late = LateAnswer(call: id, trunk: invite.trunk, record: orphan.record)
      for mark in orphan.dialogs where mark.callID == invite.callID {
        if let tag = try? NameAddress(parsing: mark.remote.span).tag { late.ended.insert(tag) }
      }
      lateAnswers[invite.callID] = late
    }
  }

  /// A 2xx to an INVITE that we do not know: acknowledged and ended where a dead process of ours has sent
  /// it to the trunk that answers (RFC 3261 §13.2.2.4), else ignored.
  ///
  /// Without an ACK the carrier would bill for 64*T1, more than was held. ACK and BYE go to the trunk's own
  /// address; its Contact and Record-Route are only written into them.
  mutating func answeredLate(_ message: Message, _ flow: Flow, at now: Now) {
    let callID = Array(message[message.callID])
    guard let late = lateAnswers[callID], isFrom(late.trunk, flow) else { return }
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
      in: dialog, owner: .orphan(late.call), reasonValue: LegFailure(.restart).reasonValue, at: now)
    guard bye != nil else { return }
    orphans[late.call, default: Orphan(record: late.record)].pending += 1
    log(
      .warning, "answer after restart ended", tenant: late.record?.tenant,
      Alert.Fact("call", "\(late.call)"), Alert.Fact("trunk", "\(late.trunk)"))
  }

  private func isFrom(_ trunk: TrunkID, _ flow: Flow) -> Bool {
    trunks[trunk]?.isReached(from: flow.remote) ?? false
      || rules.directory.trunks(from: flow.remote.address).contains { $0.id == trunk }
  }

  /// What the next process needs to know of them.
  func lateAnswerCheckpoint() -> [JournalEntry] {
    lateAnswers.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { callID, late in
      .call(.invited(late.call, InviteMark(callID: callID, trunk: late.trunk)))
    }
  }

  func inviteMark(of leg: Leg) -> InviteMark? {
    guard let callID = leg.callID, let trunk = leg.paid?.trunk else { return nil }
    return InviteMark(callID: callID, trunk: trunk)
  }
}
