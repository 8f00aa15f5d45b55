import Elements
import SIP
import SIPSyntax

/// A phone of a customer: registers, calls and is called; some are slow, some are broken.
class Phone: SimulatedAgent {
  enum Temper: Hashable, CaseIterable {
    case good
    /// Looks at packets up to seconds after they came.
    case slow
    /// Never answers BYE.
    case deafToBye
    case neverAcknowledges
    /// Sends every packet twice.
    case doubles
    /// Sends bytes that are no message now and then.
    case garbles
    /// Falls silent for good at some moment.
    case dies
    /// Asks for the session again every few seconds (F21).
    case reinvites
    /// Sends callers to a dear number (F13).
    case redirects
  }

  let temper: Temper
  let tenant: Int
  /// The extension, as a number of the town.
  let line: Int
  private var registerClient: ClientTransactionID?
  private var cseq: UInt32 = 0
  private let registerID: [UInt8]
  let expires: Int

  init(_ world: World, index: Int, line: Int, endpoint: Endpoint, temper: Temper) {
    (self.line, self.temper) = (line, temper)
    tenant = world.town.lines[line].tenant
    registerID = Array("register-\(index)".utf8)
    expires = Int.random(in: 60...900, using: &world.dice)
    super.init(
      world, index: index, endpoint: endpoint, user: world.town.lines[line].number,
      domain: Town.domains[world.town.lines[line].tenant])
    if temper == .slow { slownessMs = 1_500 }
  }

  var address: NameAddress { NameAddress(uri: URI(user: user, host: .name(domain))) }
  override var acknowledges: Bool { temper != .neverAcknowledges }

  override func overhears(_ bytes: [UInt8]) -> Bool {
    temper == .deafToBye && bytes.starts(with: "BYE ".utf8)
  }

  override func emit(_ out: [Transmission]) {
    super.emit(out)
    if temper == .doubles { super.emit(out) }
  }

  // MARK: - Registering

  func register(contact: String? = nil) {
    var draft = RequestDraft(
      .register, target: URI(host: .name(domain)), from: address, to: address)
    draft.contact = .exactly(Array("<\(contact ?? "sip:\(user)@\(endpoint)")>".utf8))
    draft.headers = [HeaderDraft(.expires, "\(expires)")]
    draft.callID = registerID
    cseq += 1
    draft.cseq = cseq
    let client = send(draft)
    drafts[client] = draft
  }

  override func credentials(_ message: Message, _ draft: RequestDraft) -> HeaderDraft? {
    let account = DigestAccount(user: user, realm: domain, password: Secret(Town.password))
    let hasTried = draft.headers.contains { $0.name == .known(.authorization) }
    guard !hasTried else { return nil }
    if draft.method == .register { cseq += 1 }
    var dice = Dice.seeded(SplitMix(seed: world.dice.next()))
    return account.answer(
      message, method: draft.method, uri: draft.target ?? URI(host: .name(domain)), dice: &dice)
  }

  // MARK: - Calling

  func dial(_ attempt: Int) {
    let wish = world.attempts[attempt]
    guard !world.isHealed || wish.kind == .proof else { return }
    world.attempts[attempt].placedAt = world.now.instant
    let call = invite(wish.number, host: domain, from: address, attempt: attempt)
    world.schedule(.act(index, .giveUp(call: call)), after: wish.patience)
  }

  override func established(_ call: Int) {
    startMedia(call)
    guard let attempt = calls[call].attempt else { return }
    world.attempts[attempt].final = 200
    world.schedule(.act(index, .hangUp(call: call)), after: world.attempts[attempt].talk)
    if temper == .reinvites {
      world.schedule(.act(index, .reinvite(call: call)), after: .seconds(2))
    }
  }

  override func failed(_ call: Int, status: Int, _ message: Message?) {
    guard let attempt = calls[call].attempt, world.attempts[attempt].final == nil else { return }
    world.attempts[attempt].final = UInt16(status)
  }

  // MARK: - Being called

  override func invited(_ call: Int) {
    let roll = world.isHealed ? 99 : Int.random(in: 0..<100, using: &world.dice)
    if temper == .redirects {
      return world.schedule(.act(index, .redirect(call: call)), after: .milliseconds(200))
    }
    answer(call, 180)
    let wait = world.dice.milliseconds(200...9_000)
    switch roll {
    case 0..<8: world.schedule(.act(index, .refuse(call: call, 486)), after: .milliseconds(300))
    case 8..<12: world.schedule(.act(index, .refuse(call: call, 603)), after: wait)
    case 12..<20: break  // Rings until somebody gives up.
    case _:
      world.schedule(.act(index, .answer(call: call)), after: world.isHealed ? .seconds(1) : wait)
    }
  }

  override func act(_ act: Act) {
    guard !isDead else { return }
    switch act {
    case .register:
      register()
      let again = Duration.seconds(expires * 3 / 5)
      if !world.isQuiet { world.schedule(.act(index, .register), after: again) }
    case .keepAlive:
      world.send(Array("\r\n\r\n".utf8), from: index)
      if !world.isQuiet { world.schedule(.act(index, .keepAlive), after: .seconds(25)) }
    case .dial(let attempt): dial(attempt)
    case .answer(let call):
      answer(call, 200, withSDP: true)
      startMedia(call)
    case .refuse(let call, let status): answer(call, StatusCode(exactly: status) ?? 486)
    case .redirect(let call):
      answer(
        call, 302, [HeaderDraft(.contact, "<sip:\(Town.redirectNumber(line))@\(domain)>")])
    case .giveUp(let call):
      if calls[call].state == .inviting || calls[call].state == .ringing { cancel(call) }
    case .hangUp(let call): hangUp(call)
    case .reinvite(let call):
      guard calls[call].state == .talking else { return }
      reinvite(call)
      world.schedule(.act(index, .reinvite(call: call)), after: .seconds(3))
    case .media(let call): sendMedia(call)
    case .garble: garble()
    case .die: isDead = true
    case .ring, .early, .watch, .fork, .forkAgain: break
    }
  }

  private func garble() {
    var bytes = Array("INVITE sip:\(user)@\(domain) SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n".utf8)
    for _ in 0..<Int.random(in: 1...20, using: &world.dice) {
      bytes[Int.random(in: 0..<bytes.count, using: &world.dice)] = UInt8.random(
        in: 0...255, using: &world.dice)
    }
    world.send(bytes, from: index)
  }
}
