package import Elements
import Glibc

extension Instant {
  /// The first moment not before this one that is a whole number of `grain`; ``never`` stays.
  package func roundedUp(to grain: Duration) -> Instant {
    let (length, rest) = (grain.wholeNanoseconds, nanoseconds % grain.wholeNanoseconds)
    guard rest > 0, self < Instant.never - grain else { return self }
    return Instant(nanoseconds: nanoseconds - rest + length)
  }
}

/// The machine's clocks: the only place where the server reads them for a core.
package enum Clocks {
  /// Both clocks.
  ///
  /// The wall clock may be set back by the machine; who minds guards against it.
  package static func now() -> Now {
    Now(instant: instant(), wall: wall())
  }

  package static func instant() -> Instant {
    let time = read(CLOCK_MONOTONIC)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  package static func wall() -> WallTime {
    let time = read(CLOCK_REALTIME)
    return WallTime(
      unixMilliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// CPU time of the whole process, for measurements.
  package static func processTime() -> Duration {
    let time = read(CLOCK_PROCESS_CPUTIME_ID)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}
