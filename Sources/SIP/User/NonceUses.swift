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
  }

  private let life: Duration
  private let limit: Int
  private var young: [UInt64: Window] = [:]
  private var old: [UInt64: Window] = [:]
  private var turnAt: Instant?

  /// - Parameters:
  ///   - life: After this a nonce is refused by its age.
  ///   - limit: Nonces a generation; above it every use is refused, that is, challenged again.
  package init(life: Duration, limit: Int) {
    (self.life, self.limit) = (life, limit)
  }

  package var count: Int { young.count + old.count }

  /// Whether the nonce may be used with this count.
  package mutating func mayUse(
    _ name: UInt64, count: UInt32, once: Bool, at now: Instant
  ) -> Bool {
    turn(at: now)
    guard let window = young[name] ?? old[name] else { return young.count < limit }
    guard !window.isBurnt, !once else { return false }
    if count > window.highest { return true }
    let distance = window.highest - count
    return distance < 64 && window.seen & 1 << UInt64(distance) == 0
  }

  /// Keeps a use that ``mayUse(_:count:once:at:)`` allowed.
  package mutating func use(_ name: UInt64, count: UInt32, once: Bool, at now: Instant) {
    turn(at: now)
    var window = young[name] ?? old[name] ?? Window(highest: count, seen: 0, isBurnt: false)
    if count > window.highest {
      let distance = count - window.highest
      window.seen = distance < 64 ? window.seen << UInt64(distance) : 0
      window.highest = count
    }
    let distance = window.highest - count
    if distance < 64 { window.seen |= 1 << UInt64(distance) }
    window.isBurnt = window.isBurnt || once
    young[name] = window
  }

  private mutating func turn(at now: Instant) {
    if let turnAt, now < turnAt { return }
    // Later than one whole generation: even the youngest nonce is too old by now.
    if let turnAt, now < turnAt + life { old = young } else { old = [:] }
    young = [:]
    turnAt = now + life
  }
}
