import Elements

/// One line of fixed columns for each event, and a running digest of everything that happened.
///
/// Two runs of a seed are the same when their digests are: time, kind and every byte are in it.
struct Trace {
  /// FNV-1a, 64 bits.
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
  private(set) var count = 0
  /// Kept only where somebody wants to read them.
  private(set) var lines: [String] = []
  let isKept: Bool

  init(isKept: Bool) {
    self.isKept = isKept
  }

  private mutating func mix(_ word: UInt64) {
    digest = (digest ^ word) &* 0x0000_0100_0000_01B3
    digest ^= digest >> 29
  }

  mutating func note(
    _ kind: StaticString, at now: Instant, bytes: [UInt8] = [], _ words: @autoclosure () -> String
  ) {
    count += 1
    mix(UInt64(bitPattern: now.nanoseconds))
    mix(UInt64(kind.utf8CodeUnitCount) << 8 | UInt64(unsafe kind.utf8Start.pointee))
    var word: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      word = word << 8 | UInt64(byte)
      if index & 7 == 7 {
        mix(word)
        word = 0
      }
    }
    mix(word ^ UInt64(bytes.count) << 56)
    guard isKept else { return }
    lines.append("\(Self.time(now)) \(Self.column("\(kind)", 9)) \(words())")
  }

  private static func time(_ now: Instant) -> String {
    let (seconds, micros) = (now.nanoseconds / 1_000_000_000, now.nanoseconds / 1000 % 1_000_000)
    let (left, right) = (String(seconds), String(micros))
    return String(repeating: " ", count: max(0, 6 - left.count)) + left + "."
      + String(repeating: "0", count: 6 - right.count) + right
  }

  static func column(_ text: String, _ width: Int) -> String {
    text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
  }
}
