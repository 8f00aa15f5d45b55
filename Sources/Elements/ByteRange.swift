/// A half-open range of offsets into a message, half the size of a `Range<Int>`.
package struct ByteRange: Hashable, Sendable {
  package var lower: UInt32
  package var upper: UInt32

  @inlinable
  package init(_ lower: Int, _ upper: Int) {
    (self.lower, self.upper) = (
      UInt32(truncatingIfNeeded: lower), UInt32(truncatingIfNeeded: upper)
    )
  }

  @inlinable package var count: Int { Int(upper) - Int(lower) }
  @inlinable package var isEmpty: Bool { upper <= lower }
  @inlinable package var range: Range<Int> { Int(lower)..<Int(upper) }
}
