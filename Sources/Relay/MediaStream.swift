import Elements
import RTP
import SRTP

/// One stream of one leg: its sockets, whom it follows, how it is protected, what was counted.
///
/// Lives in a dense table of the core; the packet path touches two of them and nothing else.
struct MediaStream {
  /// What we count, by the names of ``StreamQuality``.
  struct Counters {
    var sent: UInt64 = 0
    var strangers: UInt64 = 0
    var malformed: UInt64 = 0
    var unauthentic: UInt64 = 0
    var replayed: UInt64 = 0
    var policed: UInt64 = 0
    var unheard: UInt64 = 0
  }

  /// Row of the session, number of the leg and of the stream in it.
  let session: Int
  let leg: Int
  let number: Int
  /// What it carries: a fax may take the place of the voice, and give it back (T.38 §D.2.2).
  private(set) var kind: StreamPlan.Kind
  /// What was counted: a fax over UDPTL tells nothing, so that the numbers stay those of the voice.
  private var countedKind: StreamPlan.Kind

  var rtp: SocketID
  var rtcp: SocketID
  /// Even port of the pair.
  var port: UInt16
  var boundSockets = 0
  var bindAttempts = 1

  /// Row of the stream that hears this one; nil: nobody.
  var peer: Int?
  /// From this moment on the stream is mute.
  var until = Instant.never
  /// The phones negotiate keys of their own through us (ZRTP): their reports cannot be read.
  var isEndToEnd = false
  /// A tone is played to the leg in place of its peer.
  var isPlaying = false

  /// Sources of earlier sessions on these ports, and how long they count after their last packet.
  var formers: [FormerSource] = []
  private(set) var formerMemory = Duration.zero
  var latch = SourceLatch(.media)
  var controlLatch = SourceLatch(.control)
  /// The only source that the kernel lets through to the RTP socket; nil: we judge every packet.
  private(set) var narrowedTo: Endpoint?
  private(set) var rtcpMux = false
  private(set) var legSends = true
  private(set) var legReceives = true
  private(set) var formats: [PayloadFormat] = []
  private var lastFormat: PayloadFormat?
  private var receiving = KeyRing(.inbound)
  private var sending = KeyRing(.outbound)
  /// Rewrites the source of packets to the leg, see ``MediaStream/protect(_:length:)``.
  var sourceMask: UInt32 = 0
  var stuckPackets = 0

  var policer: RatePolicer
  /// Bounds the work that packets nobody authenticated can make.
  var floodGuard: RatePolicer
  var controlPolicer = RatePolicer(packetsPerSecond: 50)

  var statistics = ReceptionStatistics()
  var meter = RoundTripMeter()
  var counters = Counters()
  /// RTP or RTCP of the leg was last accepted.
  var lastHeard: Instant?
  var reportedLoss: UInt8?
  var reportedJitter: Duration?

  init(session: Int, leg: Int, number: Int, kind: StreamPlan.Kind) {
    (self.session, self.leg, self.number) = (session, leg, number)
    (self.kind, countedKind) = (kind, kind)
    let nobody = SocketID(index: .max, generation: 0)
    (rtp, rtcp, port) = (nobody, nobody, 0)
    // Until ``adopt(_:of:)`` says what is agreed.
    (policer, floodGuard) = (RatePolicer(packetsPerSecond: 1), RatePolicer(packetsPerSecond: 1))
  }

  /// What a free row holds.
  static var free: MediaStream { MediaStream(session: -1, leg: -1, number: 0, kind: .rejected) }

  var inbound: SRTPContext? { receiving.current }
  var outbound: SRTPContext? { sending.current }

  /// Takes over what offer and answer say; keys that stay, or come back, keep their contexts, and with them
  /// their rollover counters and replay windows.
  mutating func adopt(_ plan: StreamPlan, of leg: LegPlan) throws(SRTPError) {
    _ = try receiving.turn(to: plan.receiveKey)
    // Some devices let the rollover counter of a source go on under a new key, as RFC 3711 §3.3.1 has it, for
    // others it begins at zero. A source that they have not heard begins at zero for all of them.
    if try sending.turn(to: plan.sendKey) { showNewSource() }
    kind = plan.kind
    if kind == .audio || kind == .video { countedKind = kind }
    (rtcpMux, legSends, legReceives) = (plan.rtcpMux, plan.legSends, plan.legReceives)
    (formats, lastFormat) = (plan.formats, nil)
    let rate = RatePolicer.packetsPerSecond(of: plan)
    policer.agree(on: rate)
    floodGuard.agree(on: 20 * rate)
    // A socket of one family cannot reach the other.
    let remote = plan.remote.flatMap { $0.address.isV4 == leg.local.isV4 ? $0 : nil }
    latch.reopen(
      named: remote, signalling: leg.signallingSource, trustsNamed: leg.trustsNamedAddress)
    let above = remote.flatMap { $0.port < .max ? Endpoint($0.address, $0.port + 1) : nil }
    let control = plan.remoteRTCP.flatMap { $0.address.isV4 == leg.local.isV4 ? $0 : nil } ?? above
    controlLatch.reopen(
      named: control, signalling: leg.signallingSource, trustsNamed: leg.trustsNamedAddress)
  }

  /// Moves into a pair of ports whose sockets are open.
  mutating func takeOver(_ pair: RestingPair, memory: Duration) {
    (rtp, rtcp, port, boundSockets) = (pair.rtp, pair.rtcp, pair.port, 2)
    (formers, formerMemory) = (pair.formers, memory)
  }

  /// Nobody but the followed source can be heard any more, so the kernel may drop the others.
  ///
  /// Not where a key could still prove a source that moved.
  var wantsNarrowing: Bool { latch.isSettled && narrowedTo == nil && inbound == nil }

  mutating func narrow() -> Endpoint? {
    narrowedTo = latch.current
    return narrowedTo
  }

  /// Returns whether the socket was narrowed.
  mutating func widen(at now: Instant) -> Bool {
    guard narrowedTo != nil else { return false }
    narrowedTo = nil
    // Meanwhile nobody else could be heard, so nobody is known to have stopped.
    for index in formers.indices { formers[index].heard(at: now) }
    return true
  }

  /// Carries datagrams that are no RTP (an m= line of another profile, like udptl): without keys and
  /// without payload types there is nothing to read.
  var isOpaque: Bool { kind == .other && formats.isEmpty && inbound == nil }

  /// The negotiated meaning of a payload type.
  mutating func format(_ payloadType: UInt8) -> PayloadFormat? {
    if lastFormat?.number != payloadType {
      lastFormat =
        formats.first { $0.number == payloadType } ?? PayloadFormat(staticNumber: payloadType)
    }
    return lastFormat
  }

  /// The numbers as the switch wants them.
  func quality() -> StreamQuality {
    var quality = StreamQuality(kind: countedKind)
    (quality.packetsReceived, quality.bytesReceived) = (statistics.packets, statistics.bytes)
    (quality.packetsLost, quality.jitter) = (statistics.lost, statistics.meanJitter)
    (quality.firstPacketAt, quality.lastPacketAt) = (statistics.firstAt, statistics.lastAt)
    quality.roundTrip = meter.roundTrip
    (quality.reportedLossOf256, quality.reportedJitter) = (reportedLoss, reportedJitter)
    quality.source = latch.current
    quality.packetsSent = counters.sent
    (quality.strangers, quality.malformed) = (counters.strangers, counters.malformed)
    (quality.unauthentic, quality.replayed) = (counters.unauthentic, counters.replayed)
    (quality.policed, quality.unheard) = (counters.policed, counters.unheard)
    guard statistics.packets > 0 else { return quality }
    quality.payloadType = statistics.payloadType
    guard countedKind == .audio else { return quality }
    let spoken = formats.first {
      $0.number == statistics.payloadType && $0.encoding != .telephoneEvent
    }
    let encoding =
      spoken?.encoding ?? PayloadFormat(staticNumber: statistics.payloadType)?.encoding
      ?? formats.first?.encoding ?? .other
    quality.meanOpinionScore = VoiceQuality.meanOpinionScore(
      encoding: encoding, lossShare: statistics.lossShare, jitter: statistics.meanJitter,
      roundTrip: meter.roundTrip)
    return quality
  }
}
