extension DialledKeys {
  /// Longest dialled string that is looked at, in bytes, parameters included.
  static let maximumBytes = 256

  /// Undoes what a dialled string can hide behind: `%2B`, full-width and Arabic digits, separators,
  /// letters of a keypad, and parameters (`;npdi;rn=…`, `;isub=…`, `;postd=…`), of which only a global
  /// `;phone-context=+…` counts, because it completes the number (RFC 3966 §5.1.5).
  init(parsing bytes: Span<UInt8>) throws(DiallingError) {
    self.init()
    guard bytes.count <= Self.maximumBytes else { throw .tooLong }
    let all = (0..<bytes.count).map { bytes[$0] }
    var scanner = DialledScanner(all)
    while let symbol = try scanner.next() {
      switch symbol {
      case .key(let key):
        try append(key)
      case .letter(let key):
        // 1-800-FLOWERS is a number, "alice" is a name.
        guard contains({ $0 < 10 }) else { throw .notANumber }
        try append(key)
      case .separator:
        continue
      case .pause:
        return
      case .parameters(let offset):
        try completeFromContext(in: all[offset...])
        return
      }
    }
  }

  /// Puts the digits of a global phone-context in front of a local number.
  private mutating func completeFromContext(in parameters: ArraySlice<UInt8>) throws(DiallingError)
  {
    guard !isGlobal, let context = Self.globalContext(in: parameters) else { return }
    try complete(with: context)
  }

  private static func globalContext(in parameters: ArraySlice<UInt8>) -> DialledKeys? {
    for parameter in parameters.split(separator: UInt8(ascii: ";")) {
      let parts = parameter.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2,
        parts[0].map({ $0 | 0x20 }).elementsEqual("phone-context".utf8.map { $0 | 0x20 }),
        let keys = try? DialledKeys(parsing: Array(parts[1]).span), keys.isGlobal
      else { continue }
      return keys
    }
    return nil
  }
}

/// Reads one symbol after the other, escapes and UTF-8 decoded.
private struct DialledScanner {
  enum Symbol {
    case key(UInt8)
    case letter(UInt8)
    case separator
    /// A comma: what follows is for after the answer.
    case pause
    /// A semicolon; the offset of what follows it.
    case parameters(Int)
  }

  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func next() throws(DiallingError) -> Symbol? {
    guard let byte = try nextByte() else { return nil }
    return byte < 0x80 ? try ascii(byte) : try decoded(scalar(startingWith: byte))
  }

  private func ascii(_ byte: UInt8) throws(DiallingError) -> Symbol {
    switch byte {
    case 48...57: return .key(byte - 48)
    case UInt8(ascii: "*"): return .key(10)
    case UInt8(ascii: "#"): return .key(11)
    case UInt8(ascii: "+"): return .key(DialledKeys.plus)
    case UInt8(ascii: ";"): return .parameters(offset)
    case UInt8(ascii: ","): return .pause
    case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("),
      UInt8(ascii: ")"), UInt8(ascii: "/"), UInt8(ascii: "["), UInt8(ascii: "]"),
      UInt8(ascii: "~"):
      return .separator
    case 65...90, 97...122: return .letter(Self.keypad[Int(byte | 0x20) - 97])
    case _: throw .notANumber
    }
  }

  /// ITU-T E.161: the key of each letter from a to z.
  private static let keypad: [UInt8] = [
    2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 9, 9, 9, 9,
  ]

  private func decoded(_ scalar: UInt32) throws(DiallingError) -> Symbol {
    switch scalar {
    case 0xFF10...0xFF19: .key(UInt8(scalar - 0xFF10))  // Full-width.
    case 0x0660...0x0669: .key(UInt8(scalar - 0x0660))  // Arabic-Indic.
    case 0x06F0...0x06F9: .key(UInt8(scalar - 0x06F0))  // Eastern Arabic-Indic.
    case 0x0966...0x096F: .key(UInt8(scalar - 0x0966))  // Devanagari.
    case 0xFF0A: .key(10)
    case 0xFF03: .key(11)
    case 0xFF0B: .key(DialledKeys.plus)
    case 0xFF21...0xFF3A: .letter(Self.keypad[Int(scalar - 0xFF21)])
    case 0xFF41...0xFF5A: .letter(Self.keypad[Int(scalar - 0xFF41)])
    // Spaces, hyphens, brackets, soft hyphen, marks without width or for the direction of writing.
    case 0x00A0, 0x00AD, 0x2000...0x200F, 0x2010...0x2015, 0x202A...0x202F, 0x2060...0x2069,
      0x2212, 0x3000, 0x30FC, 0xFEFF, 0xFF08, 0xFF09, 0xFF0D...0xFF0F, 0xFF3B, 0xFF3D, 0xFF5E:
      .separator
    case _: throw .notANumber
    }
  }

  /// The next byte with `%2B` and its like decoded, once.
  private mutating func nextByte() throws(DiallingError) -> UInt8? {
    guard offset < bytes.count else { return nil }
    let byte = bytes[offset]
    offset += 1
    guard byte == UInt8(ascii: "%") else { return byte }
    guard offset + 1 < bytes.count, let high = hexadecimal(bytes[offset]),
      let low = hexadecimal(bytes[offset + 1])
    else { throw .notANumber }
    offset += 2
    return high << 4 | low
  }

  private func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    case _: nil
    }
  }

  /// Decodes two or three bytes of UTF-8; no key of a telephone has four.
  private mutating func scalar(startingWith first: UInt8) throws(DiallingError) -> UInt32 {
    let following = first >> 5 == 0b110 ? 1 : first >> 4 == 0b1110 ? 2 : 0
    guard following > 0 else { throw .notANumber }
    var value = UInt32(first & (following == 1 ? 0x1F : 0x0F))
    for _ in 0..<following {
      guard let byte = try nextByte(), byte >> 6 == 0b10 else { throw .notANumber }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    guard value >= (following == 1 ? 0x80 : 0x800) else { throw .notANumber }
    return value
  }
}
