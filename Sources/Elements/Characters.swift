// Eight characters at a time, for those who compare and hash names. Public, as ``ByteRange`` is.
extension Span<UInt8> {
  /// Up to eight bytes from `offset` on as one word, the first in the lowest bits, zeros behind the last.
  @inlinable
  @inline(__always)
  public func characters(at offset: Int) -> UInt64 {
    if offset + 8 <= count {
      return UInt64(
        littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    if count >= 8, offset < count {
      // The last eight bytes, without those before the offset.
      let last = UInt64(
        littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
      return last &>> UInt64(8 * (offset + 8 - count))
    }
    var word: UInt64 = 0
    var index = count
    while index > offset {
      index -= 1
      word = word << 8 | UInt64(self[index])
    }
    return word
  }

  /// Whether both are the same but for the case of ASCII letters.
  package func equalsInAnyCase(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index < count {
      let (mine, theirs) = (characters(at: index), other.characters(at: index))
      guard mine == theirs || mine.lowercasedCharacters == theirs.lowercasedCharacters else {
        return false
      }
      index += 8
    }
    return true
  }

  /// Whether both have the same bytes.
  package func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index < count {
      guard characters(at: index) == other.characters(at: index) else { return false }
      index += 8
    }
    return true
  }
}

extension UInt64 {
  /// Eight characters with the ASCII letters among them in lower case.
  @inlinable
  public var lowercasedCharacters: UInt64 {
    let low = self & 0x7F7F_7F7F_7F7F_7F7F
    // The top bit of a byte says: at least "A"; and: above "Z". No sum of a byte reaches the next one.
    let (fromA, aboveZ) = (low &+ 0x3F3F_3F3F_3F3F_3F3F, low &+ 0x2525_2525_2525_2525)
    return self | (fromA & ~aboveZ & ~self & 0x8080_8080_8080_8080) >> 2
  }
}
