/// A moment on the monotonic clock, which never goes back; protocols count with it, never with dates.
package struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since an arbitrary start, the same for the life of the process.
  package var nanoseconds: Int64

  @inlinable
  package init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The first moment of a simulated world.
  package static let start = Instant(nanoseconds: 0)
  /// Later than every moment that can be reached.
  package static let never = Instant(nanoseconds: .max)

  @inlinable
  package static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The moment after `duration`; far beyond the range it stays at ``never``.
  @inlinable
  package static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  @inlinable
  package static func - (instant: Instant, duration: Duration) -> Instant {
    Instant(nanoseconds: instant.nanoseconds - duration.wholeNanoseconds)
  }

  @inlinable
  package static func - (later: Instant, earlier: Instant) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// The duration in nanoseconds, rounded down to a whole one.
  @inlinable
  package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  /// The duration in milliseconds, rounded down to a whole one.
  @inlinable
  package var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }
}
