/// Follows the 16-bit sequence numbers of one source through their wraps (RFC 3550 §A.1).
package struct SequenceCounter: Hashable, Sendable {
  /// What the next number was.
  package enum Step: Hashable, Sendable {
    /// In order, or up to `maximumDropout` missing before it.
    case ahead
    /// A duplicate, or late by up to `maximumMisorder`.
    case behind
    /// Far off, once: perhaps noise. A second one in a row restarts.
    case odd
    /// The source began anew; counting starts here.
    case restarted
  }

  @usableFromInline static let maximumDropout: UInt16 = 3000
  @usableFromInline static let maximumMisorder: UInt16 = 100

  /// The highest number seen, with its wraps in the upper half.
  package private(set) var highest: UInt32
  /// The number counting started with.
  package private(set) var base: UInt32
  /// The number that would confirm a restart; above 65,535: none.
  private var expectedAfterOdd: UInt32 = 1 << 16

  package init(startingAt sequence: UInt16) {
    (highest, base) = (UInt32(sequence), UInt32(sequence))
  }

  package mutating func step(to sequence: UInt16) -> Step {
    let delta = sequence &- UInt16(truncatingIfNeeded: highest)
    if delta != 0, delta < Self.maximumDropout {
      highest &+= UInt32(delta)
      expectedAfterOdd = 1 << 16
      return .ahead
    }
    if delta == 0 || delta > .max - Self.maximumMisorder { return .behind }
    if UInt32(sequence) == expectedAfterOdd {
      self = SequenceCounter(startingAt: sequence)
      return .restarted
    }
    expectedAfterOdd = UInt32(sequence &+ 1)
    return .odd
  }

  /// Packets sent since the start, going by their numbers.
  package var expected: UInt32 { highest &- base &+ 1 }
}
