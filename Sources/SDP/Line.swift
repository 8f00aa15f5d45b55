/// One `<type>=<value>` line: the value is kept as it came, a piece of the text that it was read from.
struct Line: Hashable, Sendable {
  let type: UInt8
  let value: ArraySlice<UInt8>

  init(_ type: UInt8, _ value: ArraySlice<UInt8>) {
    (self.type, self.value) = (type, value)
  }

  init(_ type: UInt8, _ value: [UInt8]) {
    self.init(type, value[...])
  }

  init(_ type: Character, _ text: String) {
    self.init(type.asciiValue ?? 0, Array(text.utf8))
  }

  static let sendReceive = Line("a", Direction.sendReceive.rawValue)
  static let sendOnly = Line("a", Direction.sendOnly.rawValue)
  static let receiveOnly = Line("a", Direction.receiveOnly.rawValue)
  static let inactive = Line("a", Direction.inactive.rawValue)

  /// The line that sets a direction.
  init(_ direction: Direction) {
    self =
      switch direction {
      case .sendReceive: .sendReceive
      case .sendOnly: .sendOnly
      case .receiveOnly: .receiveOnly
      case .inactive: .inactive
      }
  }

  /// The direction that the line sets; nil for any other line.
  var direction: Direction? { type == .a ? Direction(attribute: value) : nil }

  /// Whether the line is `a=name` or `a=name:…`; names are case-sensitive (RFC 8866 §5.13).
  func isAttribute(_ name: StaticString) -> Bool {
    type == .a && attributeNameSize == name.utf8CodeUnitCount && value.starts(with: name)
  }

  /// What stands behind `a=name:`, empty for `a=name`; nil for any other line.
  func attributeValue(_ name: StaticString) -> ArraySlice<UInt8>? {
    let size = name.utf8CodeUnitCount
    guard type == .a, value.count >= size else { return nil }
    let end = value.startIndex + size
    guard end == value.endIndex || value[end] == .colon, value.starts(with: name) else {
      return nil
    }
    return value[min(end + 1, value.endIndex)...]
  }

  /// How many bytes of the value are the name of an attribute.
  var attributeNameSize: Int { (value.firstIndex(of: .colon) ?? value.endIndex) - value.startIndex }
}

extension UInt8 {
  static let a = UInt8(ascii: "a")
  static let b = UInt8(ascii: "b")
  static let c = UInt8(ascii: "c")
  static let e = UInt8(ascii: "e")
  static let i = UInt8(ascii: "i")
  static let k = UInt8(ascii: "k")
  static let m = UInt8(ascii: "m")
  static let o = UInt8(ascii: "o")
  static let p = UInt8(ascii: "p")
  static let s = UInt8(ascii: "s")
  static let t = UInt8(ascii: "t")
  static let u = UInt8(ascii: "u")
  static let v = UInt8(ascii: "v")
  static let colon = UInt8(ascii: ":")
  static let equals = UInt8(ascii: "=")
  static let slash = UInt8(ascii: "/")
  static let space = UInt8(ascii: " ")
}

extension ArraySlice where Element == UInt8 {
  /// Whether these bytes begin with a name.
  func starts(with name: StaticString) -> Bool {
    guard count >= name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { name in
      for offset in 0..<name.count where unsafe self[startIndex + offset] != name[offset] {
        return false
      }
      return true
    }
  }

  /// The next word between spaces and tabs, from `index` on; empty where there is none.
  func word(at index: inout Int) -> ArraySlice<UInt8> {
    while index < endIndex, self[index] == .space || self[index] == 9 { index += 1 }
    let start = index
    while index < endIndex, self[index] != .space, self[index] != 9 { index += 1 }
    return self[start..<index]
  }

  /// The next part between one or more separators, from `index` on; empty where there is none.
  func part(at index: inout Int, between separator: UInt8 = .slash) -> ArraySlice<UInt8> {
    while index < endIndex, self[index] == separator { index += 1 }
    let start = index
    while index < endIndex, self[index] != separator { index += 1 }
    return self[start..<index]
  }

  /// The first word between spaces and tabs.
  var firstWord: ArraySlice<UInt8> {
    var index = startIndex
    return word(at: &index)
  }
}

extension Span where Element == UInt8 {
  /// The next word between spaces and tabs, from `offset` on; empty where there is none.
  func word(at offset: inout Int) -> Range<Int> {
    while offset < count, self[offset] == .space || self[offset] == 9 { offset += 1 }
    let start = offset
    while offset < count, self[offset] != .space, self[offset] != 9 { offset += 1 }
    return start..<offset
  }

  /// Whether a range is `word`, which is in lower-case letters and digits, in any case.
  func isWord(_ word: StaticString, at range: Range<Int>) -> Bool {
    guard range.count == word.utf8CodeUnitCount else { return false }
    return word.withUTF8Buffer { letters in
      for index in 0..<range.count {
        let byte = self[range.lowerBound + index]
        let folded = byte &- 65 < 26 ? byte | 0x20 : byte
        guard unsafe folded == letters[index] else { return false }
      }
      return true
    }
  }
}

extension Collection where Element == UInt8 {
  /// The words between single or repeated spaces and tabs.
  var words: [SubSequence] { split { $0 == .space || $0 == 9 } }

  /// Whether these bytes are `word`, which is in lower-case letters, digits and signs, in any case.
  func isWord(_ word: StaticString) -> Bool {
    count == word.utf8CodeUnitCount
      && word.withUTF8Buffer { letters in
        unsafe elementsEqual(letters) { $0 == $1 || $0 &- 65 < 26 && $0 | 0x20 == $1 }
      }
  }

  /// The text, with the replacement character where it is not UTF-8.
  var text: String { String(decoding: self, as: UTF8.self) }

  /// A decimal number of at most `digits` digits and nothing else.
  func number(digits: Int = 10) -> Int? {
    guard !isEmpty, count <= digits else { return nil }
    var result = 0
    for byte in self {
      guard (48...57).contains(byte) else { return nil }
      result = result * 10 + Int(byte - 48)
    }
    return result
  }
}
