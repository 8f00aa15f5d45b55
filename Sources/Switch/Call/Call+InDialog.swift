import Elements
import Limits
import SDP
import SIP
import SIPSyntax

// Requests within a dialog: what a party asks during its call.

extension SwitchCore {
  mutating func inDialog(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ dialog: DialogID, at now: Now
  ) {
    guard let owner = owners.dialogs[dialog] else {
      // A dialog that is being ended without a leg of its own: a further fork, or one of a dead process.
      guard message.method == .bye else { return respond(server, 481, at: now) }
      respond(server, 200, at: now)
      return orphanHungUp(dialog, at: now)
    }
    withCall(owner.call, at: now) { (core, call) throws(LegContradiction) in
      call.legs[owner.leg].note(message)
      switch message.method {
      case .bye: try core.hungUp(&call, owner.leg, server, message, at: now)
      case .invite, .update:
        if call.legs[owner.leg].follow(flow) { core.updateMedia(call, leg: owner.leg) }
        try core.offered(&call, owner.leg, in: dialog, server, message, at: now)
      case .info: core.passInfo(&call, owner.leg, server, message, at: now)
      case .prack:
        // An offer in a PRACK would need a second exchange within the first.
        core.respond(server, message.body.isEmpty ? 200 : 488, at: now)
      case .options: core.respond(server, core.sip.optionsAnswer(), at: now)
      case .refer: core.respond(server, 403, at: now)
      case .ack, .cancel, .register, .subscribe, .notify, .publish, .message, .other:
        core.respond(server, 405, [HeaderDraft(.allow, Self.allow)], at: now)
      }
    }
  }

  /// BYE: the leg is over, and so is the call.
  private mutating func hungUp(
    _ call: inout Call, _ leg: Int, _ server: ServerTransactionID, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    // RFC 3261 §15: a called side refuses the INVITE, it does not end its early dialog.
    guard leg == 0 || !call.legs[leg].isUnanswered else { return respond(server, 481, at: now) }
    respond(server, 200, at: now)
    let wasLive = call.phase != .ending && (leg == 0 || leg == call.answered)
    try over(&call, leg, .ended(at: now.instant), at: now)
    guard wasLive else { return }
    let reason = message.reason
    // RFC 3261 §15.1.2: a caller may also hang up in its early dialog, and its INVITE gets 487.
    guard call.answered != nil else {
      return try end(
        &call, .cancelled, by: .caller, failure: LegFailure(.cancelled), reason: reason, at: now)
    }
    try end(
      &call, .normal, by: leg == 0 ? .caller : .callee, reason: reason, at: now)
  }

  /// CANCEL of the caller: its INVITE gets 487, everybody else is let go.
  mutating func cancelled(_ server: ServerTransactionID, _ message: Message, at now: Now) {
    guard let id = owners.invites[server] else { return offerCancelled(server, at: now) }
    withCall(id, at: now) { (core, call) throws(LegContradiction) in
      try core.end(
        &call, .cancelled, by: .caller, failure: LegFailure(.cancelled),
        reason: message.reason, at: now)
    }
  }

  /// DTMF and the like as INFO: passed to the other leg, its answer passed back (RFC 6086 for legacy use).
  private mutating func passInfo(
    _ call: inout Call, _ leg: Int, _ server: ServerTransactionID, _ message: Message, at now: Now
  ) {
    guard let peer = call.counterpart(of: leg), let dialog = call.legs[peer].dialog,
      call.legs[peer].isConfirmed || call.legs[peer].state == .ringing
    else { return respond(server, call.phase == .ending ? 481 : 480, at: now) }
    var draft = RequestDraft(.info)
    if let package = message.text(.infoPackage) {
      draft.headers.append(HeaderDraft(.infoPackage, package))
    }
    if !message.body.isEmpty, let type = message.first(.contentType) {
      draft.body = BodyDraft(contentType: message.text(type), bytes: message.bodyBytes)
    }
    guard let client = try? send(draft, in: dialog, to: call.legs[peer].carrier, at: now) else {
      return respond(server, StatusCode(481).passedBack, at: now)
    }
    owners.clients[client] = .passed(call.id, server)
  }
}

extension Message {
  /// Every value of Reason, as it came; nil without one (RFC 3326 §2: one for each protocol).
  fileprivate var reason: [UInt8]? {
    let values = values(.reason).map { text($0) }
    return values.isEmpty ? nil : Array(values.joined(separator: ", ").utf8)
  }
}
