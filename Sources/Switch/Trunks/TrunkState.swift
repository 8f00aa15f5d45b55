import Elements
import SIP

/// How one trunk is: its addresses, whether it answers, and how many of its channels are taken.
///
///     unknown ──any answer──▶ up ──probes missed, or attempts timed out──▶ down ──any answer──▶ up
///     unknown ──its name leads nowhere──▶ down ──it does──▶ unknown
///     up ──its registration is refused, or has ended──▶ down ──it is accepted──▶ up
///
/// Of several addresses the first is asked until it misses as many; then the next ones are, in turn, and the trunk is
/// down when all have missed (RFC 3263 §4.3).
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
  /// In the order in which to try them (RFC 3263): the first is asked, silent ones stand behind.
  private(set) var hops: [TrunkHop] = []
  var resolution: ResolutionID?
  var resolveAt: Instant
  var probe: ClientTransactionID?
  var probeAt: Instant
  private(set) var health = Health.unknown
  private(set) var since: WallTime
  /// Why the last request to it failed, while that did not bring it down.
  private(set) var complaint: String?
  /// What the first of ``hops`` has left unanswered in a row.
  private var missed = 0
  /// The last probe was answered by 503: it takes no calls, whatever it takes besides.
  var isBusy = false
  /// How many addresses in a row have missed, the latest at the end of ``hops``.
  private var passedOver = 0
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

  /// Another address than the one before is asked, and has not been heard yet.
  var isAtNewAddress: Bool { passedOver > 0 && missed == 0 }

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
    isBusy = false
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
  /// The one that is asked stays the first while it is among them: the others of a name come in any order.
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
    let present = hops.first
    hops = found.map { TrunkHop($0.showing(certificate)) }
    if let present, let place = hops.firstIndex(where: { $0.isSameAddress(as: present) }) {
      hops.insert(hops.remove(at: place), at: 0)
    } else {
      (missed, passedOver) = (0, 0)
      registration?.renew(.newAddresses, at: now.instant)
    }
    guard wasEmpty else { return nil }
    probeAt = now.instant
    guard isDown else { return nil }
    // Nothing else was wrong with it.
    (health, since) = (.unknown, now.wall)
    return health
  }

  /// Anything was heard from it that only a living peer says.
  ///
  /// Of several addresses only the one that is asked shows by it that it answers: a carrier may call from one while
  /// the other is deaf.
  mutating func heard(from remote: Endpoint, at now: Now) -> Health? {
    let wasSilent = complaint != nil
    isBusy = false
    if hops.count < 2 || hops.first?.remote.address == remote.address {
      (missed, passedOver, complaint) = (0, 0, nil)
    }
    retryAt = .never
    guard health != .up else { return nil }
    // Who was silent may have begun anew; what is accepted at this moment is the news itself.
    if wasSilent, registration?.acceptedAt != now.instant {
      registration?.renew(.isBack, at: now.instant)
    }
    guard !isRefused else { return nil }
    (health, since) = (.up, now.wall)
    return .up
  }

  /// A probe, a registration or a call attempt got no answer from the address that is asked.
  ///
  /// Where nothing can be sent there (`isUnreachable`) its other addresses are asked at once.
  ///
  /// - Returns: The change of health, if this is one.
  mutating func silent(
    _ reason: String, isUnreachable: Bool, isProbed: Bool, times: TrunkTimes, at now: Now
  ) -> Health? {
    missed += 1
    complaint = reason
    // One that is down has been through all of them: each of them gets its turn soon.
    let isAtOnce = hops.count > 1 && (isUnreachable || isDown)
    guard isAtOnce || missed >= times.probesMissed, passOver(at: now), health == .up else {
      return nil
    }
    retryAt = isProbed ? .never : now.instant + times.probeWhenDown
    return fall(reason, at: now)
  }

  /// Goes on to the next address.
  ///
  /// - Returns: Whether all of them have been silent in turn.
  private mutating func passOver(at now: Now) -> Bool {
    guard hops.count > 1 else { return true }
    hops.append(hops.removeFirst())
    (missed, passedOver) = (0, passedOver + 1)
    // While it is down each of them gets its turn again and again.
    if !isDown || isRefused, let next = hops.first {
      registration?.renew(.nextAddress(next.remote), at: now.instant)
    }
    if passedOver < hops.count {
      probeAt = now.instant
      return false
    }
    passedOver = 0
    return true
  }

  private mutating func fall(_ reason: String, at now: Now) -> Health? {
    guard !isDown else { return nil }
    (health, since) = (.down(reason), now.wall)
    return health
  }

  /// A registration that the carrier refuses, or that has ended, makes the trunk useless until it is accepted; known by
  /// its own reason.
  mutating func refused(_ reason: String, at now: Now) -> Health? {
    registration?.refused()
    if isDown { health = .down(reason) }
    return fall(reason, at: now)
  }

  mutating func scheduleProbe(every: Duration, times: TrunkTimes, at now: Instant) {
    probe = nil
    probeAt = now
    if !isAtNewAddress { probeAt = now + (isDown ? min(every, times.probeWhenDown) : every) }
  }

  /// Its address has changed: what we knew of the old one is worth nothing.
  mutating func moved(at now: Now) {
    (hops, health, since, missed, retryAt) = ([], .unknown, now.wall, 0, .never)
    (complaint, passedOver, isBusy) = (nil, 0, false)
    registration?.moved()
    (resolution, resolveAt, probe, probeAt) = (nil, now.instant, nil, now.instant)
    realm = nil
  }
}
