package import Elements

/// When a certificate is to be got or renewed: after two thirds of its life, and after failures later and later.
package struct RenewalPlan: Codable, Hashable, Sendable {
  /// Attempts in a row that failed.
  package private(set) var failures = 0
  /// Why the last one did, and when; nil: it did not.
  package private(set) var complaint: String?
  package private(set) var failedAtSeconds: Int64?

  /// After the first, second … failure; the last one is kept.
  ///
  /// Authorities count failures of an hour and of a week.
  private static let pausesSeconds: [Int64] = [60, 600, 3_600, 10_800, 21_600, 43_200]

  package init() {}

  /// The moment of the next attempt; `life` is that of the certificate we have, nil for none.
  package func next(life: ClosedRange<WallTime>?) -> WallTime? {
    let due = life.map { life in
      life.lowerBound + .milliseconds((life.upperBound - life.lowerBound).wholeMilliseconds * 2 / 3)
    }
    guard let failedAtSeconds, failures > 0 else { return due }
    let pause = Self.pausesSeconds[min(failures, Self.pausesSeconds.count) - 1]
    let again = WallTime(unixSeconds: failedAtSeconds + pause)
    return due.map { max($0, again) } ?? again
  }

  package func isDue(life: ClosedRange<WallTime>?, at now: WallTime) -> Bool {
    guard let next = next(life: life) else { return true }
    // A failure that lies ahead was noted by a clock that was wrong.
    return next <= now || (failedAtSeconds.map { $0 > now.unixSeconds } ?? false)
  }

  package mutating func failed(_ reason: String, at now: WallTime) {
    failures += 1
    (complaint, failedAtSeconds) = (reason, now.unixSeconds)
  }

  package mutating func succeeded() { self = RenewalPlan() }
}
