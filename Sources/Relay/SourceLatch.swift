import Elements

/// Learns once where a leg's packets come from, and sends nowhere else (RTP bleed, A37, A38).
///
///     closed ──signalling names an address──▶ learning ──128 packets of one source──▶ locked
///     locked ──new signalling──▶ learning
///
/// While learning, the first packet from an allowed address is followed at once. Another source takes
/// over only if it fits the signalling better, or if the one before has fallen silent: a phone that
/// changes its port in a re-INVITE. Locked means this address and port and nothing else.
struct SourceLatch: Hashable, Sendable {
  enum Judgement: Hashable, Sendable {
    /// The source we follow.
    case known
    /// May become the source we follow, once its packet has proved good.
    case candidate
    case stranger
  }

  /// How many packets of one source end the learning: about 2.5 s of audio.
  static let packetsToLock: UInt16 = 128
  /// How long the followed source must be quiet for another one to take over while learning.
  static let quiet = Duration.milliseconds(150)
  private static let quietNanoseconds = quiet.wholeNanoseconds

  /// What the SDP names.
  private(set) var named: Endpoint?
  /// Where the signalling comes from.
  private var signalling: IPAddress?
  /// Whether packets may go to `named` before anything came.
  private var sendsToNamed = false
  /// The source we follow.
  private(set) var current: Endpoint?
  /// Packets of `current` until it is locked; 0: locked.
  private var remaining: UInt16 = 0
  /// Whether `current` was heard since learning began.
  private var heard = false
  private var lastHeard = Instant.start
  /// Where packets for this leg go; nil: nowhere yet.
  private(set) var destination: Endpoint?

  var isLocked: Bool { current != nil && remaining == 0 }

  /// New signalling: learning begins (again).
  ///
  /// What was learned stays in use until something better comes, unless the signalling no longer
  /// allows it or has moved a port that was used as named. A description without an address (hold in
  /// the old form) leaves the one before in force.
  mutating func reopen(named: Endpoint?, signalling: IPAddress?, trustsNamed: Bool) {
    let named = named ?? self.named
    let movedAway = current != nil && current == self.named && named != self.named
    (self.named, self.signalling) = (named, signalling)
    sendsToNamed = trustsNamed || (named != nil && named?.address == signalling)
    if let followed = current, movedAway || rank(of: followed) == 0 { current = nil }
    (remaining, heard) = (Self.packetsToLock, false)
    destination = current ?? namedDestination
  }

  @inline(__always)
  func judge(_ source: Endpoint, at now: Instant) -> Judgement {
    if source == current { return .known }
    guard remaining > 0 else { return .stranger }
    let rank = rank(of: source)
    guard rank > 0 else { return .stranger }
    guard let current, heard else { return .candidate }
    if rank > self.rank(of: current) { return .candidate }
    let quiet = now.nanoseconds &- lastHeard.nanoseconds
    return quiet >= Self.quietNanoseconds ? .candidate : .stranger
  }

  /// A good packet came from `source`, which was judged known or a candidate.
  @inline(__always)
  mutating func follow(_ source: Endpoint, at now: Instant) {
    lastHeard = now
    if source == current {
      heard = true
      if remaining > 0 { remaining &-= 1 }
      return
    }
    take(source)
  }

  /// A source proved itself with the key of the stream: its port may move while its address stays.
  func mayMove(_ source: Endpoint) -> Bool { source.address == current?.address }

  private mutating func take(_ source: Endpoint) {
    (current, destination, heard) = (source, source, true)
    remaining = Self.packetsToLock &- 1
  }

  /// How well an address fits the signalling; 0: not at all.
  private func rank(of source: Endpoint) -> Int {
    if source == named { return 3 }
    if source.address == named?.address { return 2 }
    return source.address == signalling ? 1 : 0
  }

  /// Whether the signalling says itself who `source` is: it names it and may, or it names from the same
  /// address what an earlier session on these ports named for it.
  func claims(_ source: Endpoint, formerly: Endpoint?) -> Bool {
    guard let named else { return false }
    return source == named ? sendsToNamed : source.address == signalling && named == formerly
  }

  private var namedDestination: Endpoint? {
    guard sendsToNamed, let named, named.port >= 1024, named.address.isUnicast else { return nil }
    return named
  }
}

extension IPAddress {
  /// Neither unspecified, multicast nor broadcast: one host.
  var isUnicast: Bool {
    if let v4 { return v4 >> 24 != 0 && v4 >> 28 != 0xE && v4 != .max }
    return (high, low) != (0, 0) && high >> 56 != 0xFF
  }
}
