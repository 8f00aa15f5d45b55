import Elements
import RTP
import SDP
import SIP
import SIPSyntax

/// The far end of a call: a SIP core as the peer of ours, and the calls it has.
///
/// Phones and carriers differ in what they do when something happens, and in nothing below that.
class SimulatedAgent {
  unowned let world: World
  let index: Int
  let endpoint: Endpoint
  let user: String
  let domain: String
  var core: SIPCore
  var calls: [AgentCall] = []
  /// Neither hears nor speaks any more.
  var isDead = false
  /// Time between the arrival of a packet and the moment it is looked at, in milliseconds.
  var slownessMs = 0
  private var wakeAt = Instant.never
  private var byClient: [ClientTransactionID: Int] = [:]
  private var byServer: [ServerTransactionID: Int] = [:]
  private var byDialog: [DialogID: Int] = [:]

  init(_ world: World, index: Int, endpoint: Endpoint, user: String, domain: String) {
    (self.world, self.index, self.endpoint) = (world, index, endpoint)
    (self.user, self.domain) = (user, domain)
    core = SIPCore(dice: .seeded(SplitMix(seed: world.dice.next())))
  }

  var flow: Flow { Flow(transport: .udp, local: endpoint, remote: Town.switchEndpoint) }

  // MARK: - To be decided by the role

  /// Somebody calls.
  func invited(_ call: Int) {}
  /// The call was answered by the other side, or its answer was acknowledged.
  func established(_ call: Int) {}
  /// The other side hung up or took its INVITE back.
  func ended(_ call: Int) {}
  /// The other side wants the call no longer.
  func cancelled(_ call: Int) {
    answer(call, 487)
    ended(call)
  }
  func failed(_ call: Int, status: Int, _ message: Message?) {}
  /// A response to something that is no call.
  func responded(_ client: ClientTransactionID, _ message: Message) {}
  func act(_ act: Act) {}
  /// Whether a datagram is thrown away unread.
  func overhears(_ bytes: [UInt8]) -> Bool { false }
  /// The credentials for a challenge.
  func credentials(_ message: Message, _ draft: RequestDraft) -> HeaderDraft? { nil }

  // MARK: - Time

  private func wake() {
    guard let deadline = Self.deadline(of: &core), deadline < wakeAt else { return }
    wakeAt = max(deadline, world.now.instant)
    world.schedule(.agentDeadline(index), at: wakeAt)
  }

  /// Read in place: the getter alone would copy the whole core first.
  private static func deadline(of core: inout SIPCore) -> Instant? { core.deadline }

  func handleDeadline() {
    guard wakeAt == world.now.instant else { return }
    wakeAt = .never
    var (events, out): ([SIPEvent], [Transmission]) = ([], [])
    if let deadline = Self.deadline(of: &core), deadline <= world.now.instant {
      core.handleDeadline(at: world.now, events: &events, effects: &out)
    }
    finish(events, out)
  }

  func receive(_ bytes: [UInt8]) {
    guard !isDead, !overhears(bytes) else { return }
    var (events, out): ([SIPEvent], [Transmission]) = ([], [])
    core.receive(bytes, on: flow, at: world.now, events: &events, effects: &out)
    finish(events, out)
  }

  private func finish(_ events: [SIPEvent], _ out: [Transmission]) {
    emit(out)
    for event in events { handle(event) }
    wake()
  }

  func emit(_ out: [Transmission]) {
    guard !isDead else { return }
    for item in out { world.send(item.bytes, from: index) }
  }

  // MARK: - Doing

  func newCall(isCaller: Bool, number: String) -> Int {
    calls.append(
      AgentCall(isCaller: isCaller, number: number, mediaPort: world.nextMediaPort()))
    world.mediaEnds[mediaEndpoint(calls.count - 1)] = (index, calls.count - 1)
    return calls.count - 1
  }

  /// Where this end's packets come from: its own address, or that of its NAT.
  func mediaEndpoint(_ call: Int) -> Endpoint {
    let outside = world.network.links[index].nat?.address ?? endpoint.address
    return Endpoint(outside, calls[call].mediaPort)
  }

  func description(of call: Int) -> [UInt8] {
    Array(
      """
      v=0\r
      o=- 1 1 IN IP4 \(endpoint.address)\r
      s=-\r
      c=IN IP4 \(endpoint.address)\r
      t=0 0\r
      m=audio \(calls[call].mediaPort) RTP/AVP 8 0 101\r
      a=rtpmap:101 telephone-event/8000\r

      """.utf8)
  }

  @discardableResult
  func send(_ draft: RequestDraft) -> ClientTransactionID {
    var out: [Transmission] = []
    let client = core.send(draft, to: .flow(flow), at: world.now, effects: &out)
    emit(out)
    wake()
    return client
  }

  @discardableResult
  func send(_ draft: RequestDraft, in dialog: DialogID) -> ClientTransactionID? {
    var out: [Transmission] = []
    defer {
      emit(out)
      wake()
    }
    return try? core.send(draft, in: dialog, at: world.now, effects: &out)
  }

  /// Places a call; `drafts` keeps it for the answer to a challenge.
  func invite(_ number: String, host: String, from: NameAddress, attempt: Int?) -> Int {
    let call = newCall(isCaller: true, number: number)
    calls[call].attempt = attempt
    let target = URI(user: number, host: .name(host))
    var draft = RequestDraft(.invite, target: target, from: from, to: NameAddress(uri: target))
    draft.body = .sdp(description(of: call))
    invite(call, draft)
    return call
  }

  private func invite(_ call: Int, _ draft: RequestDraft) {
    let client = send(draft)
    drafts[client] = draft
    byClient[client] = call
    calls[call].client = client
  }
  var drafts: [ClientTransactionID: RequestDraft] = [:]

  func cancel(_ call: Int) {
    guard let client = calls[call].client else { return }
    var out: [Transmission] = []
    core.cancel(client, at: world.now, effects: &out)
    emit(out)
    wake()
  }

  func hangUp(_ call: Int) {
    guard calls[call].state == .talking, let dialog = calls[call].dialog else { return }
    calls[call].state = .over
    send(RequestDraft(.bye), in: dialog)
  }

  func answer(
    _ call: Int, _ status: StatusCode, withSDP: Bool = false, _ headers: [HeaderDraft] = []
  ) {
    guard let server = calls[call].server, core.isPending(server) else { return }
    var draft = ResponseDraft(status, headers: headers)
    if withSDP { draft.body = .sdp(description(of: call)) }
    respond(server, draft)
    if let dialog = core.dialog(of: server) {
      calls[call].dialog = dialog
      byDialog[dialog] = call
    }
    if status.isSuccess {
      calls[call].state = .talking
    } else if status.isFinal {
      calls[call].state = .over
    }
  }

  func respond(_ server: ServerTransactionID, _ draft: ResponseDraft) {
    var out: [Transmission] = []
    core.respond(to: server, draft, at: world.now, effects: &out)
    emit(out)
    wake()
  }

  /// Asks for the session again, as it is.
  func reinvite(_ call: Int) {
    guard calls[call].state == .talking, let dialog = calls[call].dialog, core.mayInvite(in: dialog)
    else { return }
    var draft = RequestDraft(.invite)
    draft.body = .sdp(description(of: call))
    send(draft, in: dialog)
  }

  // MARK: - Hearing

  private func handle(_ event: SIPEvent) {
    switch event {
    case .request(let server, let message, _, _), .stranger(let server, let message, _, _):
      handle(server, message)
    case .cancelled(let server, _):
      guard let call = byServer[server] else { return respond(server, ResponseDraft(487)) }
      cancelled(call)
    case .acknowledged(let dialog, let message):
      guard let call = byDialog[dialog] else { return }
      learnMedia(call, message)
      established(call)
    case .response(let client, let message, _, let dialog): heard(client, message, dialog)
    case .clientFailed(let client, _):
      guard let call = byClient[client], calls[call].client == client else { return }
      calls[call].state = .over
      failed(call, status: 0, nil)
    case .unacknowledged(let dialog):
      guard let call = byDialog[dialog] else { return }
      hangUp(call)
      ended(call)
    case .stateless(let request):
      var out: [Transmission] = []
      core.respond(to: request, ResponseDraft(405), effects: &out)
      emit(out)
    case .provisionalUnacknowledged, .strayAnswer, .keepAlive, .malformed: break
    }
  }

  private func handle(_ server: ServerTransactionID, _ message: Message) {
    switch message.method {
    case .invite where message.toTag != nil:
      var draft = ResponseDraft(200)
      if let dialog = core.dialog(of: server), let call = byDialog[dialog] {
        learnMedia(call, message)
        draft.body = .sdp(description(of: call))
      }
      respond(server, draft)
    case .invite:
      let call = newCall(isCaller: false, number: message.requestURI?.userText ?? "")
      calls[call].server = server
      byServer[server] = call
      learnMedia(call, message)
      invited(call)
    case .bye:
      let call = core.dialog(of: server).flatMap { byDialog[$0] }
      if let call, isPending(call), !endsEarly(call) { return respond(server, ResponseDraft(481)) }
      respond(server, ResponseDraft(200))
      guard let call else { return }
      if isPending(call) { answer(call, 487) }
      let wasTalking = calls[call].state == .talking
      calls[call].state = .over
      if wasTalking { ended(call) }
    case .update, .info, .prack, .options: respond(server, ResponseDraft(200))
    case .ack, .cancel, .register, .subscribe, .notify, .publish, .refer, .message, .other:
      respond(server, ResponseDraft(405))
    }
  }

  private func isPending(_ call: Int) -> Bool {
    calls[call].server.map { core.isPending($0) } ?? false
  }

  /// False: it goes on ringing although a BYE came for it (RFC 3261 §15).
  func endsEarly(_ call: Int) -> Bool { true }

  private func heard(_ client: ClientTransactionID, _ message: Message, _ dialog: DialogID?) {
    guard let status = message.status else { return }
    if status == 401 || status == 407, let draft = drafts.removeValue(forKey: client),
      let header = credentials(message, draft)
    {
      let again = draft.repeated(after: message, adding: [header])
      if let call = byClient[client] {
        invite(call, again)
      } else {
        drafts[send(again)] = again
      }
      return
    }
    guard let call = byClient[client] else {
      if message.cseq.method == .invite, status.isSuccess, let dialog { acknowledge(dialog) }
      return responded(client, message)
    }
    guard calls[call].client == client else { return }
    switch status.number {
    case 100...199:
      learnMedia(call, message)
    case 200...299:
      guard let dialog else { return }
      (calls[call].dialog, byDialog[dialog]) = (dialog, call)
      let isFirst = calls[call].state != .talking && calls[call].state != .over
      if isFirst { calls[call].state = .talking }
      learnMedia(call, message)
      acknowledge(dialog)
      if isFirst { established(call) }
    case _:
      calls[call].state = .over
      failed(call, status: Int(status.number), message)
    }
  }

  /// False: the phone never acknowledges an answer.
  var acknowledges: Bool { true }

  private func acknowledge(_ dialog: DialogID) {
    guard acknowledges else { return }
    var out: [Transmission] = []
    try? core.acknowledge(dialog, at: world.now, effects: &out)
    emit(out)
  }

  // MARK: - Media

  private func learnMedia(_ call: Int, _ message: Message) {
    guard world.options.hasMedia, !message.body.isEmpty,
      let description = try? SessionDescription(parsing: message.bodyBytes),
      let remote = description.endpoint(of: 0)
    else { return }
    calls[call].remoteMedia = remote
    calls[call].session = world.mediaSessions[remote].map { ($0, world.process) }
  }

  /// Begins to send, a packet every few seconds: enough to be heard.
  func startMedia(_ call: Int) {
    guard world.options.hasMedia, !calls[call].isSending else { return }
    calls[call].isSending = true
    sendMedia(call)
  }

  func sendMedia(_ call: Int) {
    guard !isDead, calls[call].state != .over || isLate(call) else { return }
    calls[call].packets &+= 1
    if let remote = calls[call].remoteMedia {
      let packet = RTPHeader.packet(
        payloadType: 8, sequence: calls[call].packets,
        timestamp: UInt32(calls[call].packets) &* 160, source: UInt32(index << 12 | call),
        payload: [UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: call)])
      world.sendMedia(packet, from: index, call: call, to: remote)
    }
    world.schedule(.act(index, .media(call: call)), after: .milliseconds(2_500))
  }

  /// Some phones go on for a while after their call, as long as the process is there that it was in.
  private func isLate(_ call: Int) -> Bool {
    calls[call].latePackets += 1
    return calls[call].latePackets <= world.options.latePackets
      && calls[call].session?.process == world.process
  }
}
