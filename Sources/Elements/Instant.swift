/// A moment on the monotonic clock, which never goes back; protocols count with it, never with dates.
///
/// Public, as ``ByteRange`` is: so that it is inlined where timers are compared.
public struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since an arbitrary start, the same for the life of the process.
  public var nanoseconds: Int64

  /// The moment that lies so far behind the start.
  @inlinable
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The first moment of a simulated world.
  public static let start = Instant(nanoseconds: 0)
  /// Later than every moment that can be reached.
  public static let never = Instant(nanoseconds: .max)

  /// Whether one moment comes before another.
  @inlinable
  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The moment after `duration`; far beyond the range it stays at ``never``.
  @inlinable
  public static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// The moment before, by `duration`.
  @inlinable
  public static func - (instant: Instant, duration: Duration) -> Instant {
    Instant(nanoseconds: instant.nanoseconds - duration.wholeNanoseconds)
  }

  /// What lies between two moments.
  @inlinable
  public static func - (later: Instant, earlier: Instant) -> Duration {
    .nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

extension Duration {
  /// The duration in nanoseconds, rounded down to a whole one.
  @inlinable
  public var wholeNanoseconds: Int64 { Int64(attoseconds / 1_000_000_000) }

  /// The duration in milliseconds, rounded down to a whole one.
  @inlinable
  public var wholeMilliseconds: Int64 { Int64(attoseconds / 1_000_000_000_000_000) }
}
