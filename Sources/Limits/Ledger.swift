package import Elements

/// The one truth about money: what every subject has spent, what is held for running calls, who is blocked.
///
/// Every change is an entry: the caller writes `entries` to the journal before it acts on the result,
/// also when a method throws (an attempt and a block are entries too). Replaying the entries gives
/// the same ledger.
package struct Ledger: Sendable {
  // What lasts: only `apply` (Ledger+Replay.swift) changes it, live and in a replay alike.
  var nodes: [LimitNode] = []
  var places: [LimitSubject: Int] = [:]
  var holds: [Hold] = []
  var holdPlaces: [HoldID: Int] = [:]
  var freeHolds: [Int] = []
  var lastHold: UInt64 = 0
  var time = LedgerTime(wall: 0, elapsed: 0)

  // What is made anew after a restart.
  var zones: [TimeZoneRules] = [.utc]
  var anchor: (instant: Instant, elapsed: Int64)?
  var unknownRates: [AccountID: (hour: Int64, count: Int)] = [:]
  var toldClockBehind = false
  /// Shares crossed by the last entry, to be told by whoever wrote it.
  var crossed: [LedgerNotice] = []

  package init() {}

  /// The holds that are open, ascending: after a restart each is finished with `.unknown`.
  package var openHolds: [HoldID] { holdPlaces.keys.sorted() }

  /// Who pays for a hold; nil for one that is settled.
  package func payer(of hold: HoldID) -> AccountID? { holdPlaces[hold].map { holds[$0].accountID } }
}

/// A journal entry that does not fit the state before it: the journal is damaged or incomplete.
package struct LedgerReplayError: Error, Hashable, CustomStringConvertible {
  package let reason: String

  package var description: String {
    "The journal does not fit together: \(reason). Restore the newest checkpoint."
  }
}

// MARK: - Time

extension Ledger {
  /// How far the wall clock may fall behind what was seen, or leap ahead of it, before that matters.
  private static let clockTolerance: Int64 = 60_000

  /// What the ledger's time is at `now`.
  func reading(_ now: Now) -> LedgerTime {
    let wall = now.wall.unixMilliseconds
    var reading = LedgerTime(wall: max(time.wall, wall), elapsed: time.elapsed)
    if let anchor {
      let passed = (now.instant.nanoseconds - anchor.instant.nanoseconds) / 1_000_000
      reading.elapsed = max(time.elapsed, anchor.elapsed.clampedSum(passed))
    } else {
      // After a restart the monotonic clock is another one: the wall bridges the gap, never backwards.
      let downTime = time.wall == 0 ? wall : max(0, wall - time.wall)
      reading.elapsed = time.elapsed.clampedSum(downTime)
    }
    return reading
  }

  /// Moves the ledger's time; what left the windows is dropped when a subject is next looked at.
  mutating func advance(to now: Now) {
    time = reading(now)
    if anchor == nil { anchor = (now.instant, time.elapsed) }
  }

  /// Writes the time down when the wall clock has leapt ahead.
  ///
  /// A restart measures its gap by the wall: from a time before the leap, it would take all of it for time that has passed, and a day
  /// would leave the rolling windows.
  package mutating func noteLeap(at now: Now, into entries: inout [LedgerEntry]) {
    guard let anchor else { return }
    let passed = (now.instant.nanoseconds - anchor.instant.nanoseconds) / 1_000_000
    let expected = time.wall + (anchor.elapsed + passed - time.elapsed)
    guard now.wall.unixMilliseconds > expected + Self.clockTolerance else { return }
    record(.clock(reading(now), lastHold: HoldID(lastHold)), &entries)
  }

  mutating func tellClockBehind(_ now: Now, _ notices: inout [LedgerNotice]) {
    let behind = time.wall - now.wall.unixMilliseconds
    guard behind > Self.clockTolerance else {
      toldClockBehind = false
      return
    }
    guard !toldClockBehind else { return }
    toldClockBehind = true
    notices.append(.clockBehind(by: .milliseconds(behind)))
  }

  /// Takes the wall clock as it is, after one that stood ahead made the calendar wait.
  ///
  /// A person decides it. What was counted in windows of the future is counted in today's.
  package mutating func acceptClock(at now: Now, into entries: inout [LedgerEntry]) {
    advance(to: now)
    let wall = now.wall.unixMilliseconds
    guard wall < time.wall else { return }
    record(
      .clock(LedgerTime(wall: wall, elapsed: time.elapsed), lastHold: HoldID(lastHold)), &entries)
    for place in nodes.indices {
      for period in Period.allCases where nodes[place].calendar[period].start > wall {
        var window = nodes[place].calendar[period]
        (window.start, window.end) = bounds(of: period, for: place)
        record(.window(nodes[place].subject, period, window, .replaces), &entries)
      }
    }
  }

  /// The window of `period` around the ledger's wall time in the zone of a subject.
  func bounds(of period: Period, for place: Int) -> (start: Int64, end: Int64) {
    bounds(of: period, in: nodes[place].zone, at: time.wall)
  }

  func bounds(
    of period: Period, in zone: Int32, at wall: Int64
  ) -> (start: Int64, end: Int64) {
    let zone = zones[max(0, Int(zone))]
    let wall = WallTime(unixMilliseconds: wall)
    let range =
      switch period {
      case .hour: zone.hour(containing: wall)
      case .day: zone.day(containing: wall)
      case .month: zone.month(containing: wall)
      }
    return (range.lowerBound.unixMilliseconds, range.upperBound.unixMilliseconds)
  }

  /// Begins the calendar windows that are due, and drops what left the rolling ones.
  mutating func refresh(_ place: Int, _ entries: inout [LedgerEntry]) {
    nodes[place].expire(at: time)
    for period in Period.allCases where nodes[place].calendar[period].end <= time.wall {
      let (start, end) = bounds(of: period, for: place)
      let window = CalendarWindow(start: start, end: end)
      record(.window(nodes[place].subject, period, window, .replaces), &entries)
    }
  }

  mutating func refresh(_ nodes: HoldNodes, _ entries: inout [LedgerEntry]) {
    for level in HoldLevel.allCases where nodes[level] >= 0 { refresh(nodes[level], &entries) }
  }
}
