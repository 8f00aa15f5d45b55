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
    let words = Self.words(of: bytes, Int(range.lower), Int(range.upper))
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
