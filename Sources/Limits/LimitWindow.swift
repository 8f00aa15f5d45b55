import Elements

/// A window of the calendar: an hour, a day or a month of the subject's zone.
package struct CalendarWindow: Hashable, Sendable {
  /// Unix milliseconds; a window that never began is empty at 0.
  package var start: Int64 = 0
  package var end: Int64 = 0
  package var used = Tally.zero
  /// Allowances on top of the limits, given at unblocking.
  package var granted = Tally.zero
  /// How many shares (50, 80, 100 %) were told, two bits for each quantity.
  package var sharesTold: UInt8 = 0

  /// One window that refuses whatever one of both would refuse.
  func joined(_ other: CalendarWindow) -> CalendarWindow {
    CalendarWindow(
      start: min(start, other.start), end: max(end, other.end), used: used.joined(other.used),
      granted: Tally(
        money: min(granted.money, other.granted.money),
        international: min(granted.international, other.granted.international),
        attempts: min(granted.attempts, other.granted.attempts)),
      sharesTold: max(sharesTold, other.sharesTold))
  }

  func toldShares(_ quantity: Quantity) -> UInt8 { sharesTold >> (2 * quantity.rawValue) & 3 }

  mutating func tell(shares: UInt8, of quantity: Quantity) {
    let shift = 2 * quantity.rawValue
    sharesTold = sharesTold & ~(3 << shift) | shares << shift
  }
}

/// The last 60 minutes, 24 hours or 30 days, as a row of small buckets.
///
/// ```
///            now - 24 h                                        now
///  ──┬─────┬────┼┬─────┬─────┬──  …  ──┬─────┬─────┬─────┬──────┼┬──▶ elapsed
///    │ gone│ counts│     │     │       │     │     │     │ now   │
///  ──┴─────┴────┼┴─────┴─────┴──  …  ──┴─────┴─────┴─────┴──────┼┴
/// ```
/// A bucket leaves with its last instant, so the window is at most one bucket too long, and never
/// counts too little.
struct RollingWindow: Hashable, Sendable {
  struct Bucket: Hashable, Sendable {
    let index: Int64
    var used: Tally
    var granted: Tally
  }

  /// Ascending by index; empty ones are not there.
  private(set) var buckets: [Bucket] = []
  private(set) var used = Tally.zero
  private(set) var granted = Tally.zero

  mutating func add(_ used: Tally, granted: Tally = .zero, at index: Int64) {
    self.used += used
    if !granted.isZero { self.granted += granted }
    var place = buckets.count
    while place > 0, buckets[place - 1].index > index { place -= 1 }
    if place > 0, buckets[place - 1].index == index {
      buckets[place - 1].used += used
      if !granted.isZero { buckets[place - 1].granted += granted }
    } else {
      buckets.insert(Bucket(index: index, used: used, granted: granted), at: place)
    }
  }

  /// Takes back one international call that was counted in the bucket `index`, where that is still there.
  mutating func giveBackInternational(at index: Int64) {
    guard let place = buckets.lastIndex(where: { $0.index == index }),
      buckets[place].used.international > 0
    else { return }
    buckets[place].used.international -= 1
    used.international -= 1
  }

  /// Drops the buckets before `firstLive`.
  mutating func expire(before firstLive: Int64) {
    guard let first = buckets.first, first.index < firstLive else { return }
    let live = buckets.firstIndex { $0.index >= firstLive } ?? buckets.count
    buckets.removeFirst(live)
    // Summed anew: exact also where a sum had reached the end of its range.
    (used, granted) = (.zero, .zero)
    for bucket in buckets {
      used += bucket.used
      granted += bucket.granted
    }
  }

  /// What the buckets from `index` on hold.
  func sums(from index: Int64) -> (used: Tally, granted: Tally) {
    var sums = (used: Tally.zero, granted: Tally.zero)
    for bucket in buckets where bucket.index >= index {
      sums.used += bucket.used
      sums.granted += bucket.granted
    }
    return sums
  }
}

extension Period {
  /// Length of the rolling window in milliseconds.
  var rollingLength: Int64 {
    switch self {
    case .hour: 3_600_000
    case .day: 86_400_000
    case .month: 30 * 86_400_000
    }
  }

  /// Length of a bucket in milliseconds: a thirtieth, a 48th, a sixtieth of the window.
  var bucketLength: Int64 {
    switch self {
    case .hour: 120_000
    case .day: 1_800_000
    case .month: 43_200_000
    }
  }

  func bucket(at elapsed: Int64) -> Int64 { elapsed.flooredQuotient(by: bucketLength) }

  /// The first bucket with an instant inside the window that ends at `elapsed`.
  func firstLiveBucket(at elapsed: Int64) -> Int64 { bucket(at: elapsed - rollingLength) }
}
