import Elements

/// A BYE of a paid leg that its carrier has not confirmed: until then the call may go on there, and costs.
///
/// It is sent again 2 s, 4 s, 8 s … at most a minute after each failure, since a carrier that was away for a while
/// comes back with its calls.
struct UnconfirmedBye: Hashable, Sendable {
  private static let firstPause = Duration.seconds(2)
  private static let longestPause = Duration.seconds(60)

  /// When it is given up.
  let until: Instant
  /// When the next one leaves; nil while one is under way.
  private(set) var next: Instant?
  private var pause = UnconfirmedBye.firstPause

  init(until: Instant) {
    self.until = until
  }

  /// One has failed: the next one follows, unless it is too late.
  ///
  /// - Returns: Whether there is a next one.
  mutating func failed(at now: Instant) -> Bool {
    guard now + pause <= until else { return false }
    next = now + pause
    pause = min(pause * 2, Self.longestPause)
    return true
  }

  /// Whether the next one leaves now.
  mutating func isDue(at now: Instant) -> Bool {
    guard let moment = next, moment <= now else { return false }
    next = nil
    return true
  }
}
