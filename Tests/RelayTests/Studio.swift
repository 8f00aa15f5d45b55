import Elements
import RTP
import Relay
import SRTP

/// A relay core with a lane that does at once what it is asked, on virtual sockets.
final class Studio {
  var core: RelayCore
  var now = Instant.start + .seconds(1000)
  private(set) var events: [RelayEvent] = []
  /// What the relay sent by itself: tones.
  private(set) var transmitted: [(from: Endpoint, to: Endpoint, bytes: [UInt8])] = []
  private(set) var sockets: [Endpoint: SocketID] = [:]
  private(set) var addresses: [SocketID: Endpoint] = [:]
  /// Sockets that the kernel would pass packets of one source to; here all come through, since what
  /// keeps strangers out is the core.
  private(set) var narrowed: [SocketID: Endpoint] = [:]
  /// Sockets that were bound and closed since the start.
  private(set) var (bound, closed) = (0, 0)
  /// Ports that somebody else has.
  var occupied: Set<UInt16> = []
  private var words = [UInt64](repeating: 0, count: 256)

  init(seed: UInt64 = 1, configuration: RelayConfiguration = RelayConfiguration()) {
    core = RelayCore(configuration: configuration, dice: .seeded(SplitMix(seed: seed)))
  }

  func command(_ command: RelayCommand) {
    var effects: [RelayEffect] = []
    core.handle(command, at: now, into: &effects)
    run(effects)
  }

  /// Lets time pass, with every deadline at its moment.
  func advance(_ duration: Duration) {
    let end = now + duration
    var rounds = 0
    while let deadline = core.deadline, deadline <= end, rounds < 100_000 {
      now = max(now, deadline)
      var effects: [RelayEffect] = []
      core.handleDeadline(at: now, into: &effects)
      run(effects)
      rounds += 1
    }
    now = end
  }

  private func run(_ effects: [RelayEffect]) {
    for effect in effects {
      var answers: [RelayEffect] = []
      switch effect {
      case .bind(let socket, let endpoint):
        if occupied.contains(endpoint.port) || sockets[endpoint] != nil {
          core.bindFailed(socket, reason: "address in use", at: now, into: &answers)
        } else {
          (sockets[endpoint], addresses[socket]) = (socket, endpoint)
          bound += 1
          core.bound(socket, at: now, into: &answers)
        }
      case .close(let socket):
        narrowed[socket] = nil
        closed += 1
        if let endpoint = addresses.removeValue(forKey: socket) { sockets[endpoint] = nil }
      case .narrow(let socket, let source): narrowed[socket] = source
      case .transmit(let socket, let destination, let bytes):
        if let source = addresses[socket] { transmitted.append((source, destination, bytes)) }
      case .tell(let event): events.append(event)
      }
      run(answers)
    }
  }

  struct Sent: Equatable {
    let from: Endpoint
    let to: Endpoint
    let bytes: [UInt8]
  }

  /// A datagram from the world to one of our sockets; what leaves because of it.
  @discardableResult
  func deliver(_ bytes: [UInt8], to local: Endpoint, from source: Endpoint) -> Sent? {
    guard let socket = sockets[local] else { return nil }
    return deliver(bytes, on: socket, from: source)
  }

  func deliver(_ bytes: [UInt8], on socket: SocketID, from source: Endpoint) -> Sent? {
    words.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    var all = words.mutableSpan
    var span = all.mutableBytes
    guard
      let forward = core.receive(
        &span, length: bytes.count, on: socket, from: source, at: now),
      let local = addresses[forward.socket]
    else { return nil }
    let packet = words.withUnsafeBytes { Array($0[..<forward.length]) }
    return Sent(from: local, to: forward.destination, bytes: packet)
  }

  /// The ports of one stream of a leg, from the last `.opened` that named it.
  func ports(
    _ leg: Int, stream: Int = 0, of session: MediaSessionID? = nil
  ) -> (rtp: Endpoint, rtcp: Endpoint)? {
    for case .opened(let id, let legs) in events.reversed() {
      guard session == nil || session == id else { continue }
      guard let found = legs.first(where: { $0.leg == leg }), let pair = found.streams[stream]
      else { continue }
      return (Endpoint(found.local, pair.rtp), Endpoint(found.local, pair.rtcp))
    }
    return nil
  }

  func takeEvents() -> [RelayEvent] {
    defer { events = events.filter { if case .opened = $0 { true } else { false } } }
    return events.filter { if case .opened = $0 { false } else { true } }
  }

  func quality(_ id: MediaSessionID, _ leg: Int, stream: Int = 0) -> StreamQuality? {
    command(.inspect(id))
    for case .report(id, let legs) in takeEvents() {
      return legs.first { $0.leg == leg }?.streams[stream]
    }
    return nil
  }
}

/// One party of a call in the tests: where it is, and what it sends.
struct Phone {
  let at: Endpoint
  var source: UInt32
  var sequence: UInt16 = 100
  var timestamp: UInt32 = 0
  let outbound: SRTPContext?
  let inbound: SRTPContext?

  init(_ at: String, source: UInt32, sendKey: MasterKey? = nil, receiveKey: MasterKey? = nil) throws
  {
    self.at = try endpoint(at)
    self.source = source
    outbound = try sendKey.map { try SRTPContext($0, .outbound) }
    inbound = try receiveKey.map { try SRTPContext($0, .inbound) }
  }

  mutating func nextPacket(payloadType: UInt8 = 8, payload: [UInt8] = Phone.speech) -> [UInt8] {
    defer { (sequence, timestamp) = (sequence &+ 1, timestamp &+ 160) }
    return RTPHeader.packet(
      payloadType: payloadType, sequence: sequence, timestamp: timestamp, source: source,
      payload: payload)
  }

  static let speech = [UInt8](repeating: 0xD5, count: 160)
}

struct NoEndpoint: Error {}

/// An endpoint of a test, written as text.
func endpoint(_ text: String) throws -> Endpoint {
  guard let endpoint = Endpoint(text) else { throw NoEndpoint() }
  return endpoint
}

/// Protects or unprotects a packet as a phone does.
func transform(
  _ bytes: [UInt8], _ operation: (inout MutableRawSpan, Int) throws(SRTPError) -> Int
) throws -> [UInt8] {
  var words = [UInt64](repeating: 0, count: 256)
  words.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
  var all = words.mutableSpan
  var span = all.mutableBytes
  let length = try operation(&span, bytes.count)
  return words.withUnsafeBytes { Array($0[..<length]) }
}

/// A session with two legs, as most tests need it.
struct Call {
  let studio: Studio
  let id: MediaSessionID
  var alice: Phone
  var bob: Phone
  let toAlice: (rtp: Endpoint, rtcp: Endpoint)
  let toBob: (rtp: Endpoint, rtcp: Endpoint)

  static let formats = [
    PayloadFormat(number: 8, encoding: .pcma), PayloadFormat(number: 0, encoding: .pcmu),
    PayloadFormat(number: 101, encoding: .telephoneEvent),
  ]
  static let aliceAt = "198.51.100.10:40000"
  static let bobAt = "203.0.113.20:50000"

  /// Both phones without NAT: named in the SDP, which came from the same address.
  init(
    studio: Studio = Studio(), number: UInt64 = 1, aliceAt: String = Call.aliceAt,
    bobAt: String = Call.bobAt, localA: String = "192.0.2.1", localB: String = "192.0.2.1",
    until: Instant? = nil, silenceAfter: Duration? = nil,
    _ change: (inout LegPlan, inout LegPlan) -> Void = { _, _ in }
  ) throws {
    (self.studio, id) = (studio, MediaSessionID(number))
    guard let a = IPAddress(localA), let b = IPAddress(localB) else { throw NoEndpoint() }
    var first = try Call.leg(at: aliceAt, local: a)
    var second = try Call.leg(at: bobAt, local: b)
    change(&first, &second)
    studio.command(
      .open(
        id,
        MediaPlan(
          legs: [first, second], bridge: LegPair(0, 1), until: until, silenceAfter: silenceAfter)))
    guard let toAlice = studio.ports(0, of: id), let toBob = studio.ports(1, of: id) else {
      throw NoEndpoint()
    }
    (self.toAlice, self.toBob) = (toAlice, toBob)
    alice = try Phone(
      aliceAt, source: 0xA, sendKey: first.streams[0].receiveKey,
      receiveKey: first.streams[0].sendKey)
    bob = try Phone(
      bobAt, source: 0xB, sendKey: second.streams[0].receiveKey,
      receiveKey: second.streams[0].sendKey)
  }

  static func leg(at: String, local: IPAddress) throws -> LegPlan {
    let remote = try endpoint(at)
    return LegPlan(
      local: local, signallingSource: remote.address,
      streams: [StreamPlan(.audio, remote: remote, formats: formats)])
  }

  /// One packet of each, 20 ms apart; what came out at the other side.
  @discardableResult
  mutating func talk() throws -> (fromAlice: Studio.Sent?, fromBob: Studio.Sent?) {
    studio.now = studio.now + .milliseconds(20)
    return (try say(&alice, to: toAlice.rtp), try say(&bob, to: toBob.rtp))
  }

  func say(_ phone: inout Phone, to local: Endpoint) throws -> Studio.Sent? {
    var packet = phone.nextPacket()
    if let outbound = phone.outbound { packet = try transform(packet, outbound.protectRTP) }
    return studio.deliver(packet, to: local, from: phone.at)
  }
}
