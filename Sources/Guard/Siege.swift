package import Elements

/// Whether strangers send so much that the kernel should thin them out before they reach us, and how much of it should pass.
///
/// A queue that overflows drops friends and strangers alike. So the look is at what was turned away, by us and by the
/// kernel, once in each ``interval``.
package struct Siege: Sendable {
  package static let interval = Duration.seconds(1)
  /// Turned away in a second: from then on it is a siege.
  private static let begins = 5_000.0
  /// Fewer than that in each of so many looks, and it is over.
  private static let ends = 1_000.0
  private static let calmLooks = 10

  /// Strangers who are let through in a second, more than their budget has room for.
  private let wanted: Double
  private var counted: UInt64?
  private var lookedAt: Instant?
  private var calm = 0
  /// What of the strangers' datagrams passes, of 2^32; nil: there is no siege.
  package private(set) var share: UInt32?

  package init(_ settings: GuardSettings) {
    wanted = 2 * Double(settings.everybody.perSecond)
  }

  /// Looks at how many datagrams were turned away since the start.
  package mutating func look(turnedAway: UInt64, at now: Instant) {
    defer { (counted, lookedAt) = (turnedAway, now) }
    guard let counted, let lookedAt, now > lookedAt else { return }
    let seconds = Double((now - lookedAt).wholeNanoseconds) / 1e9
    let rate = Double(turnedAway &- counted) / max(seconds, 0.1)
    calm = rate < Self.ends ? calm + 1 : 0
    guard rate >= Self.begins || (share != nil && calm < Self.calmLooks) else { return share = nil }
    let all = rate + wanted / 2
    share = all > wanted ? UInt32(wanted / all * Double(UInt32.max)) : .max
  }
}
