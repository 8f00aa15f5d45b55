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
    let last = Swift.min(count - 8, end - 1)
    while index <= last {
      // Zero bytes of `x` are the wanted ones; the lowest set bit of the test is exact.
      let x = wordUnaligned(at: index) ^ wanted
      let hits = (x &- 0x0101_0101_0101_0101) & ~x & 0x8080_8080_8080_8080
      if hits != 0 { return Swift.min(index + hits.trailingZeroBitCount >> 3, end) }
      index &+= 8
    }
    while index < end, self[index] != byte { index += 1 }
    return Swift.min(index, end)
  }

  /// The offset of the first byte from `offset` on that is not of the set, which has all letters and digits; `end`
  /// if there is none.
  ///
  /// Most stretches end within eight bytes, at the first that is neither letter nor digit.
  @inline(__always)
  func firstForeign(to set: ByteSet, from offset: Int, end: Int) -> Int {
    guard offset <= count - 8, offset < end else {
      return laterForeign(to: set, from: offset, end: end)
    }
    let hits = specials(in: wordUnaligned(at: offset))
    guard hits != 0 else { return laterForeign(to: set, from: offset &+ 8, end: end) }
    let hit = offset &+ hits.trailingZeroBitCount &>> 3
    guard hit < end else { return end }
    return set.contains(self[hit]) ? laterForeign(to: set, from: hit &+ 1, end: end) : hit
  }

  /// The same of longer stretches.
  func laterForeign(to set: ByteSet, from offset: Int, end: Int) -> Int {
    var index = offset
    let last = Swift.min(count - 8, end - 1)
    while index <= last {
      var hits = specials(in: wordUnaligned(at: index))
      while hits != 0 {
        let hit = index + hits.trailingZeroBitCount >> 3
        guard hit < end, set.contains(self[hit]) else { return Swift.min(hit, end) }
        hits &= hits &- 1
      }
      index &+= 8
    }
    while index < end, set.contains(self[index]) { index += 1 }
    return Swift.min(index, end)
  }

  /// Whether two stretches are the same bytes.
  func hasSameBytes(_ left: ByteRange, _ right: ByteRange) -> Bool {
    guard left.count == right.count else { return false }
    var (one, other, end) = (Int(left.lower), Int(right.lower), Int(left.upper))
    while one + 8 <= end {
      guard wordUnaligned(at: one) == wordUnaligned(at: other) else { return false }
      (one, other) = (one + 8, other + 8)
    }
    end -= one
    return word(one, one + end) == word(other, other + end)
  }

  /// The offset of the first CR, LF or other control byte below 0x0E except TAB, from `offset` on; `end` if none.
  ///
  /// Eight bytes at a time: `(x - 0x0E…) & ~x` has the top bit of a byte set if the byte is below 0x0E;
  /// the lowest such bit is exact, borrows travel upwards only.
  @inline(__always)
  func lineEnd(from offset: Int, end: Int) -> Int {
    var index = offset
    let last = end - 8
    while index <= last {
      let word = wordUnaligned(at: index)
      var hits = (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & 0x8080_8080_8080_8080
      while hits != 0 {
        let hit = index + hits.trailingZeroBitCount >> 3
        if self[hit] == 0x0D || self[hit] == 0x0A { return hit }
        hits &= hits &- 1
      }
      index &+= 8
    }
    while index < end, self[index] != 0x0D, self[index] != 0x0A { index += 1 }
    return index
  }
}

/// Marks the top bit of each byte that is neither letter nor digit.
///
/// Seven bits at a time, so that no sum reaches the next byte: `x + 0x80 - limit` has the top bit if `x` is the
/// limit or more.
@inline(__always)
private func specials(in word: UInt64) -> UInt64 {
  let tops: UInt64 = 0x8080_8080_8080_8080
  let bytes = word & ~tops
  let folded = bytes | 0x2020_2020_2020_2020
  let letters = (folded &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(folded &+ 0x0505_0505_0505_0505)
  let digits = (bytes &+ 0x5050_5050_5050_5050) & ~(bytes &+ 0x4646_4646_4646_4646)
  return tops & (word | ~(letters | digits))
}
