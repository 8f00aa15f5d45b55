import Elements

// The grammar of RFC 3261 §25.1 that all header fields share. Every function reads from `offset`
// up to `end`, and moves `offset` behind what it took. CR and LF count as white space: the message
// parser has made sure that they occur in folds only.

@inline(__always)
func isWhitespace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
}

@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
  byte &- 0x41 < 26 ? byte | 0x20 : byte
}

extension Span where Element == UInt8 {
  /// Skips linear white space, folds included.
  @inline(__always)
  func skipWhitespace(at offset: inout Int, end: Int) {
    while offset < end, isWhitespace(self[offset]) { offset += 1 }
  }

  /// The range without white space at its two ends.
  @inline(__always)
  func trimmed(_ lower: Int, _ upper: Int) -> ByteRange {
    var (lower, upper) = (lower, upper)
    while lower < upper, isWhitespace(self[lower]) { lower += 1 }
    while upper > lower, isWhitespace(self[upper - 1]) { upper -= 1 }
    return ByteRange(lower, upper)
  }

  @inline(__always)
  func peek(_ offset: Int, end: Int) -> UInt8? {
    offset < end ? self[offset] : nil
  }

  /// Takes `byte` with white space around it (`SEMI`, `COMMA`, `EQUAL` …); false if it is not there.
  @inline(__always)
  func take(_ byte: UInt8, at offset: inout Int, end: Int) -> Bool {
    var next = offset
    skipWhitespace(at: &next, end: end)
    guard next < end, self[next] == byte else { return false }
    next += 1
    skipWhitespace(at: &next, end: end)
    offset = next
    return true
  }

  /// As many bytes of `set` as there are.
  @inline(__always)
  func run(of set: ByteSet, at offset: inout Int, end: Int) -> ByteRange {
    let start = offset
    if offset < end, set.holdsLettersAndDigits {
      offset = firstForeign(to: set, from: offset, end: end)
    } else {
      while offset < end, set.contains(self[offset]) { offset += 1 }
    }
    return ByteRange(start, offset)
  }

  func parseToken(at offset: inout Int, end: Int) throws(SyntaxError) -> ByteRange {
    let token = run(of: .token, at: &offset, end: end)
    guard !token.isEmpty else { throw SyntaxError(expected: "a token", offset: offset) }
    return token
  }

  /// `1*DIGIT` as a number below `limit`, which is 10^18 at most; leading zeros are legal.
  func parseNumber(
    at offset: inout Int, end: Int, below limit: UInt64
  ) throws(SyntaxError) -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    while offset < end, self[offset] &- 0x30 < 10 {
      value = value * 10 + UInt64(self[offset] &- 0x30)
      guard value < limit else {
        throw SyntaxError(expected: "a number below \(limit)", offset: start)
      }
      offset += 1
    }
    guard offset > start else { throw SyntaxError(expected: "a number", offset: start) }
    return value
  }

  /// `quoted-string`; the range includes both quotes.
  func parseQuotedString(at offset: inout Int, end: Int) throws(SyntaxError) -> ByteRange {
    let start = offset
    guard offset < end, self[offset] == UInt8(ascii: "\"") else {
      throw SyntaxError(expected: "a quoted string", offset: offset)
    }
    offset += 1
    while offset < end {
      switch self[offset] {
      case UInt8(ascii: "\""):
        offset += 1
        return ByteRange(start, offset)
      case UInt8(ascii: "\\"): offset += 2
      case _: offset += 1
      }
    }
    offset = end
    throw SyntaxError(expected: "the closing quote", offset: end)
  }

  /// Compares with a lower-case text of ASCII, ignoring the case of the bytes.
  func equals(_ range: ByteRange, ignoringCase text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { buffer in
      for index in 0..<buffer.count
      where unsafe lowercased(self[Int(range.lower) + index]) != buffer[index] { return false }
      return true
    }
  }

  /// Copies the bytes of a range.
  func copy(_ range: ByteRange) -> [UInt8] {
    unsafe extracting(range.range).withUnsafeBufferPointer { unsafe Array($0) }
  }
}
