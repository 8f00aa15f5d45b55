import Elements
import Foundation
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
    _ configuration: RelayConfiguration, loop: LaneLoop, commands: Mailbox<RelayCommand>,
    events: Recorder<RelayEvent>, meter: PacketMeter
  ) throws(NetError) {
    lane = try MediaLane(configuration, loop: loop, meter: meter)
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
    _ configuration: RelayConfiguration = RelayConfiguration(),
    meter: PacketMeter = PacketMeter(),
    _ body: (Mailbox<RelayCommand>, Recorder<RelayEvent>) throws -> Void
  ) throws {
    let waker = try LaneWaker()
    let commands = Mailbox<RelayCommand>(capacity: 4_096, waker: waker)
    let events = Recorder<RelayEvent>()
    let lane = try LaneThread(name: "media", waker: waker, failed: { _ in }) {
      loop throws(NetError) in
      _ = try MediaOwner(
        configuration, loop: loop, commands: commands, events: events, meter: meter)
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
    }
  }

  @Test("a closed session's sockets serve the next, and are closed where none may rest")
  func handedOn() throws {
    let old = (try TestSocket(.v4Loopback), try TestSocket(.v4Loopback))
    let next = (try TestSocket(.v4Loopback), try TestSocket(.v4Loopback))
    var configuration = RelayConfiguration()
    (configuration.rest, configuration.variety) = (.zero, 0)
    for mayRest in [false, true] {
      configuration.openPairs = mayRest ? 2 : 0
      try withLane(configuration) { commands, events in
        commands.send(.open(MediaSessionID(1), plan([old.0.local, old.1.local])))
        let before = try #require(ports(events.wait(for: 1)))
        old.0.send(packet(1), to: Endpoint(.v4Loopback, before[0]))
        #expect(old.1.receive()?.bytes == packet(1))
        old.1.send(packet(1), to: Endpoint(.v4Loopback, before[1]))
        #expect(old.0.receive()?.bytes == packet(1))
        commands.send(.close(MediaSessionID(1)))
        _ = events.wait(for: 2)
        guard mayRest else {
          let again = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, before[0]), .media)
          #expect(again.local.port == before[0])
          return
        }
        // The old phone goes on: before, while and after the next session gets its socket.
        old.0.send(packet(2), to: Endpoint(.v4Loopback, before[0]))
        commands.send(.open(MediaSessionID(2), plan([next.0.local, next.1.local])))
        let after = try #require(ports(events.wait(for: 3)))
        #expect(after == before)
        for sequence in UInt8(3)...9 {
          old.0.send(packet(sequence), to: Endpoint(.v4Loopback, after[0]))
          next.0.send(packet(100 + sequence), to: Endpoint(.v4Loopback, after[0]))
          #expect(next.1.receive()?.bytes == packet(100 + sequence))
        }
      }
    }
  }

  /// The RTP ports of the legs of the session that was opened last.
  private func ports(_ told: [RelayEvent]) -> [UInt16]? {
    for case .opened(_, let legs) in told.reversed() {
      return legs.compactMap { $0.streams.first??.rtp }
    }
    return nil
  }

  @Test("a burst of one leg leaves in order, and is counted")
  func burst() throws {
    let (left, right) = (try TestSocket(.v4Loopback), try TestSocket(.v4Loopback))
    let meter = PacketMeter()
    try withLane(meter: meter) { commands, events in
      commands.send(.open(MediaSessionID(1), plan([left.local, right.local])))
      guard case .opened(_, let legs) = events.wait(for: 1).first,
        let port = legs.first?.streams.first??.rtp
      else {
        Issue.record("not opened: \(events.all)")
        return
      }
      for sequence in UInt8(1)...20 { left.send(packet(sequence), to: Endpoint(.v4Loopback, port)) }
      for sequence in UInt8(1)...20 { #expect(right.receive()?.bytes == packet(sequence)) }
      // Behind the turn that passed the last one on.
      commands.send(.inspect(MediaSessionID(1)))
      _ = events.wait(for: 2)
      #expect(meter.current == 20)
    }
  }

  @Test("more packets than leave together come to their own legs, unmixed")
  func crowd() throws {
    let pairs = try (0..<100).map { _ in
      (from: try TestSocket(.v4Loopback), to: try TestSocket(.v4Loopback))
    }
    try withLane { commands, events in
      for (number, pair) in pairs.enumerated() {
        commands.send(
          .open(MediaSessionID(UInt64(number)), plan([pair.from.local, pair.to.local])))
      }
      var ports = [UInt16](repeating: 0, count: pairs.count)
      for event in events.wait(for: pairs.count) {
        guard case .opened(let session, let legs) = event else {
          Issue.record("not opened: \(event)")
          return
        }
        ports[Int(session.number)] = legs.first?.streams.first??.rtp ?? 0
      }
      // Makes sockets while the packets come, so that they wait for one turn.
      for number in 100..<UInt64(400) {
        commands.send(.open(MediaSessionID(number), plan([pairs[0].from.local])))
      }
      for (number, pair) in pairs.enumerated() {
        pair.from.send(packet(UInt8(number)), to: Endpoint(.v4Loopback, ports[number]))
      }
      for (number, pair) in pairs.enumerated() {
        #expect(pair.to.receive()?.bytes == packet(UInt8(number)))
      }
    }
  }

  @Test("a media socket holds a key frame that comes at once, as far as the kernel allows")
  func receiveBuffer() throws {
    let socket = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .media)
    var (size, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
    let result = getsockopt(socket.descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length)
    let text = try String(contentsOfFile: "/proc/sys/net/core/rmem_max", encoding: .utf8)
    let allowed = try #require(Int32(text.filter(\.isNumber)))
    // The kernel doubles what is asked for, for its own book-keeping.
    #expect(result == 0 && size >= 2 * min(512 << 10, allowed))
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
