import Elements
import SIPSyntax
import TestKit

@testable import SIP

/// Some cores on a simulated network, in virtual time.
struct SIPWorld {
  /// What happens to datagrams on their way, in percent and milliseconds.
  struct Link {
    var loss = 0
    var duplication = 0
    var delay: ClosedRange<Int64> = 10...10
  }

  struct Node {
    var core: SIPCore
    let endpoint: Endpoint
    var events: [SIPEvent] = []
  }

  private struct Delivery {
    let at: Instant
    let order: Int
    let node: Int
    let flow: Flow
    let bytes: [UInt8]
  }

  /// Called for each event; what it does to the world happens at once.
  typealias Reaction = (inout SIPWorld, Int, SIPEvent) -> Void

  var nodes: [Node] = []
  var link = Link()
  let transport: Transport
  var now = SIPTests.now(0)
  /// "0>1 INVITE" or "1>0 200 INVITE", for each message as it was sent.
  var trace: [String] = []
  /// Answers true for messages that shall get lost.
  var isLost: (String) -> Bool = { _ in false }
  private var agenda: [Delivery] = []
  private var order = 0
  private var random: SplitMix

  init(
    _ transport: Transport = .udp, nodes count: Int = 2, seed: UInt64 = 1,
    configuration: SIPConfiguration = SIPConfiguration()
  ) {
    self.transport = transport
    random = SplitMix(seed: seed)
    for number in 0..<count {
      let dice = Dice.seeded(SplitMix(seed: seed &* 31 &+ UInt64(number)))
      let endpoint = Endpoint(IPAddress(v4: 0xC000_0201 + UInt32(number)), 5060)
      nodes.append(
        Node(core: SIPCore(configuration: configuration, dice: dice), endpoint: endpoint))
    }
  }

  /// The way from one node to another.
  func hop(_ from: Int, _ to: Int) -> NextHop {
    NextHop(
      transport: transport, remote: nodes[to].endpoint, local: nodes[from].endpoint)
  }

  func draft(
    _ method: Method, _ from: Int, _ to: Int, headers: [HeaderDraft] = [], body: BodyDraft? = nil
  ) -> RequestDraft {
    let (here, there) = (nodes[from].endpoint, nodes[to].endpoint)
    let target = URI(user: "bob", host: .address(there.address))
    return RequestDraft(
      method, target: target,
      from: NameAddress(uri: URI(user: "alice", host: .address(here.address))),
      to: NameAddress(uri: target), headers: headers, body: body)
  }

  mutating func send(_ draft: RequestDraft, _ from: Int, _ to: Int) -> ClientTransactionID {
    var effects: [Transmission] = []
    let id = nodes[from].core.send(draft, to: .open(hop(from, to)), at: now, effects: &effects)
    carry(effects, from: from)
    return id
  }

  mutating func send(
    _ draft: RequestDraft, in dialog: DialogID, _ node: Int
  ) throws
    -> ClientTransactionID
  {
    var effects: [Transmission] = []
    let id = try nodes[node].core.send(draft, in: dialog, at: now, effects: &effects)
    carry(effects, from: node)
    return id
  }

  mutating func respond(_ id: ServerTransactionID, _ draft: ResponseDraft, _ node: Int) {
    act(node) { core, now, effects in core.respond(to: id, draft, at: now, effects: &effects) }
  }

  mutating func acknowledge(_ dialog: DialogID, _ node: Int) {
    act(node) { core, now, effects in
      try? core.acknowledge(dialog, at: now, effects: &effects)
    }
  }

  /// Lets a core do something and sends what it says.
  mutating func act(_ node: Int, _ body: (inout SIPCore, Now, inout [Transmission]) -> Void) {
    var effects: [Transmission] = []
    body(&nodes[node].core, now, &effects)
    carry(effects, from: node)
  }

  /// Runs until nothing is left to do, or the moment is reached.
  mutating func run(until milliseconds: Int64 = 1_000_000, _ react: Reaction) {
    let end = ms(milliseconds)
    for _ in 0..<100_000 {
      let deadlines = nodes.compactMap(\.core.deadline)
      guard let next = (deadlines + agenda.map(\.at)).min(), next <= end else { break }
      now = SIPTests.now(max(next, now.instant).nanosecondsRoundedUp)
      step(react)
    }
    if now.instant < end, end < .start + .milliseconds(1_000_000) {
      now = SIPTests.now(milliseconds)
    }
  }

  private mutating func step(_ react: Reaction) {
    if let index = agenda.indices.filter({ agenda[$0].at <= now.instant })
      .min(by: { (agenda[$0].at, agenda[$0].order) < (agenda[$1].at, agenda[$1].order) })
    {
      let delivery = agenda.remove(at: index)
      handle(delivery.node, react) { core, now, events, effects in
        core.receive(
          delivery.bytes, on: delivery.flow, at: now, events: &events, effects: &effects)
      }
      return
    }
    for node in nodes.indices where nodes[node].core.deadline.map({ $0 <= now.instant }) ?? false {
      handle(node, react) { core, now, events, effects in
        core.handleDeadline(at: now, events: &events, effects: &effects)
      }
    }
  }

  /// Lets a core take something, sends what it says, then shows its events.
  mutating func handle(
    _ node: Int, _ react: Reaction,
    _ body: (inout SIPCore, Now, inout [SIPEvent], inout [Transmission]) -> Void
  ) {
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    body(&nodes[node].core, now, &events, &effects)
    carry(effects, from: node)
    nodes[node].events += events
    for event in events { react(&self, node, event) }
  }

  mutating func carry(_ effects: [Transmission], from sender: Int) {
    for effect in effects {
      let line = "\(sender)>\(index(of: effect.destination.remote)) \(Self.summary(effect.bytes))"
      trace.append(line)
      guard !isLost(line),
        let receiver = nodes.indices.first(where: {
          nodes[$0].endpoint == effect.destination.remote
        })
      else { continue }
      guard transport == .udp else {
        deliver(effect.bytes, sender, receiver, after: 10)
        continue
      }
      guard Int.random(in: 0..<100, using: &random) >= link.loss else { continue }
      deliver(effect.bytes, sender, receiver, after: .random(in: link.delay, using: &random))
      if Int.random(in: 0..<100, using: &random) < link.duplication {
        deliver(effect.bytes, sender, receiver, after: .random(in: link.delay, using: &random))
      }
    }
  }

  private func index(of endpoint: Endpoint) -> String {
    nodes.indices.first { nodes[$0].endpoint == endpoint }.map { "\($0)" } ?? "?"
  }

  private mutating func deliver(
    _ bytes: [UInt8], _ sender: Int, _ receiver: Int, after milliseconds: Int64
  ) {
    order += 1
    let connection = transport == .udp ? nil : FlowID(UInt64(1 + min(sender, receiver)))
    let flow = Flow(
      transport: transport, local: nodes[receiver].endpoint, remote: nodes[sender].endpoint,
      connection: connection)
    agenda.append(
      Delivery(
        at: now.instant + .milliseconds(milliseconds), order: order, node: receiver, flow: flow,
        bytes: bytes))
  }

  /// "INVITE", or "180 INVITE".
  static func summary(_ bytes: [UInt8]) -> String {
    guard let message = try? MessageParser.parse(bytes, framing: .datagram) else { return "?" }
    let method = message.cseq.method.name
    return message.status.map { "\($0.number) \(method)" } ?? method
  }

  /// All cores without a transaction, dialog or name.
  var isAtRest: Bool { nodes.allSatisfy(\.core.isAtRest) }
}

extension Instant {
  /// Whole milliseconds since the start, so that both clocks agree.
  fileprivate var nanosecondsRoundedUp: Int64 { (nanoseconds + 999_999) / 1_000_000 }
}

extension SIPEvent {
  /// "request INVITE", "response 200", "cancelled" and so on, for comparing.
  var summary: String {
    switch self {
    case .request(_, let message, _, _): "request \(message.method)"
    case .stranger(_, let message, _, _): "stranger \(message.method)"
    case .stateless(let request): "stateless \(request.message.method)"
    case .cancelled: "cancelled"
    case .acknowledged: "acknowledged"
    case .response(_, let message, _, _): "response \(message.statusNumber)"
    case .strayAnswer(let message, _): "stray \(message.statusNumber)"
    case .clientFailed(_, let failure): "failed: \(failure)"
    case .unacknowledged: "unacknowledged"
    case .provisionalUnacknowledged: "provisional unacknowledged"
    case .keepAlive: "keep-alive"
    case .malformed(_, let status): "malformed \(status.map { "\($0.number)" } ?? "-")"
    }
  }
}
