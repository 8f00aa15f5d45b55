import Directory
import Elements
import Limits
import SIP
import SIPSyntax

// Responses and failures, to those who wait for them.

extension SwitchCore {
  mutating func response(
    _ client: ClientTransactionID, _ message: Message, on flow: Flow, dialog: DialogID?,
    at now: Now
  ) {
    guard let status = message.status else { return }
    if status.isFinal, owners.challengeables[client] != nil {
      let owner = owners.clients[client]
      if sendAgain(client, after: message, owner: owner, at: now) {
        owners.clients[client] = nil
        return
      }
    }
    // Its dialog waited for the BYE to come again; before the first directory is there, it still does.
    if message.cseq.method == .bye, status == 401 || status == 407, let dialog, hasDirectory {
      sip.end(dialog)
    }
    guard let owner = owners.clients[client] else {
      // A further 2xx of a fork, for a call that is gone.
      if status.isSuccess, message.cseq.method == .invite { dismiss(dialog, message, at: now) }
      return
    }
    // A forked INVITE may still bring further 2xx: its owner stays until the call is gone. A re-INVITE has one.
    let mayFork = if case .invite = owner { status.isSuccess } else { false }
    if status.isFinal, !mayFork { owners.clients[client] = nil }
    switch owner {
    case .invite(let id, let leg):
      withCall(id, at: now) { (core, call) throws(LegContradiction) in
        try core.inviteAnswered(&call, leg, message, dialog: dialog, at: now)
      }
    case .exchange(let id):
      withCall(id, at: now) { (core, call) throws(LegContradiction) in
        // One that crossed the end of the call: acknowledged, since it would be repeated for 32 s.
        if call.exchange?.client != client, status.isSuccess, message.cseq.method == .invite,
          let dialog
        {
          return core.acknowledge(dialog, body: nil, at: now)
        }
        try core.exchangeAnswered(&call, client, message, at: now)
      }
    case .bye(let id, let leg):
      guard status.isFinal else { return }
      withCall(id, at: now) { (core, call) throws(LegContradiction) in
        try core.byeAnswered(&call, leg, status: status.number, at: now)
      }
    case .prack: break
    case .passed(_, let server):
      guard status.isFinal else { return }
      respond(server, status.isSuccess ? 200 : status.passedBack, at: now)
    case .probe(let trunk, let hop): probeAnswered(trunk, hop, status, at: now)
    case .register(let trunk, let hop):
      registerAnswered(trunk, hop, client, message, on: flow, at: now)
    case .orphan(let id, let bye):
      guard status.isFinal else { return }
      orphanAnswered(id, bye, status: status.number, at: now)
    case .takenBack(let id, let callID):
      guard status.isFinal else { return }
      let answered = status.isSuccess ? dialog : nil
      if let answered { acknowledge(answered, body: nil, at: now) }
      // What it answers rings no more when the rest is judged; what that costs pays an answer that is nobody's.
      let isKnown = answered.map { answersWhileEnding($0, at: now) } ?? true
      takenBack(
        orphan: id, callID: callID,
        status.isSuccess ? .answered(isKnown: isKnown) : .refused, at: now)
      if let answered, !isKnown { endUnknown(answered, message, at: now) }
    }
  }

  /// A 2xx for a call that is gone.
  private mutating func dismiss(_ dialog: DialogID?, _ message: Message, at now: Now) {
    guard let dialog else { return }
    acknowledge(dialog, body: nil, at: now)
    guard !answersWhileEnding(dialog, at: now) else { return }
    endUnknown(dialog, message, at: now)
  }

  /// Ends what was answered for nobody.
  private mutating func endUnknown(_ dialog: DialogID, _ message: Message, at now: Now) {
    let callID = Array(message[message.callID])
    let tag = message.toTag.map { Array(message[$0]) } ?? []
    // A copy of an answer whose call has had its BYE and has been charged.
    guard lateAnswers[callID]?.invite.ended.contains(tag) != true else {
      return endCopy(dialog, callID, tag, at: now)
    }
    if let late = lateAnswers[callID] {
      return endStray(dialog, of: late, at: now)
    }
    let carrier = sip.dialog(dialog).flatMap { self.carrier(at: $0.destination.remote) }
    sendBye(in: dialog, to: carrier, owner: nil, reason: .normal, at: now)
  }

  mutating func failed(_ client: ClientTransactionID, _ failure: ClientFailure, at now: Now) {
    owners.challengeables[client] = nil
    guard let owner = owners.clients.removeValue(forKey: client) else { return }
    switch owner {
    case .invite(let id, let leg):
      withCall(id, at: now) { (core, call) throws(LegContradiction) in
        try core.inviteFailed(&call, leg, failure, at: now)
      }
    case .exchange(let id):
      withCall(id, at: now) { (core, call) throws(LegContradiction) in
        guard let exchange = call.exchange, exchange.client == client else { return }
        // RFC 3261 §9.1: one that was cancelled may go unanswered.
        guard !exchange.isWithdrawn else { return call.exchange = nil }
        // RFC 3261 §12.2.1.2: no answer within the dialog ends it.
        try core.refuseExchange(&call, status: 408, at: now)
        guard call.phase == .talking else { return }
        try core.end(&call, .sessionExpired, by: .system, at: now)
      }
    case .bye(let id, let leg):
      withCall(id, at: now) { (core, call) throws(LegContradiction) in
        try core.byeAnswered(&call, leg, status: nil, at: now)
      }
    case .prack: break
    case .passed(_, let server): respond(server, StatusCode(408).passedBack, at: now)
    case .probe(let trunk, let hop): probeFailed(trunk, hop, failure, at: now)
    case .register(let trunk, let hop):
      registerUnanswered(trunk, hop, client, failure, at: now)
    case .orphan(let id, let bye): orphanAnswered(id, bye, status: nil, at: now)
    case .takenBack(let id, let callID):
      takenBack(orphan: id, callID: callID, .silent, at: now)
    }
  }

  /// An INVITE of ours has no answer: what that means for the money depends on whether it left.
  private mutating func inviteFailed(
    _ call: inout Call, _ leg: Int, _ failure: ClientFailure, at now: Now
  ) throws(LegContradiction) {
    if let (trunk, hop) = call.legs[leg].route?.trunk {
      trunkSilent(trunk, hop, "\(failure)", isUnreachable: failure != .timeout, at: now)
    }
    switch failure {
    case .transport:
      // It never left us, unless we heard of it before.
      let outcome: Outcome = call.legs[leg].heardProvisional ? .unknown : .neverAnswered
      let cause: HangupCause = call.legs[leg].party.trunk == nil ? .failure : .trunkFailure
      try legFailed(
        &call, leg, LegFailure(status: 503, cause: cause), outcome: outcome, at: now)
    case .timeout:
      // The carrier may have answered without our hearing it: the hold is charged (guard rule 13).
      try legFailed(
        &call, leg, LegFailure(status: 408, cause: .noAnswer), outcome: .unknown, at: now)
    }
  }

  /// The trunk has not said anything in its time, or taken the call and not gone on with it: the next
  /// one is tried, this one is cancelled.
  ///
  /// Its hold stays until its transaction has ended, since it may still answer.
  mutating func attemptTimedOut(
    _ call: inout Call, _ leg: Int, at now: Now
  ) throws(LegContradiction) {
    guard let client = call.legs[leg].clientInvite, call.legs[leg].isEarly,
      !call.legs[leg].heardProvisional, let branch = call.legs[leg].branch,
      let (trunk, hop) = call.legs[leg].route?.trunk
    else { return }
    if sip.isProceeding(client) {
      // 100 shows a living trunk, and nothing of the called side.
      if let until = call.legs[leg].progressUntil, now.instant < until {
        call.legs[leg].attemptUntil = until
        return
      }
      guard hasSpareTrunk(branch, of: call, at: now) else { return }
      log(.warning, "trunk rings nowhere", call: call, Alert.Fact("trunk", "\(trunk)"))
    } else {
      trunkSilent(trunk, hop, "no answer to a call", at: now)
      log(.warning, "trunk timed out", call: call, Alert.Fact("trunk", "\(trunk)"))
    }
    try cancelLeg(&call, leg, cause: .trunkFailure, at: now)
    call.branches[branch].note(LegFailure(status: 408, cause: .trunkFailure))
    tryNextTrunk(of: branch, in: &call, at: now)
    try inviteReadyLegs(&call, at: now)
    try checkStep(&call, at: now)
  }

  mutating func acknowledged(_ dialog: DialogID, _ message: Message, at now: Now) {
    guard let owner = owners.dialogs[dialog] else { return }
    withCall(owner.call, at: now) { (core, call) throws(LegContradiction) in
      if owner.leg == 0, call.caller.state == .answered {
        try core.callerAcknowledged(&call, message, at: now)
      } else {
        try core.exchangeAcknowledged(&call, owner.leg, message, at: now)
      }
    }
  }

  /// Our 2xx got no ACK: the session is ended with BYE (RFC 3261 §13.3.1.4).
  mutating func unacknowledged(_ dialog: DialogID, at now: Now) {
    guard let owner = owners.dialogs[dialog] else { return }
    withCall(owner.call, at: now) { (core, call) throws(LegContradiction) in
      try core.end(&call, .unacknowledged, by: .system, at: now)
    }
  }

  mutating func provisionalUnacknowledged(_ server: ServerTransactionID, at now: Now) {
    guard let id = owners.invites[server] else { return }
    withCall(id, at: now) { (core, call) throws(LegContradiction) in
      try core.end(
        &call, .unacknowledged, by: .system,
        failure: LegFailure(status: 504, cause: .unacknowledged), at: now)
    }
  }

  /// A request with the tags of a dialog from a foreign address: its digest must prove it (A30), or the address must be
  /// another one of the carrier that the dialog is with.
  mutating func stranger(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ dialog: DialogID,
    at now: Now
  ) {
    switch party(in: dialog) {
    case .trunk(let trunk) where isCarrier(trunk, on: flow):
      admit(server, hasMoved: false, at: now)
    case .trunk, nil: refuse(server, 481, at: now)
    case .phone(let number):
      switch authenticate(message, flow, at: now) {
      case .device(let device) where device.extensions.contains(number):
        admit(server, hasMoved: true, at: now)
      case .device, .refused: refuse(server, 403, at: now)
      case .unknown(let stranger): challenge(server, message, flow, stranger, at: now)
      }
    }
  }

  /// Who is at the other end of a dialog of a call; nil where that is over.
  private func party(in dialog: DialogID) -> Leg.Party? {
    if let owner = owners.dialogs[dialog] { return calls[owner.call]?.value.legs[owner.leg].party }
    return trunk(ofOrphan: dialog).map { .trunk($0) }
  }

  private mutating func admit(_ server: ServerTransactionID, hasMoved: Bool, at now: Now) {
    var events: [SIPEvent] = []
    sip.admit(server, hasMoved: hasMoved, at: now, events: &events, effects: &output.wire)
    for event in events { handle(event, at: now) }
  }
}
