import Elements

/// Learns once where a leg's packets come from, and sends nowhere else (RTP bleed, A37, A38).
///
///     closed ──signalling names an address──▶ learning ──enough packets of one source──▶ locked
///     learning ──a packet of the endpoint that the SDP names──▶ locked
///     locked ──new signalling──▶ learning
///
/// Whom the SDP names needs no proof: its first packet locks, even where another source was locked,
/// and nobody takes its place until the signalling names another. Behind a NAT nobody knows the port:
/// the first packet from an allowed address is followed at once, and another source takes over only if
/// it fits the signalling better, or if the one before has fallen silent: a phone that changes its port
/// in a re-INVITE.
struct SourceLatch: Hashable, Sendable {
  enum Judgement: Hashable, Sendable {
    /// The source we follow.
    case known
    /// May become the source we follow, once its packet has proved good.
    case candidate
    case stranger
  }

  /// How long a source that the SDP does not name is on trial.
  struct Trial: Hashable, Sendable {
    /// How many packets of one source end the learning.
    let packets: UInt16
    /// How long the followed source must be quiet for another one to take over while learning.
    let quietNanoseconds: Int64

    /// About 2.5 s of audio.
    static let media = Trial(packets: 128, quietNanoseconds: 150_000_000)
    /// Reports come every 2.5 to 7.5 s (RFC 3550 §6.3.1): half a minute of them.
    static let control = Trial(packets: 6, quietNanoseconds: 30_000_000_000)
  }

  private let trial: Trial
  /// What the SDP names.
  private(set) var named: Endpoint?
  /// Where the signalling comes from.
  private var signalling: IPAddress?
  /// Whether the leg is a trunk, whose SDP says where its gateway listens.
  private var trustsNamed = false
  /// The source we follow.
  private(set) var current: Endpoint?
  /// Packets of `current` until it is locked; 0: locked.
  private var remaining: UInt16 = 0
  /// Whether `current` was heard since learning began.
  private var heard = false
  private var lastHeard = Instant.start
  /// Where packets for this leg go; nil: nowhere yet.
  private(set) var destination: Endpoint?
  /// Whether nobody else can take the place of `current` any more, and it gets the packets itself.
  private(set) var isFinal = false

  init(_ trial: Trial) { self.trial = trial }

  /// Followed for long enough that its socket is worth being made its own.
  var isSettled: Bool { remaining == 0 && isFinal }

  /// New signalling: learning begins (again).
  ///
  /// What was learned stays in use until something better comes, unless the signalling no longer
  /// allows it or has moved a port that was used as named. A description without an address (hold in
  /// the old form) leaves the one before in force.
  mutating func reopen(named: Endpoint?, signalling: IPAddress?, trustsNamed: Bool) {
    let named = named ?? self.named
    let isMoved = named != self.named
    let movedAway = current != nil && current == self.named && isMoved
    (self.named, self.signalling, self.trustsNamed) = (named, signalling, trustsNamed)
    if let followed = current, movedAway || rank(of: followed) == 0 { current = nil }
    remaining = trial.packets
    // A party that is to be found where it was is not given up for the first who speaks instead.
    if isMoved || current == nil { heard = false }
    aim()
  }

  @inline(__always)
  func judge(_ source: Endpoint, at now: Instant) -> Judgement {
    if source == current { return .known }
    if source == named { return .candidate }
    guard remaining > 0, current == nil || current != named else { return .stranger }
    let rank = rank(of: source)
    guard rank > 0 else { return .stranger }
    guard let current, heard else { return .candidate }
    if rank > self.rank(of: current) { return .candidate }
    let quiet = now.nanoseconds &- lastHeard.nanoseconds
    return quiet >= trial.quietNanoseconds ? .candidate : .stranger
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
    (current, heard) = (source, true)
    remaining = trial.packets &- 1
    aim()
  }

  /// How well an address fits the signalling; 0: not at all.
  private func rank(of source: Endpoint) -> Int {
    if source == named { return 3 }
    if source.address == named?.address { return 2 }
    return source.address == signalling ? 1 : 0
  }

  /// Decides where packets go.
  ///
  /// A trunk may send from another port than it listens on (RFC 3264 §5.1): where its packets come from the address
  /// that its SDP names, the SDP is right about the port, too. A phone that does so sits behind a NAT.
  private mutating func aim() {
    let namedDestination = namedDestination
    destination =
      trustsNamed && current?.address == namedDestination?.address
      ? namedDestination : current ?? namedDestination
    isFinal = current != nil && destination == current && !canBeRelieved
  }

  /// Whether a packet of the named endpoint could still come and take over.
  ///
  /// Not from a private address, where the party came to us from a public one.
  private var canBeRelieved: Bool {
    guard let named, let current, named != current else { return false }
    return !named.address.isPrivate || current.address.isPrivate
  }

  /// Whether the signalling says itself who `source` is: it names it and may, or it names from the same
  /// address what an earlier session on these ports named for it.
  func claims(_ source: Endpoint, formerly: Endpoint?) -> Bool {
    guard let named else { return false }
    return source == named ? sendsToNamed : source.address == signalling && named == formerly
  }

  /// Whether packets may go to `named` before anything came.
  private var sendsToNamed: Bool {
    trustsNamed || (named != nil && named?.address == signalling)
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

  /// Of a network that no packet from the internet comes from (RFC 1918, RFC 6598, RFC 4193, RFC 3927).
  var isPrivate: Bool {
    guard let v4 else { return high >> 57 == 0x7E || isLinkLocal }
    return v4 >> 24 == 10 || v4 >> 20 == 0xAC1 || v4 >> 16 == 0xC0A8 || v4 >> 22 == 0x191
      || isLinkLocal
  }
}
