import Elements
import Guard
import Limits
import Relay
import SIP
import SIPSyntax

@testable import Switch

/// The switch between scripted phones and carriers, in virtual time: datagrams take 10 ms, the disk
/// 2 ms, ports are there at once.
final class Bench {
  static let switchEndpoint = Endpoint(IPAddress("192.0.2.1") ?? .v4Any, 5060)
  static let sdp = """
    v=0\r
    o=phone 1 1 IN IP4 198.51.100.7\r
    s=call\r
    c=IN IP4 198.51.100.7\r
    t=0 0\r
    m=audio 40000 RTP/AVP 8 0 101\r
    a=rtpmap:101 telephone-event/8000\r
    a=sendrecv\r

    """

  enum Event {
    case toSwitch([UInt8], Flow)
    case toAgent(Endpoint, [UInt8])
    case happens(SwitchEvent)
  }

  var core: SwitchCore
  var now = Now(instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_790_000_000_000))
  var agents: [Endpoint: UserAgent] = [:]
  var town: Town
  private var agenda: [(at: Instant, order: Int, event: Event)] = []
  private var order = 0

  /// Written batches, in order, and everything in them.
  var journal: [JournalBatch] = []
  var commands: [RelayCommand] = []
  var publications: [Publication] = []
  /// Connections on which somebody has proven himself.
  var trusted: [FlowID] = []
  /// What the kernel would sift strangers with.
  var sieve: Sieve?
  var acquainted: [IPNetwork] = []
  /// Whose connections are asked for a certificate.
  var asked: [IPNetwork] = []
  /// Next hops to which something was sent.
  var opened: [NextHop] = []
  /// Every datagram that left the switch, with its destination.
  var sent: [(to: Endpoint, text: String)] = []
  /// False: batches wait for ``confirmJournal()``.
  var diskWorks = true
  /// Datagrams to these addresses are lost.
  var deaf: Set<Endpoint> = []
  /// Whom no connection can be made to, and why.
  var closed: [Endpoint: String] = [:]
  /// After how long it is known that no TCP connection can be made to somebody.
  var streamless: [Endpoint: Duration] = [:]
  /// False: a stream that is added gets no ports.
  var hasPortsToSpare = true
  /// How long a stream that is added waits for its ports.
  var portsTake = Duration.zero
  /// What names of hosts lead to.
  var names: [String: IPAddress] = [:]
  /// What else they lead to, behind that.
  var furtherAddresses: [String: [IPAddress]] = [:]
  /// How often each datagram arrives.
  var copies = 1
  private var nextPort: UInt16 = 10_000

  init(_ town: Town = Town(), configure: (inout SwitchConfiguration) -> Void = { _ in }) throws {
    var configuration = SwitchConfiguration(nonceSecret: Secret("sixteen bytes or more"))
    configure(&configuration)
    core = SwitchCore(configuration: configuration, dice: .seeded(SplitMix(seed: 7)))
    self.town = town
    try adopt()
    run(for: .milliseconds(100))
  }

  func adopt(revision: UInt64 = 1) throws {
    command(.adopt(try town.rulebook(revision: revision)))
  }

  func command(_ command: SwitchCommand) { happen(.command(CommandToken(1), command)) }

  /// The answer to a question, or to an order when it is on disk.
  func ask(_ question: SwitchCommand) -> CommandReply? {
    publications.removeAll()
    command(question)
    if diskWorks { run(for: .milliseconds(3)) }
    for case .reply(_, let reply) in publications { return reply }
    return nil
  }

  // MARK: - Time

  func happen(_ event: SwitchEvent) {
    var effects: [SwitchEffect] = []
    core.handle(event, at: now, into: &effects)
    for effect in effects { perform(effect) }
  }

  func later(_ delay: Duration, _ event: Event) {
    order += 1
    agenda.append((now.instant + delay, order, event))
  }

  /// Runs the world for some time; every deadline of every core is kept.
  func run(for duration: Duration) {
    let end = now.instant + duration
    for _ in 0..<1_000_000 {
      let dates = [
        agenda.map(\.at).min(), core.deadline, agents.values.compactMap(\.deadline).min(),
      ].compactMap { $0 }
      guard let next = dates.min(), next <= end else { break }
      advance(to: max(next, now.instant))
      step()
    }
    advance(to: end)
  }

  private func advance(to moment: Instant) {
    let passed = moment - now.instant
    now = Now(instant: moment, wall: now.wall + passed)
    wallRest += passed - .milliseconds(passed.wholeMilliseconds)
    if wallRest >= .milliseconds(1) {
      now.wall = now.wall + .milliseconds(wallRest.wholeMilliseconds)
      wallRest -= .milliseconds(wallRest.wholeMilliseconds)
    }
  }
  private var wallRest = Duration.zero

  private func step() {
    if let index = agenda.indices.filter({ agenda[$0].at <= now.instant })
      .min(by: { (agenda[$0].at, agenda[$0].order) < (agenda[$1].at, agenda[$1].order) })
    {
      let event = agenda.remove(at: index).event
      switch event {
      case .toSwitch(let bytes, let flow): happen(.received(bytes, flow))
      case .toAgent(let endpoint, let bytes): agents[endpoint]?.receive(bytes)
      case .happens(let event): happen(event)
      }
      return
    }
    if let deadline = core.deadline, deadline <= now.instant { return happen(.deadline) }
    for endpoint in agents.keys.sorted() {
      if let deadline = agents[endpoint]?.deadline, deadline <= now.instant {
        agents[endpoint]?.handleDeadline()
        return
      }
    }
  }

  // MARK: - The world

  private func perform(_ effect: SwitchEffect) {
    switch effect {
    case .transmit(let transmission):
      let to = transmission.destination.remote
      if case .open(let hop) = transmission.destination { opened.append(hop) }
      sent.append((to, String(decoding: transmission.bytes, as: UTF8.self)))
      guard !deaf.contains(to) else { return }
      if let reason = closed[to], let attempt = transmission.attempt {
        return later(.milliseconds(1), .happens(.transmitFailed(attempt, reason)))
      }
      if let patience = streamless[to], let attempt = transmission.attempt,
        attempt.transport == .tcp
      {
        return later(patience, .happens(.transmitFailed(attempt, "timed out")))
      }
      for copy in 0..<copies {
        later(.milliseconds(10 + 3 * Int64(copy)), .toAgent(to, transmission.bytes))
      }
    case .relay(let command): perform(command)
    case .journal(let batch):
      journal.append(batch)
      if diskWorks { later(.milliseconds(2), .happens(.journaled(through: batch.sequence))) }
    case .resolve(let question, let query):
      let address = IPAddress(query.host) ?? names[query.host]
      let addresses = (address.map { [$0] } ?? []) + (furtherAddresses[query.host] ?? [])
      let hops = addresses.map {
        NextHop(
          transport: query.transport ?? .udp, remote: Endpoint($0, query.port ?? 5060),
          local: Self.switchEndpoint, takesStream: query.transport == nil)
      }
      later(.milliseconds(1), .happens(.resolved(question, hops)))
    case .publish(let publication): publications.append(publication)
    case .trust(let connection): trusted.append(connection)
    case .acquaint(let networks): acquainted += networks
    case .sift(let sieve): self.sieve = sieve
    case .askForCertificates(let networks): asked = networks
    }
  }

  private func perform(_ command: RelayCommand) {
    commands.append(command)
    switch command {
    case .open(let session, let plan):
      let opened = plan.legs.indices.map { ports($0, plan.legs[$0]) }
      later(.zero, .happens(.relay(.opened(session, opened))))
    case .attach(let session, let leg, let plan):
      later(.zero, .happens(.relay(.opened(session, [ports(leg, plan)]))))
    case .update(let session, let leg, let plan):
      let wanted = plan.streams.map { $0.kind != .rejected }
      let known = grown["\(session)-\(leg)"] ?? []
      if zip(wanted, known + Array(repeating: false, count: wanted.count)).contains(where: {
        $0 && !$1
      }) {
        let event: RelayEvent =
          hasPortsToSpare
          ? .opened(session, [ports(leg, plan, session)])
          : .legFailed(session, leg: leg, .portsExhausted(plan.local))
        later(portsTake, .happens(.relay(event)))
      }
    case .close(let session): later(.zero, .happens(.relay(.closed(session, []))))
    case .detach, .bridge, .unbridge, .renew, .play, .stopPlaying, .inspect, .spare: break
    }
    if case .open(let session, let plan) = command {
      for (leg, plan) in plan.legs.enumerated() {
        grown["\(session)-\(leg)"] = plan.streams.map { $0.kind != .rejected }
      }
    }
    if case .attach(let session, let leg, let plan) = command {
      grown["\(session)-\(leg)"] = plan.streams.map { $0.kind != .rejected }
    }
  }
  private var grown: [String: [Bool]] = [:]

  private func ports(_ leg: Int, _ plan: LegPlan, _ session: MediaSessionID? = nil) -> LegPorts {
    if let session { grown["\(session)-\(leg)"] = plan.streams.map { $0.kind != .rejected } }
    return LegPorts(
      leg: leg, local: plan.local,
      streams: plan.streams.map { stream in
        guard stream.kind != .rejected else { return nil }
        nextPort += 2
        return LegPorts.Pair(rtp: nextPort, rtcp: nextPort + 1)
      })
  }

  /// Ends the replay of a new switch.
  func recover() {
    var effects: [SwitchEffect] = []
    core.recover(at: now, into: &effects)
    for effect in effects { perform(effect) }
    run(for: .milliseconds(50))
  }

  /// The disk has caught up with everything.
  func confirmJournal() {
    if let last = journal.last { happen(.journaled(through: last.sequence)) }
  }

  /// What is held when every call has been hung up and every timer has run out: nothing (invariant 16).
  func loadAtRest() -> SwitchLoad {
    command(.hangUpAll)
    run(for: .seconds(120))
    return core.load
  }

  // MARK: - What was written

  var entries: [JournalEntry] { journal.flatMap(\.entries) }

  var records: [CallDetailRecord] {
    entries.compactMap { if case .record(let record) = $0 { record } else { nil } }
  }

  var alerts: [Alert] {
    entries.compactMap { if case .alert(let alert) = $0 { alert } else { nil } }
  }

  /// Requests of a method that went to an endpoint.
  func requests(_ method: String, to endpoint: Endpoint) -> [String] {
    sent.filter { $0.to == endpoint && $0.text.hasPrefix("\(method) ") }.map(\.text)
  }
}
