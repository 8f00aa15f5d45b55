package import Elements

/// Whether strangers send so much that the kernel should thin them out before they reach us, and how much of it should pass.
///
/// A queue that overflows drops friends and strangers alike: that is when a siege begins, and not while we keep up with what we turn
/// away. The look is once in each ``interval``, at what was turned away by us and dropped by the kernel.
package struct Siege: Sendable {
  package static let interval = Duration.seconds(1)
  /// Turned away and dropped in a second: with an overflow it is a siege from then on.
  private static let begins = 5_000.0
  /// Dropped by the kernel in a second, which it does before a siege only where a queue overflows.
  private static let overflows = 100.0
  /// Fewer than that in each of so many looks, and it is over.
  private static let ends = 1_000.0
  private static let calmLooks = 10

  /// Strangers who are let through in a second, more than their budget has room for.
  private var wanted: Double
  private var counted: (turnedAway: UInt64, dropped: UInt64)?
  private var lookedAt: Instant?
  /// What was turned away and dropped in a second, at the last ``calmLooks``.
  private var rates: [Double] = []
  /// What of the strangers' datagrams passes, of 2^32; nil: there is no siege.
  package private(set) var share: UInt32?

  package init(_ settings: GuardSettings) {
    wanted = Self.wanted(settings)
  }

  package mutating func adopt(_ settings: GuardSettings) { wanted = Self.wanted(settings) }

  private static func wanted(_ settings: GuardSettings) -> Double {
    2 * Double(settings.everybody.perSecond)
  }

  /// Looks at how many datagrams were turned away by us, and dropped by the kernel, since the start.
  ///
  /// The worst of the last looks counts, so that a flood in pulses finds no pause in which it could pass.
  package mutating func look(turnedAway: UInt64, dropped: UInt64, at now: Instant) {
    defer { (counted, lookedAt) = ((turnedAway, dropped), now) }
    guard let counted, let lookedAt, now > lookedAt else { return }
    let seconds = max(Double((now - lookedAt).wholeNanoseconds) / 1e9, 0.1)
    let overflow = Double(dropped &- counted.dropped) / seconds
    let rate = Double(turnedAway &- counted.turnedAway) / seconds + overflow
    rates = rates.suffix(Self.calmLooks - 1) + [rate]
    let worst = rates.max() ?? rate
    let isSiege =
      share == nil
      ? rate >= Self.begins && overflow >= Self.overflows
      : worst >= Self.ends
    guard isSiege else { return share = nil }
    let all = worst + wanted / 2
    share = all > wanted ? UInt32(wanted / all * Double(UInt32.max)) : .max
  }
}
