package import Elements

/// How much is let through: so many at once, then so many a second.
package struct Rate: Hashable, Sendable {
  /// Nanoseconds that one costs.
  let cost: Int64
  /// Nanoseconds' worth that may be taken at once.
  let room: Int64

  /// How many at once.
  var burst: Int { Int(room / cost) }
  /// How many for ever.
  var perSecond: Int { Int(1_000_000_000 / cost) }

  /// - Parameters:
  ///   - perSecond: What is let through for ever, 1 and more.
  ///   - burst: What is let through at once after a pause, 1 and more.
  package init(perSecond: Int, burst: Int) {
    self.init(every: .nanoseconds(1_000_000_000 / max(1, perSecond)), burst: burst)
  }

  /// One each `interval`, and `burst` at once after a pause.
  package init(every interval: Duration, burst: Int) {
    cost = max(1, interval.wholeNanoseconds)
    let (product, overflow) = cost.multipliedReportingOverflow(by: Int64(max(1, burst)))
    room = overflow ? .max / 2 : min(product, .max / 2)
  }
}

/// A bucket of one rate; one number is all it keeps (the generic cell rate algorithm, ITU-T I.371 annex A).
package struct RateBucket: Hashable, Sendable {
  /// When it is full again, on the monotonic clock.
  private var fullAt = Instant(nanoseconds: .min)

  package init() {}

  /// Takes one; false where there is none, and then the bucket is as it was.
  package mutating func take(_ rate: Rate, at now: Instant) -> Bool {
    guard holdsOne(rate, at: now) else { return false }
    fullAt = Instant(nanoseconds: next(rate, at: now))
    return true
  }

  /// Whether one could be taken.
  package func holdsOne(_ rate: Rate, at now: Instant) -> Bool {
    next(rate, at: now) - now.nanoseconds <= rate.room
  }

  private func next(_ rate: Rate, at now: Instant) -> Int64 {
    max(fullAt.nanoseconds, now.nanoseconds) + rate.cost
  }
}
