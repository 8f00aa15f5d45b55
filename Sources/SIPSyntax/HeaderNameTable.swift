import Elements

/// Finds a header name in constant time: eight bytes at a time, folded to lower case and hashed.
struct HeaderNameTable: Sendable {
  static let shared = HeaderNameTable()

  /// The longest name that we know has 25 bytes.
  private static let longest = 32

  /// A name in lower case, in four words of eight bytes, padded with zeros.
  private struct Words: Hashable {
    var (first, second, third, fourth): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// The slot where the search starts.
    @inline(__always)
    var slot: Int {
      let mixed = (first ^ (second &<< 7) ^ (third &<< 13) ^ fourth) &* 0x9E37_79B9_7F4A_7C15
      return Int(truncatingIfNeeded: mixed &>> 54)
    }
  }

  private struct Entry {
    var words = Words()
    var name: HeaderName?
  }

  /// 1,024 slots for some hundred names; an empty slot ends a search.
  private var entries = [Entry](repeating: Entry(), count: 1024)

  /// "Via: " and so on, by raw value.
  private let prefixes: [[UInt8]]

  private init() {
    prefixes = HeaderName.allCases.map { Array("\($0.text): ".utf8) }
    for name in HeaderName.allCases {
      insert(name, Array("\(name.text)".utf8))
      if let letter = name.compactForm { insert(name, Array(String(letter).utf8)) }
    }
  }

  private mutating func insert(_ name: HeaderName, _ text: [UInt8]) {
    let words = Self.words(of: text.span, 0, text.count)
    var slot = words.slot
    while entries[slot].name != nil { slot = (slot + 1) & 1023 }
    entries[slot] = Entry(words: words, name: name)
  }

  /// A name as we write it, with the colon and the space behind it.
  @inline(__always)
  func prefix(of name: HeaderName) -> [UInt8] { prefixes[Int(name.rawValue)] }

  /// The field that a range of `bytes`, which is a token, names.
  @inline(__always)
  func lookUp(_ bytes: Span<UInt8>, _ range: ByteRange) -> HeaderName? {
    guard range.count <= Self.longest, range.count > 0 else { return nil }
    return find(Self.words(of: bytes, Int(range.lower), Int(range.upper)))
  }

  /// The field whose name begins at `lower`, and where the colon is that follows it at once.
  ///
  /// Nil for a name that we do not know, and for one of more than 15 letters or with white space behind it, which the other
  /// functions find: nearly all are as this one wants them, and it finds name and colon in one go.
  @inline(__always)
  func lookUp(_ bytes: Span<UInt8>, from lower: Int, end: Int) -> (name: HeaderName, colon: Int)? {
    var words = Words()
    var start = lower
    guard start + 8 <= bytes.count else { return nil }
    words.first = bytes.wordUnaligned(at: start)
    var length = Self.cutAtColon(&words.first)
    if length == 8 {
      start += 8
      guard start + 8 <= bytes.count else { return nil }
      words.second = bytes.wordUnaligned(at: start)
      length = Self.cutAtColon(&words.second)
    }
    guard length < 8, start + length < end, let name = find(words) else { return nil }
    return (name, start + length)
  }

  /// Folds letters to lower case and puts zeros for a colon and what is behind it.
  ///
  /// - Returns: How many bytes are left.
  @inline(__always)
  private static func cutAtColon(_ word: inout UInt64) -> Int {
    let colons = word ^ 0x3A3A_3A3A_3A3A_3A3A
    // The lowest set bit is exact.
    let hits = (colons &- 0x0101_0101_0101_0101) & ~colons & 0x8080_8080_8080_8080
    word |= 0x2020_2020_2020_2020
    guard hits != 0 else { return 8 }
    word &= ((hits & (0 &- hits)) &>> 7) &- 1
    return hits.trailingZeroBitCount &>> 3
  }

  @inline(__always)
  private func find(_ words: Words) -> HeaderName? {
    var slot = words.slot
    while let name = entries[slot].name {
      if entries[slot].words == words { return name }
      slot = (slot + 1) & 1023
    }
    return nil
  }

  @inline(__always)
  private static func words(of bytes: Span<UInt8>, _ lower: Int, _ upper: Int) -> Words {
    var words = Words()
    words.first = bytes.foldedWord(ByteRange(lower, upper))
    guard upper - lower > 8 else { return words }
    words.second = bytes.foldedWord(ByteRange(lower + 8, upper))
    guard upper - lower > 16 else { return words }
    words.third = bytes.foldedWord(ByteRange(lower + 16, upper))
    guard upper - lower > 24 else { return words }
    words.fourth = bytes.foldedWord(ByteRange(lower + 24, upper))
    return words
  }
}
