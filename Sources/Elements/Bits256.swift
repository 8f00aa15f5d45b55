/// 32 bytes: a digest of SHA-256, a public key of Ed25519.
package struct Bits256: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Highest first.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  package static let zero = Bits256(words: (0, 0, 0, 0))

  private init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// Nil unless there are 32 bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    func word(_ index: Int) -> UInt64 {
      bytes[8 * index..<8 * index + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    words = (word(0), word(1), word(2), word(3))
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    words = (try reader.read(), try reader.read(), try reader.read(), try reader.read())
  }

  package func encode(into writer: inout ByteWriter) {
    writer.write(words.0)
    writer.write(words.1)
    writer.write(words.2)
    writer.write(words.3)
  }

  package var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
    }
  }

  package static func == (left: Bits256, right: Bits256) -> Bool { left.words == right.words }

  package static func < (left: Bits256, right: Bits256) -> Bool { left.words < right.words }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.3)
  }

  /// 64 hexadecimal digits.
  package var description: String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
