/// The number of one `Subject`: ordered, ours, and never mixed with the number of something else.
///
/// Numbers come from counters, so that traces are stable; they say nothing to a stranger. Public, as
/// ``ByteRange`` is: only then is it inlined where tables are looked up by it.
public struct ID<Subject>: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The number itself.
  public let number: UInt64

  /// The ID of that number.
  @inlinable
  public init(_ number: UInt64) {
    self.number = number
  }

  /// Whether both are the same number.
  @inlinable
  public static func == (left: ID, right: ID) -> Bool { left.number == right.number }

  /// Whether one number was given out before the other.
  @inlinable
  public static func < (left: ID, right: ID) -> Bool { left.number < right.number }

  /// Hashes the number.
  @inlinable
  public func hash(into hasher: inout Hasher) { hasher.combine(number) }

  // swift-format-ignore: NoLeadingUnderscores
  /// Spreads the number over the places of a table: ours as it is, nobody can choose some that crowd.
  ///
  /// The library has this for its own numbers; without it each look into a table is a run of SipHash. The factor is 2^64 by
  /// the golden ratio.
  @inlinable
  public func _rawHashValue(seed: Int) -> Int {
    let product = (number ^ UInt64(bitPattern: Int64(seed))).multipliedFullWidth(
      by: 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: product.high ^ product.low)
  }

  /// The decimal digits of the number.
  public var description: String { String(number) }
}

/// Hands out ascending numbers of one subject.
package struct IDSource<Subject>: Sendable {
  private var number: UInt64

  /// - Parameter last: The highest number in use, so that a restart goes on behind it.
  package init(after last: UInt64 = 0) {
    number = last
  }

  /// The highest number given out or reserved.
  package var last: ID<Subject> { ID(number) }

  package mutating func next() -> ID<Subject> {
    number += 1
    return ID(number)
  }

  /// Makes sure that `id` is never handed out again, for numbers read back from a journal.
  package mutating func reserve(_ id: ID<Subject>) {
    number = max(number, id.number)
  }
}
