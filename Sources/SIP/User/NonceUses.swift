package import Elements

/// Which counts of which nonces have been used, in bounded memory (RFC 7616 §3.4: nc).
///
/// Only uses with a right answer are kept, so that a stranger cannot fill it. Nor can one user: where half of the room is used,
/// nobody takes more than a share of it. Two generations of one nonce life each: what is in neither is too old to be
/// accepted anyway.
package struct NonceUses: Sendable {
  /// Uses of one nonce: the highest count and the 64 counts up to it.
  private struct Window: Sendable {
    var seen: UInt64
    var highest: UInt32
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
  private let share: Int
  private var young: [NonceName: Window] = [:]
  private var old: [NonceName: Window] = [:]
  /// How many of the young ones are whose.
  private var counts: [UInt64: Int] = [:]
  private var turnAt: Instant?

  /// - Parameters:
  ///   - life: After this a nonce is refused by its age.
  ///   - limit: Nonces a generation; above it every use is refused, that is, challenged again.
  ///   - share: Of these, what one user may have of a generation that is half full.
  package init(life: Duration, limit: Int, share: Int) {
    (self.life, self.limit, self.share) = (life, limit, share)
  }

  package var count: Int { young.count + old.count }

  /// Uses the nonce with this count; false if it may not be.
  ///
  /// `user` has proven himself with it: any number that is his alone.
  package mutating func take(
    _ name: NonceName, count: UInt32, once: Bool, of user: UInt64, at now: Instant
  ) -> Bool {
    turn(at: now)
    if let index = young.index(forKey: name) {
      return Self.take(&young.values[index], count, once: once)
    }
    // It stays where it is: it is as old as its generation, and ends with it.
    if let index = old.index(forKey: name) {
      return Self.take(&old.values[index], count, once: once)
    }
    guard young.count < limit, young.count < limit / 2 || counts[user, default: 0] < share
    else { return false }
    young[name] = Window(seen: 1, highest: count, isBurnt: once)
    counts[user, default: 0] += 1
    return true
  }

  private static func take(_ window: inout Window, _ count: UInt32, once: Bool) -> Bool {
    guard !window.isBurnt, !once, window.take(count) else { return false }
    return true
  }

  private mutating func turn(at now: Instant) {
    if let turnAt, now < turnAt { return }
    // Later than one whole generation: even the youngest nonce is too old by now.
    if let turnAt, now < turnAt + life { old = young } else { old = [:] }
    (young, counts) = ([:], [:])
    turnAt = now + life
  }
}
