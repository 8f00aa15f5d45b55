package import Elements

/// Which counts of which nonces have been used, in bounded memory (RFC 7616 §3.4: nc).
///
/// Only uses with a right answer are kept, so that a stranger cannot fill it. Two generations of
/// one nonce life each: what is in neither is too old to be accepted anyway.
package struct NonceUses: Sendable {
  /// Uses of one nonce: the highest count and the 64 counts up to it.
  private struct Window: Sendable {
    var highest: UInt32
    var seen: UInt64
    var isBurnt: Bool

    /// Marks a count as seen; false if it was, or is too far behind to tell.
    mutating func take(_ count: UInt32) -> Bool {
      if count > highest {
        let distance = UInt64(count - highest)
        seen = distance < 64 ? seen << distance | 1 : 1
        highest = count
        return true
      }
      let distance = UInt64(highest - count)
      guard distance < 64, seen & 1 << distance == 0 else { return false }
      seen |= 1 << distance
      return true
    }
  }

  private let life: Duration
  private let limit: Int
  private var young: [NonceName: Window] = [:]
  private var old: [NonceName: Window] = [:]
  private var turnAt: Instant?

  /// - Parameters:
  ///   - life: After this a nonce is refused by its age.
  ///   - limit: Nonces a generation; above it every use is refused, that is, challenged again.
  package init(life: Duration, limit: Int) {
    (self.life, self.limit) = (life, limit)
  }

  package var count: Int { young.count + old.count }

  /// Uses the nonce with this count; false if it may not be.
  package mutating func take(
    _ name: NonceName, count: UInt32, once: Bool, at now: Instant
  ) -> Bool {
    turn(at: now)
    guard var window = young[name] ?? old[name] else {
      guard young.count < limit else { return false }
      young[name] = Window(highest: count, seen: 1, isBurnt: once)
      return true
    }
    guard !window.isBurnt, !once, window.take(count) else { return false }
    young[name] = window
    return true
  }

  private mutating func turn(at now: Instant) {
    if let turnAt, now < turnAt { return }
    // Later than one whole generation: even the youngest nonce is too old by now.
    if let turnAt, now < turnAt + life { old = young } else { old = [:] }
    young = [:]
    turnAt = now + life
  }
}
