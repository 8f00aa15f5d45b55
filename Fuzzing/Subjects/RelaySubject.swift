import Elements
import RTP
import Relay
import SRTP

/// The media relay under any packets of anybody: a call in the clear, and one with SRTP on one side.
///
/// Each packet begins with a byte that says who sends it where, and one for its length; `0xFF` lets time pass.
struct RelaySubject: Subject {
  static let name = "relay"
  static let mostBytes = 4096
  /// Times that time may pass in one input: what is timed is packets.
  private static let mostWaits = 32

  /// Who may send: the parties of both calls, their addresses behind another port, and somebody else.
  private let senders: [Endpoint]
  private let stranger: IPAddress
  private let plans: [MediaPlan]

  init() throws {
    let addresses = ["198.51.100.10", "203.0.113.20", "198.51.100.30", "203.0.113.40"]
      .compactMap { IPAddress($0) }
    let local = IPAddress("192.0.2.1") ?? .v4Any
    stranger = IPAddress("192.0.2.66") ?? .v4Any
    senders =
      addresses.map { Endpoint($0, 40_000) } + addresses.prefix(2).map { Endpoint($0, 41_234) }
      + [Endpoint(stranger, 40_000), Endpoint(stranger, 40_001)]
    var dice = Dice.seeded(SplitMix(seed: 9))
    let key = MasterKey(random: .aes128CMSHA1Tag80, using: &dice)
    let formats = [
      PayloadFormat(number: 8, encoding: .pcma), PayloadFormat(number: 0, encoding: .pcmu),
      PayloadFormat(number: 101, encoding: .telephoneEvent),
    ]
    let legs = addresses.enumerated().map { index, address in
      var stream = StreamPlan(
        .audio, remote: Endpoint(address, 40_000), rtcpMux: index == 1, formats: formats)
      if index == 2 { (stream.receiveKey, stream.sendKey) = (key, key) }
      return LegPlan(local: local, signallingSource: address, streams: [stream])
    }
    plans = [0, 2].map {
      MediaPlan(
        legs: [legs[$0], legs[$0 + 1]], bridge: LegPair(0, 1), silenceAfter: .seconds(10))
    }
  }

  func work(_ input: [UInt8]) -> [Forward] {
    var studio = Studio(plans)
    var forwards: [Forward] = []
    var (offset, waits) = (0, 0)
    while offset + 2 <= input.count {
      let (control, size) = (input[offset], Int(input[offset + 1]))
      offset += 2
      if control == 0xFF {
        waits += 1
        if waits <= Self.mostWaits { studio.pass(.milliseconds(Int64(size) * 100)) }
        continue
      }
      let end = min(offset + size, input.count)
      if let forward = studio.deliver(
        input[offset..<end], to: Int(control >> 3 & 7), from: senders[Int(control & 7)])
      {
        forwards.append(forward)
      }
      offset = end
    }
    studio.end()
    return forwards
  }

  func check(_ outcome: [Forward], of input: [UInt8]) {
    for forward in outcome {
      require(forward.length <= Studio.room, "what leaves is in the buffer")
      require(forward.destination.address != stranger, "a stranger hears nothing")
    }
  }
}

/// A relay core with a lane that does at once what it is asked.
private struct Studio: ~Copyable {
  static let room = 256 + SRTPContext.maximumTrailer

  private var core = RelayCore(
    configuration: RelayConfiguration(), dice: .seeded(SplitMix(seed: 1)))
  private var now = Instant.start + .seconds(1000)
  private var sockets: [SocketID] = []
  private var open: Set<SocketID> = []
  private var sessions: [MediaSessionID] = []

  init(_ plans: [MediaPlan]) {
    for (number, plan) in plans.enumerated() {
      let id = MediaSessionID(UInt64(number + 1))
      sessions.append(id)
      command(.open(id, plan))
    }
  }

  private mutating func command(_ command: RelayCommand) {
    var effects: [RelayEffect] = []
    core.handle(command, at: now, into: &effects)
    follow(effects)
  }

  private mutating func follow(_ first: [RelayEffect]) {
    var effects = first
    var next = 0
    while next < effects.count {
      switch effects[next] {
      case .bind(let socket, _):
        sockets.append(socket)
        open.insert(socket)
        core.bound(socket, at: now, into: &effects)
      case .close(let socket): open.remove(socket)
      case .narrow, .transmit, .tell: break
      }
      next += 1
    }
  }

  mutating func deliver(
    _ bytes: ArraySlice<UInt8>, to number: Int, from source: Endpoint
  ) -> Forward? {
    guard number < sockets.count else { return nil }
    var buffer = [UInt8](repeating: 0, count: Self.room)
    buffer.replaceSubrange(0..<bytes.count, with: bytes)
    var span = buffer.mutableSpan
    var all = span.mutableBytes
    return core.receive(
      &all, length: bytes.count, on: sockets[number], from: source, at: now)
  }

  mutating func pass(_ duration: Duration) {
    let end = now + duration
    var rounds = 0
    while let deadline = core.deadline, deadline <= end {
      now = max(now, deadline)
      var effects: [RelayEffect] = []
      core.handleDeadline(at: now, into: &effects)
      follow(effects)
      rounds += 1
      require(rounds < 10_000, "deadlines come to an end")
    }
    now = end
  }

  /// Closes all sessions and lets their ports rest.
  mutating func end() {
    for session in sessions {
      command(.inspect(session))
      command(.close(session))
    }
    require(core.sessionCount == 0, "no session is left")
    pass(.seconds(600))
    require(core.restingPairs * 2 == open.count, "the sockets that are open are known")
  }
}
