/// A half-open range of offsets into a message, half the size of a `Range<Int>`.
///
/// Public, unlike the rest of this module: the compiler inlines `@inlinable` code across modules only if it
/// is public, and parsers make and take apart some hundred ranges for each message.
public struct ByteRange: Hashable, Sendable {
  /// Offset of the first byte.
  public var lower: UInt32
  /// Offset behind the last byte.
  public var upper: UInt32

  /// The range between two offsets below 2^32.
  @inlinable
  public init(_ lower: Int, _ upper: Int) {
    (self.lower, self.upper) = (
      UInt32(truncatingIfNeeded: lower), UInt32(truncatingIfNeeded: upper)
    )
  }

  /// The number of bytes.
  @inlinable public var count: Int { Int(upper) - Int(lower) }
  /// True for a range without bytes.
  @inlinable public var isEmpty: Bool { upper <= lower }
  /// The same range for subscripts.
  @inlinable public var range: Range<Int> { Int(lower)..<Int(upper) }
}
