import Elements

extension Span where Element == UInt8 {
  /// Eight bytes as one word, the first in the lowest bits; the caller has checked the bounds.
  @inline(__always)
  func wordUnaligned(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Up to eight bytes of a range as one word, the first in the lowest bits, zeros behind the range.
  @inline(__always)
  func word(_ lower: Int, _ upper: Int) -> UInt64 {
    let length = upper - lower
    if lower + 8 <= count {
      let word = wordUnaligned(at: lower)
      return length >= 8 ? word : word & ~(UInt64.max &<< UInt64(length * 8))
    }
    var word: UInt64 = 0
    for index in 0..<Swift.min(length, 8) {
      word |= UInt64(self[lower + index]) &<< UInt64(index * 8)
    }
    return word
  }

  /// Up to eight bytes of a range with bit 5 set, which folds ASCII letters to lower case.
  ///
  /// Only for a comparison with letters and digits, which no other byte of a token turns into.
  @inline(__always)
  func foldedWord(_ range: ByteRange) -> UInt64 {
    let length = range.count
    let fold: UInt64 = 0x2020_2020_2020_2020
    return word(Int(range.lower), Int(range.upper))
      | (length >= 8 ? fold : fold & ~(UInt64.max &<< UInt64(length * 8)))
  }

  /// The offset of the first such byte from `offset` on; `end` if there is none.
  @inline(__always)
  func first(_ byte: UInt8, from offset: Int, end: Int) -> Int {
    let wanted = UInt64(byte) &* 0x0101_0101_0101_0101
    var index = offset
    while index + 8 <= count, index < end {
      // Zero bytes of `x` are the wanted ones; the lowest set bit of the test is exact.
      let x = wordUnaligned(at: index) ^ wanted
      let hits = (x &- 0x0101_0101_0101_0101) & ~x & 0x8080_8080_8080_8080
      if hits != 0 { return Swift.min(index + hits.trailingZeroBitCount >> 3, end) }
      index += 8
    }
    while index < end, self[index] != byte { index += 1 }
    return Swift.min(index, end)
  }

  /// The offset of the first CR, LF or other control byte below 0x0E except TAB, from `offset` on; `end` if none.
  ///
  /// Eight bytes at a time: `(x - 0x0E…) & ~x` has the top bit of a byte set if the byte is below 0x0E;
  /// the lowest such bit is exact, borrows travel upwards only.
  @inline(__always)
  func lineEnd(from offset: Int, end: Int) -> Int {
    var index = offset
    while index + 8 <= end {
      let word = wordUnaligned(at: index)
      var hits = (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & 0x8080_8080_8080_8080
      while hits != 0 {
        let hit = index + hits.trailingZeroBitCount >> 3
        if self[hit] == 0x0D || self[hit] == 0x0A { return hit }
        hits &= hits &- 1
      }
      index += 8
    }
    while index < end, self[index] != 0x0D, self[index] != 0x0A { index += 1 }
    return index
  }
}
