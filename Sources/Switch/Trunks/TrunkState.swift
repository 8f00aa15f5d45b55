import Elements
import SIP

/// How one trunk is: its addresses, whether it answers, and how many of its channels are taken.
///
///     unknown ──any answer──▶ up ──probes missed, or attempts timed out──▶ down ──any answer──▶ up
///     unknown ──its name leads nowhere──▶ down ──it does──▶ unknown
///     up ──its registration is refused──▶ down ──it is accepted──▶ up
///
/// A trunk that never answered a probe stays `unknown` and is tried: some carriers ignore OPTIONS. One that is not
/// probed hears of its recovery by a call that tries it now and then.
struct TrunkState: Sendable {
  enum Health: Hashable, Sendable {
    case unknown
    case up
    case down(String)
  }

  let id: TrunkID
  /// In the order in which to try them (RFC 3263).
  private(set) var hops: [TrunkHop] = []
  var resolution: ResolutionID?
  var resolveAt: Instant
  var probe: ClientTransactionID?
  var probeAt: Instant
  private(set) var health = Health.unknown
  private(set) var since: WallTime
  /// Why the last request to it failed, while that did not bring it down.
  private(set) var complaint: String?
  private var missed = 0
  /// When a call may try it although it is down.
  private var retryAt = Instant.never
  /// Legs that are up or being set up, both directions.
  private(set) var channelsInUse = 0
  var registration: TrunkRegistration?
  /// The realm for which its registration was asked for our credentials.
  var realm: [UInt8]?
  /// People know that it is down.
  var isReportedDown = false
  /// When the agenda will look after it.
  var scheduledAt: Instant?

  init(id: TrunkID, at now: Now) {
    self.id = id
    (resolveAt, probeAt, since) = (now.instant, now.instant, now.wall)
  }

  var isDown: Bool { if case .down = health { true } else { false } }

  private var isRefused: Bool { registration?.isRefused ?? false }

  func takesCalls(at now: Instant) -> Bool { !isDown || (retryAt <= now && !isRefused) }

  var deadline: Instant {
    var next = probe == nil ? probeAt : Instant.never
    if resolution == nil { next = min(next, resolveAt) }
    return min(next, registration?.deadline ?? .never)
  }

  /// Whether a request from there may be this carrier's: an address of its own, any port.
  func isReached(from remote: Endpoint) -> Bool {
    hops.contains { $0.remote.address == remote.address }
  }

  mutating func takeChannel() { channelsInUse += 1 }

  /// Nobody looks after it any more: a call may find out how it is.
  mutating func leaveToCalls(at now: Instant) {
    if isDown { retryAt = min(retryAt, now) }
  }

  /// A call tries it: where it is down, the next ones do not wait beside that one.
  mutating func tried(times: TrunkTimes, at now: Instant) {
    if isDown { retryAt = now + times.probeWhenDown }
  }

  mutating func releaseChannel() {
    invariant(channelsInUse > 0, "trunk \(id) released a channel it had not taken")
    channelsInUse -= 1
  }

  /// Takes the addresses that a name leads to; `certificate` is the one of ours that is shown there.
  ///
  /// - Returns: The change of health, if this is one.
  mutating func adopt(
    _ found: [NextHop], showing certificate: String?, times: TrunkTimes, at now: Now
  ) -> Health? {
    resolution = nil
    resolveAt = now.instant + (found.isEmpty ? times.resolveAfterFailure : times.resolveAgain)
    guard !found.isEmpty else {
      // The old addresses are better than none.
      return hops.isEmpty ? fall("its name leads to no address", at: now) : nil
    }
    let wasEmpty = hops.isEmpty
    hops = found.map { TrunkHop($0.showing(certificate)) }
    guard wasEmpty else { return nil }
    probeAt = now.instant
    guard isDown else { return nil }
    // Nothing else was wrong with it.
    (health, since) = (.unknown, now.wall)
    return health
  }

  /// Anything was heard from it that only a living peer says.
  mutating func heard(at now: Now) -> Health? {
    (missed, retryAt, complaint) = (0, .never, nil)
    guard health != .up, !isRefused else { return nil }
    (health, since) = (.up, now.wall)
    return .up
  }

  /// A probe or a call attempt got no answer.
  mutating func silent(
    _ reason: String, isProbed: Bool, times: TrunkTimes, at now: Now
  ) -> Health? {
    missed += 1
    complaint = reason
    guard health == .up, missed >= times.probesMissed else { return nil }
    retryAt = isProbed ? .never : now.instant + times.probeWhenDown
    return fall(reason, at: now)
  }

  private mutating func fall(_ reason: String, at now: Now) -> Health? {
    guard !isDown else { return nil }
    (health, since) = (.down(reason), now.wall)
    return health
  }

  /// A registration that the carrier refuses makes the trunk useless until it is accepted; known by its own reason.
  mutating func refused(_ reason: String, at now: Now) -> Health? {
    registration?.refused()
    if isDown { health = .down(reason) }
    return fall(reason, at: now)
  }

  mutating func scheduleProbe(every: Duration, times: TrunkTimes, at now: Instant) {
    probe = nil
    probeAt = now + (isDown ? min(every, times.probeWhenDown) : every)
  }

  /// Its address has changed: what we knew of the old one is worth nothing.
  mutating func moved(at now: Now) {
    (hops, health, since, missed, retryAt) = ([], .unknown, now.wall, 0, .never)
    complaint = nil
    registration?.moved()
    (resolution, resolveAt, probe, probeAt) = (nil, now.instant, nil, now.instant)
    realm = nil
  }
}
