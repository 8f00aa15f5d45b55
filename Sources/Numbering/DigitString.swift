/// Up to 15 keys of a telephone, `0`…`9`, `*` and `#`, packed into one word: hashed, compared and cut
/// without a `String`.
package struct DigitString: Hashable, Comparable, Sendable {
  /// The first key in the highest four bits; the count in the lowest four.
  ///
  /// `*` is 10, `#` is 11.
  package let word: UInt64

  /// E.164 §6.1: a number has 15 digits at most.
  package static let maximumCount = 15
  package static let empty = DigitString(word: 0)

  private init(word: UInt64) {
    self.word = word
  }

  /// Reads back ``word``; nil when no string of keys has it.
  package init?(storedWord: UInt64) {
    var copy = DigitString.empty
    for index in 0..<Int(storedWord & 15) {
      guard
        let longer = copy.appending(UInt8(truncatingIfNeeded: storedWord >> Self.shift(index) & 15))
      else { return nil }
      copy = longer
    }
    guard copy.word == storedWord else { return nil }
    self = copy
  }

  /// Nil unless `text` is 1 to 15 characters out of `0`…`9`, `*` and `#`.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    self.init(parsing: bytes.span)
  }

  /// Nil unless `bytes` are 1 to 15 characters out of `0`…`9`, `*` and `#`.
  package init?(parsing bytes: Span<UInt8>) {
    var digits = DigitString.empty
    guard !bytes.isEmpty else { return nil }
    for index in bytes.indices {
      guard let key = Self.key(bytes[index]), let longer = digits.appending(key) else { return nil }
      digits = longer
    }
    self = digits
  }

  package var count: Int { Int(truncatingIfNeeded: word & 15) }
  package var isEmpty: Bool { word == 0 }
  /// True when there is neither `*` nor `#` in it.
  package var isDigits: Bool {
    (0..<count).allSatisfy { self[$0] < 10 }
  }

  /// The key at `index`, 0…9, 10 for `*`, 11 for `#`.
  package subscript(index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: word >> Self.shift(index) & 15)
  }

  /// One key longer; nil when it is full or `key` is none.
  package func appending(_ key: UInt8) -> DigitString? {
    guard count < Self.maximumCount, key < 12 else { return nil }
    return DigitString(word: (word | UInt64(key) << Self.shift(count)) + 1)
  }

  /// The first `length` keys; all of them when there are no more.
  package func prefix(_ length: Int) -> DigitString {
    guard length < count else { return self }
    guard length > 0 else { return .empty }
    let mask = ~UInt64(0) << Self.shift(length - 1)
    return DigitString(word: word & mask | UInt64(length))
  }

  package func hasPrefix(_ prefix: DigitString) -> Bool {
    prefix.count <= count && self.prefix(prefix.count) == prefix
  }

  /// All but the first `length` keys.
  package func dropFirst(_ length: Int) -> DigitString {
    guard length > 0 else { return self }
    guard length < count else { return .empty }
    return DigitString(word: (word & ~15) << UInt64(4 * length) | UInt64(count - length))
  }

  package static func < (left: DigitString, right: DigitString) -> Bool { left.word < right.word }

  /// Appends the keys as ASCII.
  package func write(into bytes: inout [UInt8]) {
    bytes.append(addingCapacity: count) { text in
      for index in 0..<count { text.append(character(at: index)) }
    }
  }

  /// The key at `index` in ASCII.
  func character(at index: Int) -> UInt8 {
    let key = self[index]
    return key < 10 ? 48 + key : key == 10 ? UInt8(ascii: "*") : UInt8(ascii: "#")
  }

  private static func shift(_ index: Int) -> UInt64 { UInt64(60 - 4 * index) }

  private static func key(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case UInt8(ascii: "*"): 10
    case UInt8(ascii: "#"): 11
    case _: nil
    }
  }
}

extension DigitString: CustomStringConvertible {
  package var description: String {
    unsafe String(unsafeUninitializedCapacity: count) { text in
      for index in 0..<count { unsafe text[index] = character(at: index) }
      return count
    }
  }
}
