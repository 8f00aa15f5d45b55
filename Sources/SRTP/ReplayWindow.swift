/// Which packet numbers were seen: the highest, and the 128 up to it (RFC 3711 §3.3.2).
struct ReplayWindow: Hashable, Sendable {
  static let size: UInt64 = 128

  /// The highest number seen; nil: none yet.
  private(set) var highest: UInt64?
  /// Bit n: `highest - n` was seen.
  private var seen: UInt128 = 0

  /// Whether a packet with this number is new enough and was not seen.
  func isFresh(_ index: UInt64) -> Bool {
    guard let highest, index <= highest else { return true }
    let age = highest - index
    return age < Self.size && seen >> UInt128(age) & 1 == 0
  }

  mutating func note(_ index: UInt64) {
    guard let highest else {
      (self.highest, seen) = (index, 1)
      return
    }
    if index > highest {
      let step = index - highest
      seen = step < Self.size ? seen << UInt128(step) | 1 : 1
      self.highest = index
    } else if highest - index < Self.size {
      seen |= 1 << UInt128(highest - index)
    }
  }
}

/// What one synchronization source has used of the key.
struct SourceState: Hashable, Sendable {
  let source: UInt32
  var packets = ReplayWindow()
  var reports = ReplayWindow()

  init(_ source: UInt32) {
    self.source = source
  }

  /// The 48-bit index a sequence number stands for: the one nearest to the highest seen (RFC 3711
  /// §3.3.1, Appendix A); nil before the first turn of the counter, where no packet can be.
  func index(of sequence: UInt16) -> UInt64? {
    guard let highest = packets.highest else { return UInt64(sequence) }
    return Self.index(of: sequence, near: highest)
  }

  static func index(of sequence: UInt16, near highest: UInt64) -> UInt64? {
    let delta = Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest))
    let index = Int64(highest) + Int64(delta)
    return index < 0 ? nil : UInt64(index)
  }

  static let highestPacket: UInt64 = 1 << 48 - 1
  static let highestReport: UInt64 = 1 << 31 - 1
}
