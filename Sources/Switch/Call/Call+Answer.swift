import Elements
import SDP
import SIP
import SIPSyntax

// What the caller hears of its call: ringing, early media, the answer.

extension SwitchCore {
  /// Takes an answer of the called side: its media are agreed, and the caller's answer is made of it.
  ///
  /// - Returns: False when it does not fit what was offered.
  mutating func takeAnswer(
    _ answer: SessionDescription, from leg: Int, in call: inout Call
  ) -> Bool {
    let before = call.legs[leg].media
    if before.said == before.sent.map(answer.completed), call.media.bridged == leg { return true }
    let taken: SessionDescription
    do throws(SDPError) {
      taken = try call.legs[leg].media.takeAnswer(answer)
    } catch {
      log(.info, "answer does not fit", call: call, Alert.Fact("why", "\(error)"))
      call.legs[leg].media = before
      return false
    }
    guard call.legs[0].media.makeAnswer(from: taken) != nil else {
      call.legs[leg].media = before
      return false
    }
    updateMedia(call, leg: leg)
    updateMedia(call, leg: 0)
    bridge(&call, with: leg)
    return true
  }

  /// Passes a provisional answer on; with early media where only one leg may answer.
  mutating func ringCaller(
    _ call: inout Call, status: StatusCode, early leg: Int?, at now: Now
  ) throws(LegContradiction) {
    guard let server = call.caller.serverInvite else { return }
    let isForked = call.legs.indices.dropFirst().count { call.legs[$0].isAlive } > 1
    let body = leg == nil || isForked ? nil : call.caller.media.sent
    var draft = ResponseDraft(body == nil ? status : 183)
    // Whose early media are kept from the caller has it play its own ringing tone; 183 alone says nothing of a bell.
    if body == nil, leg != nil, status == 183 { draft.status = 180 }
    guard draft.status.number != call.lastRinging || body != nil else { return }
    // Nor does it take back that it rings.
    if body == nil, draft.status == 183, call.lastRinging == 180 { return }
    if let body {
      // The same early media again says nothing new.
      guard call.lastRinging != 183 || call.lastEarly != body else { return }
      call.lastEarly = body
      draft.body = .sdp(body.serialized())
      draft.reliably = call.invitation.supportsReliable
    }
    draft.reliably = draft.reliably || call.invitation.requiresReliable
    call.lastRinging = draft.status.number
    draft.contact = .automatic(user: nil)
    draft.headers = [HeaderDraft(.allow, Self.allow)]
    respond(server, draft, at: now)
    if let dialog = sip.dialog(of: server) {
      call.caller.dialog = dialog
      owners.dialogs[dialog] = (call.id, 0)
    }
    if call.caller.state == .inviting { try call.caller.take(.rang) }
  }

  /// A leg has answered: the others are let go, and the caller gets its 200.
  mutating func win(_ call: inout Call, _ leg: Int, at now: Now) throws(LegContradiction) {
    call.answered = leg
    call.phase = .talking
    (call.record.answeredAt, call.record.status) = (now.wall, 200)
    status.callsAnswered += 1
    nameForwarder(of: leg, in: &call)
    (call.stepUntil, call.legs[leg].attemptUntil) = (nil, nil)
    limitMedia(&call, to: leg, at: now)
    for other in call.legs.indices where other != 0 && other != leg && call.legs[other].isAlive {
      try cancelLeg(&call, other, at: now)
    }
    for branch in call.branches.indices { releaseKeptHold(of: branch, in: &call, at: now) }
    mark(&call, leg)
    try answerCaller(&call, at: now)
  }

  /// Of several that rang, the record names whose forward led to the one that answered.
  private func nameForwarder(of leg: Int, in call: inout Call) {
    guard let index = call.legs[leg].branch else { return }
    switch call.branches[index].target {
    case .outside(let route):
      call.record.forwardedBy = route.forwardedBy ?? call.record.forwardedBy
    case .extension where call.currentBranches.count > 1: call.record.forwardedBy = nil
    case .extension, .emergency: break
    }
  }

  /// Sends the 200 to the caller, as soon as there are ports for what it says.
  mutating func answerCaller(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard let server = call.caller.serverInvite, let leg = call.answered else { return }
    var body = call.caller.media.sent
    if call.invitation.offer == nil {
      // Late offer: what the called side offered becomes our offer to the caller.
      guard let offer = call.legs[leg].media.said else { return }
      guard call.caller.media.hasPorts(for: offer), call.legs[leg].media.hasPorts(for: offer)
      else {
        growMedia(call, leg: 0, for: offer)
        call.answerWaits = true
        return
      }
      call.answerWaits = false
      body = call.caller.media.makeOffer(from: offer, using: &dice)
    }
    guard let body else { return try end(&call, .incompatible, by: .system, at: now) }
    // What was agreed upon since an early answer is not undone by saying that once more.
    let isSaid = call.hasNewOffer(leg)
    var draft = ResponseDraft(200, body: isSaid ? nil : .sdp(body.serialized()))
    draft.headers = [
      HeaderDraft(.allow, Self.allow), HeaderDraft(.supported, "timer"),
    ]
    if let terms = call.caller.terms {
      draft.headers.append(HeaderDraft(.sessionExpires, terms.sessionExpires.serialized))
      if terms.requiresTimer { draft.headers.append(HeaderDraft(.require, "timer")) }
      call.caller.timer.start(terms, isOurs: terms.refresher == .uas, at: now.instant)
    }
    respond(server, draft, at: now)
    // Behind a reliable answer without its PRACK the 200 waits, and may become a refusal (RFC 3262 §3).
    if !sip.isPending(server) { forgetInvite(of: &call) }
    if let dialog = sip.dialog(of: server) {
      call.caller.dialog = dialog
      owners.dialogs[dialog] = (call.id, 0)
    }
    try call.caller.take(.answered)
    mark(&call, 0)
  }

  /// Ports have come that a late offer waited for.
  mutating func resumeAnswer(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard call.answerWaits, call.phase == .talking else { return }
    try answerCaller(&call, at: now)
  }

  /// The caller has acknowledged our 200; with a late offer the ACK brings the answer.
  mutating func callerAcknowledged(
    _ call: inout Call, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    guard call.caller.state == .answered, let leg = call.answered else { return }
    try call.caller.take(.acknowledged)
    forgetInvite(of: &call)
    guard call.invitation.offer == nil, let dialog = call.legs[leg].dialog,
      call.legs[leg].state == .answered
    else { return }
    guard let said = sdp(of: message), let answer = try? call.caller.media.takeAnswer(said),
      let passed = call.legs[leg].media.makeAnswer(from: answer)
    else {
      return try end(&call, .incompatible, by: .caller, at: now)
    }
    acknowledge(dialog, body: passed, at: now)
    try call.legs[leg].take(.acknowledged)
    updateMedia(call, leg: 0)
    updateMedia(call, leg: leg)
    bridge(&call, with: leg)
  }

  /// The INVITE of the caller has its final answer.
  mutating func forgetInvite(of call: inout Call) {
    guard let server = call.caller.serverInvite else { return }
    call.caller.serverInvite = nil
    owners.invites[server] = nil
  }

  // MARK: - Little things

  mutating func respond(_ server: ServerTransactionID, _ draft: ResponseDraft, at now: Now) {
    sip.respond(to: server, draft, at: now, effects: &output.wire)
  }

  mutating func respond(
    _ server: ServerTransactionID, _ status: StatusCode, _ headers: [HeaderDraft] = [], at now: Now
  ) {
    respond(server, ResponseDraft(status, headers: headers), at: now)
  }

  /// The session description of a message: its body, or that part of a multipart body.
  func sdp(of message: Message) -> SessionDescription? {
    SessionBody.description(of: message)
  }
}

/// Finds the session description in a body (RFC 5621, RFC 2046 §5.1).
enum SessionBody {
  static func description(of message: Message) -> SessionDescription? {
    guard !message.body.isEmpty, !message.isEncoded, let field = message.first(.contentType) else {
      return nil
    }
    if message.begins(field, with: "application/sdp") {
      return try? SessionDescription(parsing: message.bodyBytes)
    }
    let type = message.text(field).lowercased()
    guard type.hasPrefix("multipart/"), let boundary = boundary(in: message) else { return nil }
    for part in parts(of: message.bodyBytes, boundary: boundary) {
      if let found = sdp(inPart: part) { return found }
    }
    return nil
  }

  private static func boundary(in message: Message) -> [UInt8]? {
    guard let type = message.text(.contentType), let mark = type.lowercased().range(of: "boundary=")
    else { return nil }
    let value = type[mark.upperBound...].prefix { $0 != ";" && $0 != " " }
    let plain = value.filter { $0 != "\"" }
    return plain.isEmpty || plain.utf8.count > 70 ? nil : Array("--\(plain)".utf8)
  }

  /// The parts between the boundaries; 16 at most.
  private static func parts(of body: [UInt8], boundary: [UInt8]) -> [[UInt8]] {
    var parts: [[UInt8]] = []
    var start: Int?
    var index = 0
    while index + boundary.count <= body.count, parts.count < 16 {
      guard body[index..<index + boundary.count].elementsEqual(boundary),
        index == 0 || body[index - 1] == 10
      else {
        index += 1
        continue
      }
      if let start { parts.append(Array(body[start..<max(start, index - 2)])) }
      index += boundary.count
      while index < body.count, body[index] != 10 { index += 1 }
      index += 1
      start = index
    }
    return parts
  }

  private static func sdp(inPart part: [UInt8]) -> SessionDescription? {
    var index = 0
    while index + 3 < part.count {
      if part[index..<index + 4].elementsEqual([13, 10, 13, 10]) {
        let head = String(decoding: part[..<index], as: UTF8.self).lowercased()
        guard head.contains("application/sdp") else { return nil }
        return try? SessionDescription(parsing: Array(part[(index + 4)...]))
      }
      index += 1
    }
    return nil
  }
}

extension Message {
  /// Whether its body is compressed or the like, which nobody reads here (RFC 3261 §20.12).
  var isEncoded: Bool {
    text(.contentEncoding).map { $0.lowercased() != "identity" } ?? false
  }

  /// Whether it has a body that must not be passed over (RFC 3261 §20.11).
  var hasBodyToHeed: Bool {
    guard !body.isEmpty else { return false }
    let handling = (try? contentDisposition())?.parameters.text("handling")
    return handling?.lowercased() != "optional"
  }

  /// Whether a field begins with a word in lower case, in whatever case it is written.
  fileprivate func begins(_ field: ByteRange, with word: StaticString) -> Bool {
    let text = self[field].prefix(word.utf8CodeUnitCount)
    return text.count == word.utf8CodeUnitCount
      && word.withUTF8Buffer { letters in
        unsafe text.elementsEqual(letters) { $0 == $1 || $0 &- 65 < 26 && $0 | 0x20 == $1 }
      }
  }
}

extension String {
  /// The first place of `text`; without Foundation.
  func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) {
        return start..<index(start, offsetBy: text.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
