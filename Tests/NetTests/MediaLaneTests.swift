import Elements
import Glibc
import Net
import Relay
import Synchronization
import Testing

/// Opens sessions on a media lane and passes on what it tells.
private final class MediaOwner: LaneResident {
  private let lane: MediaLane
  private let commands: Mailbox<RelayCommand>
  private let events: Recorder<RelayEvent>
  private var taken: [RelayCommand] = []

  init(
    loop: LaneLoop, commands: Mailbox<RelayCommand>, events: Recorder<RelayEvent>
  ) throws(NetError) {
    lane = try MediaLane(RelayConfiguration(), loop: loop)
    (self.commands, self.events) = (commands, events)
    _ = loop.add(self)
  }

  var deadline: Instant? { nil }
  func takeMail(at now: Now) {
    commands.drain(into: &taken)
    for command in taken { lane.handle(command, at: now) }
  }

  func turn(at now: Now) {
    lane.takeEvents { events.append([$0]) }
  }
}

@Suite struct MediaLaneTests {
  private func plan(_ remotes: [Endpoint]) -> MediaPlan {
    let legs = remotes.map { remote in
      LegPlan(
        local: remote.address, signallingSource: remote.address, trustsNamedAddress: true,
        streams: [StreamPlan(.audio, remote: remote)])
    }
    return MediaPlan(legs: legs, bridge: LegPair(0, 1))
  }

  /// A G.711 packet of 20 ms.
  private func packet(_ sequence: UInt8) -> [UInt8] {
    [0x80, 8, 0, sequence, 0, 0, 0, sequence, 0, 0, 0, 1] + [UInt8](repeating: 0xD5, count: 160)
  }

  private func withLane(
    _ body: (Mailbox<RelayCommand>, Recorder<RelayEvent>) throws -> Void
  ) throws {
    let waker = try LaneWaker()
    let commands = Mailbox<RelayCommand>(capacity: 4_096, waker: waker)
    let events = Recorder<RelayEvent>()
    let lane = try LaneThread(name: "media", waker: waker, failed: { _ in }) {
      loop throws(NetError) in
      _ = try MediaOwner(loop: loop, commands: commands, events: events)
    }
    defer { lane.stop() }
    try body(commands, events)
  }

  @Test("packets pass between two real sockets, unchanged, and IPv4 talks to IPv6")
  func relays() throws {
    let (v4, v6) = (try TestSocket(.v4Loopback), try TestSocket(.v6Loopback))
    try withLane { commands, events in
      let session = MediaSessionID(1)
      commands.send(.open(session, plan([v4.local, v6.local])))
      guard case .opened(session, let legs) = events.wait(for: 1).first else {
        Issue.record("not opened: \(events.all)")
        return
      }
      let ports = legs.compactMap { $0.streams.first??.rtp }
      try #require(ports.count == 2)
      for sequence in UInt8(1)...5 {
        v4.send(packet(sequence), to: Endpoint(.v4Loopback, ports[0]))
        let there = try #require(v6.receive())
        #expect(there.bytes == packet(sequence))
        #expect(there.from == Endpoint(.v6Loopback, ports[1]))
        v6.send(packet(sequence), to: Endpoint(.v6Loopback, ports[1]))
        #expect(v4.receive()?.bytes == packet(sequence))
      }
      commands.send(.close(session))
      #expect(events.wait(for: 2).count == 2)
      // The ports are free again.
      let again = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, ports[0]), .media)
      #expect(again.local.port == ports[0])
    }
  }

  @Test("a burst of one leg leaves in order")
  func burst() throws {
    let (left, right) = (try TestSocket(.v4Loopback), try TestSocket(.v4Loopback))
    try withLane { commands, events in
      commands.send(.open(MediaSessionID(1), plan([left.local, right.local])))
      guard case .opened(_, let legs) = events.wait(for: 1).first,
        let port = legs.first?.streams.first??.rtp
      else {
        Issue.record("not opened: \(events.all)")
        return
      }
      for sequence in UInt8(1)...20 { left.send(packet(sequence), to: Endpoint(.v4Loopback, port)) }
      for sequence in UInt8(1)...20 { #expect(right.receive()?.bytes == packet(sequence)) }
    }
  }

  @Test("once a source is certain the kernel keeps others out, and new signalling lets them in")
  func narrowed() throws {
    let (left, right) = (try TestSocket(.v4Loopback), try TestSocket(.v4Loopback))
    let moved = try TestSocket(.v4Loopback)
    try withLane { commands, events in
      let session = MediaSessionID(1)
      commands.send(.open(session, plan([left.local, right.local])))
      guard case .opened(_, let legs) = events.wait(for: 1).first else {
        Issue.record("not opened: \(events.all)")
        return
      }
      let ports = legs.compactMap { $0.streams.first??.rtp }
      try #require(ports.count == 2)
      let (toLeft, toRight) = (
        Endpoint(.v4Loopback, ports[0]), Endpoint(.v4Loopback, ports[1])
      )
      for sequence in UInt8(0)..<140 {
        left.send(packet(sequence), to: toLeft)
        #expect(right.receive()?.bytes == packet(sequence))
      }
      moved.send(packet(200), to: toLeft)
      left.send(packet(140), to: toLeft)
      #expect(right.receive()?.bytes == packet(140))
      right.send(packet(1), to: toRight)
      #expect(left.receive()?.bytes == packet(1))
      // The stranger never reached us: the kernel, not the relay, turned it away.
      commands.send(.inspect(session))
      let told = events.wait(for: 2)
      guard case .report(_, let quality)? = told.last else {
        Issue.record("no report: \(told)")
        return
      }
      #expect(quality.first?.streams.first?.strangers == 0)
      var leg = plan([moved.local]).legs[0]
      leg.local = .v4Loopback
      commands.send(.update(session, leg: 0, leg))
      commands.send(.inspect(session))
      _ = events.wait(for: 3)
      moved.send(packet(141), to: toLeft)
      #expect(right.receive()?.bytes == packet(141))
      right.send(packet(2), to: toRight)
      #expect(moved.receive()?.bytes == packet(2))
    }
  }

  @Test("two thousand sockets are bound, and every session still carries media")
  func manySockets() throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 8_192)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let (left, right) = (try TestSocket(.v4Loopback), try TestSocket(.v4Loopback))
    try withLane { commands, events in
      for number in UInt64(0)..<500 {
        commands.send(.open(MediaSessionID(number), plan([left.local, right.local])))
      }
      let opened = events.wait(for: 500)
      var ports: [UInt16] = []
      for case .opened(_, let legs) in opened {
        if let port = legs.first?.streams.first??.rtp { ports.append(port) }
      }
      #expect(ports.count == 500)
      #expect(Set(ports).count == 500)
      for port in ports {
        left.send(packet(1), to: Endpoint(.v4Loopback, port))
        #expect(right.receive()?.bytes == packet(1))
      }
    }
  }
}
