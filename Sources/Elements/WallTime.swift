/// A date and time of day, for records, windows and expiries; protocols use ``Instant`` instead.
package struct WallTime: Hashable, Comparable, Sendable {
  /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (Unix time).
  package var unixMilliseconds: Int64

  @inlinable
  package init(unixMilliseconds: Int64) {
    self.unixMilliseconds = unixMilliseconds
  }

  /// Seconds since 1970, rounded down.
  package var unixSeconds: Int64 {
    unixMilliseconds >= 0 ? unixMilliseconds / 1000 : (unixMilliseconds - 999) / 1000
  }

  @inlinable
  package static func < (left: WallTime, right: WallTime) -> Bool {
    left.unixMilliseconds < right.unixMilliseconds
  }

  package static func + (time: WallTime, duration: Duration) -> WallTime {
    WallTime(unixMilliseconds: time.unixMilliseconds + duration.wholeMilliseconds)
  }

  package static func - (later: WallTime, earlier: WallTime) -> Duration {
    .milliseconds(later.unixMilliseconds - earlier.unixMilliseconds)
  }
}

/// Both clocks, read once for each event by the owner of a core.
///
/// Protocols count with `instant`; windows, records and expiries that outlive a restart with `wall`.
package struct Now: Hashable, Sendable {
  package var instant: Instant
  package var wall: WallTime

  package init(instant: Instant, wall: WallTime) {
    (self.instant, self.wall) = (instant, wall)
  }

  /// The same number of milliseconds later on both clocks.
  package static func + (now: Now, duration: Duration) -> Now {
    Now(instant: now.instant + duration, wall: now.wall + duration)
  }
}
