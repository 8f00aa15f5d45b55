import Elements
import SIP
import SIPSyntax

@testable import Switch

/// A phone or a carrier: the SIP core as the far end, with the manners of its script.
final class UserAgent {
  /// What it does with an INVITE.
  enum Manner {
    /// Rings, then answers.
    case answers(after: Duration)
    case rings
    case refuses(StatusCode, [HeaderDraft])
    /// Shows the INVITE to the test, which answers by hand.
    case waits
    /// Rings with early media, then answers.
    case early(then: Duration)
  }

  let bench: Bench
  let endpoint: Endpoint
  let user: String
  let domain: String
  var manner = Manner.waits
  var core: SIPCore
  /// Whether it answers a challenge.
  var password: String? = Town.password
  /// The realm of its account, where that is not its domain.
  var realm: String?
  var sdp = Bench.sdp
  /// Answers BYE, or is deaf to it.
  var answersBye = true
  /// Lets an INVITE be taken back, or answers it all the same.
  var heedsCancel = true
  var userAgent = "Phone/1.0"
  /// What its answers say that it takes.
  var allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"
  /// Asks for a password before it takes a request in a dialog; the second part: whatever is answered.
  var challenge: HeaderDraft?
  var insists = false
  /// Asks for a password before it takes a registration.
  var registerChallenge: HeaderDraft?
  /// What it says to a REGISTER instead of 200.
  var registrar: ((Message) -> ResponseDraft?)?
  /// What it says to a probe.
  var probeAnswer: StatusCode = 200
  /// Leaves a REGISTER unanswered.
  var ignoresRegister = false

  private(set) var requests: [Message] = []
  private(set) var responses: [Message] = []
  /// Requests that wait for an answer by hand.
  private(set) var open: [(server: ServerTransactionID, message: Message)] = []
  private(set) var acknowledgements: [Message] = []
  private(set) var failures: [ClientFailure] = []
  var dialog: DialogID?
  private var drafts: [ClientTransactionID: RequestDraft] = [:]
  private var pending: [(at: Instant, server: ServerTransactionID)] = []
  /// What it says to requests in a dialog that it does not take.
  var refusals: [Method: StatusCode] = [:]
  /// Answers an UPDATE, or leaves it to the test.
  var answersUpdate = true
  /// The description that answers an UPDATE.
  var updateAnswer: String?

  init(_ bench: Bench, user: String, address: String, domain: String = Town.domain) {
    self.bench = bench
    endpoint = Endpoint(address) ?? Bench.switchEndpoint
    (self.user, self.domain) = (user, domain)
    let seed = UInt64(endpoint.port) &* 31 &+ endpoint.address.low
    core = SIPCore(dice: .seeded(SplitMix(seed: seed)))
    bench.agents[endpoint] = self
  }

  var deadline: Instant? { [core.deadline, pending.map(\.at).min()].compactMap { $0 }.min() }

  /// Speaks over a connection of this number instead of by datagrams.
  var connection: FlowID?
  /// What that connection is.
  var stream = Transport.tcp
  private var transport: Transport { connection == nil ? .udp : stream }

  var flow: Flow {
    Flow(
      transport: transport, local: endpoint, remote: Bench.switchEndpoint, connection: connection)
  }

  /// Opens a connection from `port`; only answers come back to that port.
  func connect(from port: UInt16, as number: FlowID) {
    let source = Endpoint(endpoint.address, port)
    (self.source, connection) = (source, number)
    bench.agents[source] = self
  }

  // MARK: - Doing

  func address(_ user: String) -> NameAddress {
    NameAddress(uri: URI(user: user, host: .name(domain)))
  }

  func contact(_ parameters: String = "") -> String { "<sip:\(user)@\(endpoint)>\(parameters)" }

  @discardableResult
  func send(_ draft: RequestDraft) -> ClientTransactionID {
    var draft = draft
    draft.headers.append(HeaderDraft(.userAgent, userAgent))
    var out: [Transmission] = []
    let id = core.send(draft, to: .flow(flow), at: bench.now, effects: &out)
    drafts[id] = draft
    emit(out)
    return id
  }

  @discardableResult
  func send(in dialog: DialogID, _ draft: RequestDraft) -> ClientTransactionID? {
    var out: [Transmission] = []
    defer { emit(out) }
    return try? core.send(draft, in: dialog, at: bench.now, effects: &out)
  }

  func register(
    expires: Int? = 3600, contact: String? = nil, to: String? = nil, headers: [HeaderDraft] = [],
    callID: String? = nil, cseq: UInt32 = 1
  ) {
    var draft = RequestDraft(
      .register, target: URI(host: .name(domain)), from: address(to ?? user),
      to: address(to ?? user))
    draft.contact = .exactly(Array((contact ?? self.contact()).utf8))
    if let expires { draft.headers.append(HeaderDraft(.expires, "\(expires)")) }
    draft.headers += headers
    draft.callID = Array(
      (callID ?? "reg-\(user)-\(endpoint)-\(bench.now.instant.nanoseconds)").utf8)
    draft.cseq = cseq
    send(draft)
    bench.run(for: .milliseconds(100))
  }

  /// Calls a number or an extension; without SDP the offer is late.
  @discardableResult
  func call(
    _ number: String, headers: [HeaderDraft] = [], from: NameAddress? = nil, body: String?? = .none,
    target: URI? = nil, maxForwards: UInt8 = 70
  ) -> ClientTransactionID {
    let target = target ?? URI(user: number, host: .name(domain))
    var draft = RequestDraft(
      .invite, target: target, from: from ?? address(user), to: NameAddress(uri: target))
    draft.headers = headers
    draft.maxForwards = maxForwards
    switch body {
    case .none: draft.body = .sdp(Array(sdp.utf8))
    case .some(nil): break
    case .some(let text?): draft.body = .sdp(Array(text.utf8))
    }
    let id = send(draft)
    lastCall = id
    return id
  }
  private(set) var lastCall: ClientTransactionID?

  func cancel(_ headers: [HeaderDraft] = [], of request: ClientTransactionID? = nil) {
    guard let request = request ?? lastCall else { return }
    var out: [Transmission] = []
    core.cancel(request, headers: headers, at: bench.now, effects: &out)
    emit(out)
  }

  func hangUp(_ headers: [HeaderDraft] = []) {
    guard let dialog else { return }
    send(in: dialog, RequestDraft(.bye, headers: headers))
  }

  func answer(
    _ server: ServerTransactionID, _ status: StatusCode, body: String? = nil,
    headers: [HeaderDraft] = [], reliably: Bool = false
  ) {
    var draft = ResponseDraft(status, headers: headers)
    draft.body = body.map { .sdp(Array($0.utf8)) }
    draft.reliably = reliably
    if status.isProvisional || status.isSuccess { draft.headers.append(HeaderDraft(.allow, allow)) }
    var out: [Transmission] = []
    core.respond(to: server, draft, at: bench.now, effects: &out)
    if status.isFinal { open.removeAll { $0.server == server } }
    if let made = core.dialog(of: server) { dialog = made }
    emit(out)
  }

  // MARK: - Hearing

  func receive(_ bytes: [UInt8]) {
    var events: [SIPEvent] = []
    var out: [Transmission] = []
    core.receive(bytes, on: flow, at: bench.now, events: &events, effects: &out)
    emit(out)
    for event in events { handle(event) }
  }

  func handleDeadline() {
    let due = pending.filter { $0.at <= bench.now.instant }
    pending.removeAll { $0.at <= bench.now.instant }
    for item in due where core.isPending(item.server) { answer(item.server, 200, body: sdp) }
    var events: [SIPEvent] = []
    var out: [Transmission] = []
    core.handleDeadline(at: bench.now, events: &events, effects: &out)
    emit(out)
    for event in events { handle(event) }
  }

  private func handle(_ event: SIPEvent) {
    switch event {
    case .request(let server, let message, _, _), .stranger(let server, let message, _, _):
      requests.append(message)
      handle(server, message)
    case .stateless(let request):
      requests.append(request.message)
      if ignoresRegister, request.message.method == .register { break }
      var out: [Transmission] = []
      var answer = ResponseDraft(200)
      if let registerChallenge, !request.message.has(.authorization) {
        answer = ResponseDraft(401, headers: [registerChallenge])
      }
      if request.message.method == .register, let said = registrar?(request.message) {
        answer = said
      }
      core.respond(to: request, answer, effects: &out)
      emit(out)
    case .cancelled(let server, _): if heedsCancel { answer(server, 487) }
    case .acknowledged(_, let message): acknowledgements.append(message)
    case .response(let client, let message, _, let dialog):
      responses.append(message)
      heard(client, message, dialog)
    case .clientFailed(_, let failure): failures.append(failure)
    case .unacknowledged, .provisionalUnacknowledged, .strayAnswer, .keepAlive, .malformed: break
    }
  }

  private func handle(_ server: ServerTransactionID, _ message: Message) {
    if message.toTag != nil, let status = refusals[message.method] {
      return answer(server, status)
    }
    if let challenge, message.toTag != nil, insists || !message.has(.authorization) {
      answer(server, 401, headers: [challenge])
      return
    }
    switch message.method {
    case .invite where message.toTag != nil:
      open.append((server, message))
      if case .waits = manner { return }
      answer(server, 200, body: sdp)
    case .invite: invited(server, message)
    case .bye: if answersBye { answer(server, 200) } else { open.append((server, message)) }
    case .update:
      if answersUpdate {
        answer(server, 200, body: updateAnswer)
      } else {
        open.append((server, message))
      }
    case .options: answer(server, probeAnswer)
    case .info, .prack, .register: answer(server, 200)
    case .ack, .cancel, .subscribe, .notify, .publish, .refer, .message, .other:
      answer(server, 405)
    }
  }

  private func invited(_ server: ServerTransactionID, _ message: Message) {
    open.append((server, message))
    switch manner {
    case .answers(let delay):
      answer(server, 180)
      pending.append((bench.now.instant + delay, server))
    case .rings: answer(server, 180)
    case .refuses(let status, let headers): answer(server, status, headers: headers)
    case .waits: break
    case .early(let delay):
      answer(server, 183, body: sdp)
      pending.append((bench.now.instant + delay, server))
    }
  }

  private func heard(_ client: ClientTransactionID, _ message: Message, _ dialog: DialogID?) {
    guard let status = message.status else { return }
    if status == 401 || status == 407, let draft = drafts[client], let password {
      let account = DigestAccount(user: user, realm: realm ?? domain, password: Secret(password))
      let target = draft.target ?? URI(host: .name(domain))
      var dice = Dice.seeded(SplitMix(seed: UInt64(bench.now.instant.nanoseconds)))
      guard !draft.headers.contains(where: { $0.name == .known(.authorization) }),
        let header = account.answer(message, method: draft.method, uri: target, dice: &dice)
      else { return }
      var out: [Transmission] = []
      let again = draft.repeated(after: message, adding: [header])
      let id = core.send(again, to: .flow(flow), at: bench.now, effects: &out)
      drafts[id] = again
      if client == lastCall { lastCall = id }
      emit(out)
      return
    }
    if message.cseq.method == .invite, status.isProvisional, let dialog {
      early = dialog
      guard pracks, message.rseq != nil else { return }
      var out: [Transmission] = []
      _ = try? core.acknowledgeProvisional(dialog, at: bench.now, effects: &out)
      return emit(out)
    }
    guard message.cseq.method == .invite, status.isSuccess, let dialog else { return }
    self.dialog = dialog
    guard acknowledges else { return }
    var out: [Transmission] = []
    try? core.acknowledge(
      dialog, body: lateAnswer.map { .sdp(Array($0.utf8)) }, at: bench.now, effects: &out)
    emit(out)
  }
  var acknowledges = true
  /// Acknowledges reliable provisional answers.
  var pracks = false
  /// The dialog of the latest provisional answer.
  private(set) var early: DialogID?
  /// The answer for a late offer, in the ACK.
  var lateAnswer: String?

  /// Sends bytes that are no message of its core.
  func say(_ bytes: [UInt8]) {
    emit([Transmission(bytes: bytes, destination: .flow(flow))])
    bench.run(for: .milliseconds(100))
  }

  private func emit(_ out: [Transmission]) {
    let flow = Flow(
      transport: transport, local: Bench.switchEndpoint, remote: source ?? endpoint,
      connection: connection)
    for item in out where !mute {
      let bytes = smuggling(item.bytes)
      said.append((bytes, flow))
      for copy in 0..<bench.copies {
        bench.later(.milliseconds(10 + 3 * Int64(copy)), .toSwitch(bytes, flow))
      }
    }
  }

  /// Put into its INVITEs as it stands, behind all other header fields.
  var smuggles: String?

  private func smuggling(_ bytes: [UInt8]) -> [UInt8] {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let smuggles, text.hasPrefix("INVITE ") else { return bytes }
    return Array(
      text.replacing("\r\n\r\n", with: "\r\n\(smuggles)\r\n\r\n", maxReplacements: 1).utf8)
  }

  /// What it has sent.
  private(set) var said: [(bytes: [UInt8], flow: Flow)] = []
  /// Hears, and says nothing.
  var mute = false
  /// Sends from another address than its own.
  var source: Endpoint?

  // MARK: - Questions

  /// Statuses of all responses to a method, challenges left out.
  func statuses(_ method: Method = .invite) -> [UInt16] {
    responses.filter { $0.cseq.method == method && $0.status != 401 && $0.status != 407 }
      .compactMap { $0.status?.number }
  }

  var lastStatus: UInt16? { responses.last?.status?.number }

  func received(_ method: Method) -> [Message] { requests.filter { $0.method == method } }
}
