import Elements
import Relay
import SIP
import SIPSyntax
import Switch

/// The switch with a disk that is done at once and ports that are there at once, in virtual time.
struct Exchange {
  enum Party: CaseIterable {
    case stranger, caller, called, carrier

    var endpoint: Endpoint {
      let text =
        switch self {
        case .stranger: "203.0.113.66:5060"
        case .caller: "198.51.100.7:5062"
        case .called: "198.51.100.8:5064"
        case .carrier: "192.0.2.50:5060"
        }
      return Endpoint(text) ?? Endpoint(.v4Any, 0)
    }
  }

  static let server = Endpoint(IPAddress("192.0.2.1") ?? .v4Any, 5060)

  private(set) var core: SwitchCore
  private(set) var now = Now(
    instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_790_000_000_000))
  private(set) var sent: [Transmission] = []
  private(set) var relayCommands = 0
  private let signer = Signer()
  private var nextPort: UInt16 = 10_000
  private var nextNumber: UInt32 = 1000

  init(_ rulebook: Rulebook, secret: Secret) {
    var settings = SwitchConfiguration(nonceSecret: secret)
    settings.logLevel = .error
    core = SwitchCore(configuration: settings, dice: .seeded(SplitMix(seed: 7)))
    happen(.command(CommandToken(1), .adopt(rulebook)))
  }

  /// Both phones registered, nothing else.
  static func withPhones() throws -> Exchange {
    var exchange = Exchange(try Town.rulebook(), secret: Secret("sixteen bytes or more"))
    for party in [Party.caller, .called] {
      exchange.say(Town.registration(of: party, sequence: 2), from: party, isSigned: true)
      let answer = exchange.sent.last.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
      require(answer.hasPrefix("SIP/2.0 200 "), "\(party) registers: \(answer)")
    }
    exchange.sent.removeAll()
    exchange.relayCommands = 0
    return exchange
  }

  // MARK: - Turns

  /// One turn of an input (``SwitchSubject``).
  mutating func take(_ turn: ArraySlice<UInt8>) {
    let text = Array(turn.dropFirst())
    switch turn.first.map({ Unicode.Scalar($0) }) {
    case "s": say(text, from: .stranger, isSigned: false)
    case "p": say(text, from: .caller, isSigned: false)
    case "P": say(text, from: .caller, isSigned: true)
    case "q": say(text, from: .called, isSigned: false)
    case "Q": say(text, from: .called, isSigned: true)
    case "c": say(text, from: .carrier, isSigned: false)
    case "A": answer(text, by: .called)
    case "C": answer(text, by: .carrier)
    case "D": ask(text, by: .caller)
    case "E": ask(text, by: .called)
    case "t": pass(.milliseconds(250) * Int(text.first ?? 1))
    case _: break
    }
  }

  mutating func say(_ bytes: [UInt8], from party: Party, isSigned: Bool) {
    let text =
      isSigned ? signer.signed(bytes, user: Town.user(party), nonce: nonce(for: party)) : bytes
    happen(
      .received(text, Flow(transport: .udp, local: Self.server, remote: party.endpoint)))
    pass(.milliseconds(10))
  }

  /// What the switch challenges a phone with that shows no digest.
  private mutating func nonce(for party: Party) -> [UInt8] {
    let count = sent.count
    happen(
      .received(
        Town.registration(of: party, sequence: 1),
        Flow(transport: .udp, local: Self.server, remote: party.endpoint)))
    defer { sent.removeSubrange(count...) }
    guard let bytes = sent.last?.bytes,
      let answer = try? MessageParser.parse(bytes, framing: .datagram),
      let challenge = try? answer.digestChallenges(.wwwAuthenticate).first
    else { return [] }
    return challenge.nonce
  }

  func heard(by party: Party) -> [[UInt8]] {
    sent.filter { $0.destination.remote == party.endpoint }.map(\.bytes)
  }

  /// The last request that this party got.
  private func request(to party: Party) -> Message? {
    for transmission in sent.reversed() where transmission.destination.remote == party.endpoint {
      let message = try? MessageParser.parse(transmission.bytes, framing: .datagram)
      if let message, message.isRequest { return message }
    }
    return nil
  }

  private mutating func answer(_ text: [UInt8], by party: Party) {
    guard let request = request(to: party) else { return }
    var builder = MessageBuilder(responseTo: request, 200, source: nil, toTag: Array("tag-b".utf8))
    builder.add(.server, "x")
    let plain = builder.finish()
    // The status line is the input's, and so is what follows the five fields.
    guard let line = plain.firstRange(of: [13, 10]),
      let end = plain.firstRange(of: Array("\r\nServer".utf8))
    else { return }
    let status = text.firstRange(of: [13, 10]) ?? text.endIndex..<text.endIndex
    say(
      Array("SIP/2.0 ".utf8) + text[..<status.lowerBound] + plain[line.lowerBound..<end.lowerBound]
        + [13, 10] + text[status.upperBound...], from: party, isSigned: false)
  }

  /// A request in the dialog of the last answer that the caller got, or the last request that the called one got.
  private mutating func ask(_ text: [UInt8], by party: Party) {
    let messages = heard(by: party).compactMap {
      try? MessageParser.parse($0, framing: .datagram)
    }
    guard
      let last = messages.last(where: { message in
        party == .caller ? message.toTag != nil && !message.isRequest : message.isRequest
      })
    else { return }
    let isAnswer = !last.isRequest
    let target = last.contactURI ?? last.toURI
    let (from, to) = isAnswer ? (last.from, last.to) : (last.to, last.from)
    let line = text.firstRange(of: [13, 10]) ?? text.endIndex..<text.endIndex
    let method = String(decoding: text[..<line.lowerBound], as: UTF8.self)
    let tag = isAnswer ? "" : ";tag=tag-b"
    nextNumber += 1
    say(
      Array(
        """
        \(method) \(target) SIP/2.0\r
        Via: SIP/2.0/UDP \(party.endpoint);rport;branch=z9hG4bKd\(nextNumber)\r
        From: \(from)\(tag)\r
        To: \(to)\r
        Call-ID: \(last.text(last.callID))\r
        CSeq: \(nextNumber) \(method)\r

        """.utf8) + text[line.upperBound...], from: party, isSigned: true)
  }

  // MARK: - The world

  private mutating func happen(_ first: SwitchEvent) {
    var events = [first]
    var next = 0
    while next < events.count {
      var effects: [SwitchEffect] = []
      core.handle(events[next], at: now, into: &effects)
      next += 1
      for effect in effects { follow(effect, into: &events) }
      require(next < 10_000, "events come to an end")
    }
  }

  private mutating func follow(_ effect: SwitchEffect, into events: inout [SwitchEvent]) {
    switch effect {
    case .transmit(let transmission): sent.append(transmission)
    case .journal(let batch): events.append(.journaled(through: batch.sequence))
    case .relay(let command):
      relayCommands += 1
      follow(command, into: &events)
    case .resolve(let question, _):
      let hop = NextHop(transport: .udp, remote: Party.carrier.endpoint, local: Self.server)
      events.append(.resolved(question, [hop]))
    case .trust, .acquaint, .sift, .askForCertificates, .publish: break
    }
  }

  private mutating func follow(_ command: RelayCommand, into events: inout [SwitchEvent]) {
    switch command {
    case .open(let session, let plan):
      let legs = plan.legs.enumerated().map { ports($0.offset, $0.element) }
      events.append(.relay(.opened(session, legs)))
    case .attach(let session, let leg, let plan), .update(let session, let leg, let plan):
      events.append(.relay(.opened(session, [ports(leg, plan)])))
    case .close(let session): events.append(.relay(.closed(session, [])))
    case .play(let session, let leg, _):
      events.append(.relay(.played(session, leg: leg, completed: true)))
    case .detach, .bridge, .unbridge, .renew, .stopPlaying, .inspect, .spare: break
    }
  }

  private mutating func ports(_ leg: Int, _ plan: LegPlan) -> LegPorts {
    LegPorts(
      leg: leg, local: plan.local,
      streams: plan.streams.map { stream in
        guard stream.kind != .rejected else { return nil }
        nextPort = nextPort < 60_000 ? nextPort + 2 : 10_000
        return LegPorts.Pair(rtp: nextPort, rtcp: nextPort + 1)
      })
  }

  mutating func pass(_ duration: Duration) {
    let end = now.instant + duration
    var rounds = 0
    while let deadline = core.deadline, deadline <= end {
      advance(to: max(deadline, now.instant))
      happen(.deadline)
      rounds += 1
      require(rounds < 100_000, "deadlines come to an end")
    }
    advance(to: end)
  }

  private mutating func advance(to moment: Instant) {
    let passed = moment - now.instant
    now = Now(instant: moment, wall: now.wall + passed)
  }

  /// Hangs everything up, and waits for the longest that anything may take.
  mutating func rest() {
    guard !core.load.isAtRest else { return }
    happen(.command(CommandToken(2), .hangUpAll))
    pass(.seconds(120))
    if !core.load.isAtRest { pass(.seconds(3600)) }
  }

  /// What leaves for others than the sender of something broken is one whole message.
  func checkSent() {
    for transmission in sent {
      let bytes = transmission.bytes
      let isAnswer = bytes.starts(with: "SIP/2.0 ".utf8)
      guard !isAnswer, bytes.count > 4, bytes.first != 1 else { continue }
      let message = require(
        "a request of ours is a message: \(String(decoding: bytes.prefix(2000), as: UTF8.self))"
      ) { try MessageParser.parse(bytes, framing: .stream) }
      require(message.endOffset == bytes.count, "a request of ours is one message")
    }
  }
}
