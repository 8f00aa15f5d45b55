/// The two laws of ITU-T G.711, from linear samples of 16 bits.
enum G711 {
  enum Law: Hashable, Sendable { case mu, a }

  static func encode(_ sample: Int16, _ law: Law) -> UInt8 {
    switch law {
    case .mu: mu(sample)
    case .a: a(sample)
    }
  }

  /// Sign, segment of eight, position of sixteen; all bits turned over.
  private static func mu(_ sample: Int16) -> UInt8 {
    let sign: UInt8 = sample < 0 ? 0x80 : 0
    let magnitude = min(Int32(sample).magnitude, 32_635) + 0x84
    let segment = 24 - UInt32(magnitude.leadingZeroBitCount)
    let position = UInt8(magnitude >> (segment + 3) & 0x0F)
    return ~(sign | UInt8(segment << 4) | position)
  }

  /// Sign, segment of eight (the first two alike), position of sixteen; every other bit turned over.
  private static func a(_ sample: Int16) -> UInt8 {
    let sign: UInt8 = sample >= 0 ? 0x80 : 0
    // Negative values are counted from -1, so that both halves have as many steps.
    let magnitude = UInt32(sample >= 0 ? Int32(sample) : -1 - Int32(sample)) >> 3
    let code: UInt8
    if magnitude < 32 {
      code = UInt8(magnitude >> 1)
    } else {
      let segment = 27 - UInt32(magnitude.leadingZeroBitCount)
      code = UInt8(segment << 4) | UInt8(magnitude >> segment & 0x0F)
    }
    return (sign | code) ^ 0x55
  }
}
