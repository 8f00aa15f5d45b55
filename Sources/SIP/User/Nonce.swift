package import Elements

/// Makes nonces and knows its own again, without remembering any that it made.
///
/// A nonce is 27 letters: the second it was made in, a serial number, and a seal of 12 bytes over
/// source address, realm, second and serial. So a challenge costs no memory, a nonce proves that its
/// bearer receives at that address, and no two phones share one. The seal is SipHash-2-4 with 128 bits
/// under a secret key: a message authentication code made for short inputs, a tenth of HMAC's cost,
/// and floods of unauthenticated requests pay for nothing else.
package struct NonceMaker: Sendable {
  /// What a nonce is, once its seal is found right.
  package struct Opened: Hashable, Sendable {
    package let second: UInt32
    package let serial: UInt32

    /// The name under which its uses are counted.
    package var name: UInt64 { UInt64(second) << 32 | UInt64(serial) }
  }

  package static let letters = 27

  private let key: FingerprintKey
  private var serial: UInt32

  package init(secret: Secret, serial: UInt32 = 0) {
    (key, self.serial) = (FingerprintKey(secret, purpose: "nonce"), serial)
  }

  /// A new nonce for a peer that is seen at `source`.
  package mutating func make(source: IPAddress, realm: Span<UInt8>, at now: Now) -> [UInt8] {
    serial &+= 1
    let opened = Opened(second: Self.second(of: now), serial: serial)
    let seal = seal(opened, source: source, realm: realm)
    var bytes = InlineArray<20, UInt8>(repeating: 0)
    for place in 0..<8 {
      let shift = UInt64(56 - 8 * place)
      bytes[place] = UInt8(truncatingIfNeeded: opened.name >> shift)
      bytes[place + 8] = UInt8(truncatingIfNeeded: seal.high >> shift)
      if place >= 4 { bytes[place + 12] = UInt8(truncatingIfNeeded: seal.low >> shift) }
    }
    return Base64URL.encode(bytes.span)
  }

  /// The content of a nonce that this maker made for that address and realm; nil for any other.
  package func open(
    _ letters: Span<UInt8>, source: IPAddress, realm: Span<UInt8>
  ) -> Opened? {
    guard letters.count == Self.letters else { return nil }
    var bytes = InlineArray<20, UInt8>(repeating: 0)
    var places = bytes.mutableSpan
    guard Base64URL.decode(letters, into: &places) else { return nil }
    let opened = Opened(second: Self.number(bytes, at: 0), serial: Self.number(bytes, at: 4))
    let seal = seal(opened, source: source, realm: realm)
    let high = UInt64(Self.number(bytes, at: 8)) << 32 | UInt64(Self.number(bytes, at: 12))
    // Without a branch before the end: the time tells nobody how much of a guess was right.
    let difference =
      (seal.high ^ high)
      | UInt64(UInt32(truncatingIfNeeded: seal.low) ^ Self.number(bytes, at: 16))
    return difference == 0 ? opened : nil
  }

  /// How long ago the nonce was made, at least zero.
  package static func age(of opened: Opened, at now: Now) -> Duration {
    .seconds(Int64(second(of: now) &- opened.second))
  }

  /// Seconds of the monotonic clock: a set-back wall clock gives no nonce a second life.
  private static func second(of now: Now) -> UInt32 {
    UInt32(truncatingIfNeeded: now.instant.nanoseconds / 1_000_000_000)
  }

  private static func number(_ bytes: InlineArray<20, UInt8>, at offset: Int) -> UInt32 {
    UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16
      | UInt32(bytes[offset + 2]) << 8 | UInt32(bytes[offset + 3])
  }

  private func seal(
    _ opened: Opened, source: IPAddress, realm: Span<UInt8>
  ) -> Fingerprint {
    var seal = key.absorber()
    seal.absorb(source.high)
    seal.absorb(source.low)
    seal.absorb(opened.name)
    seal.absorb(part: realm)
    return seal.finish()
  }
}

/// Base 64 with the letters that need no escape anywhere, without padding (RFC 4648 §5).
enum Base64URL {
  static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
    var encoded: [UInt8] = []
    encoded.append(addingCapacity: (bytes.count * 8 + 5) / 6) { letters in
      var (bits, count): (UInt32, UInt32) = (0, 0)
      for index in bytes.indices {
        (bits, count) = (bits &<< 8 | UInt32(bytes[index]), count &+ 8)
        while count >= 6 {
          count &-= 6
          letters.append(letter(of: UInt8(truncatingIfNeeded: bits &>> count & 63)))
        }
      }
      if count > 0 {
        letters.append(letter(of: UInt8(truncatingIfNeeded: bits << (6 - count) & 63)))
      }
    }
    return encoded
  }

  /// False for a foreign letter, for another number of bytes, and for bits that ``encode(_:)`` would not have
  /// written.
  static func decode(_ letters: Span<UInt8>, into bytes: inout MutableSpan<UInt8>) -> Bool {
    guard bytes.count == letters.count * 6 / 8 else { return false }
    var (bits, count, made): (UInt32, UInt32, Int) = (0, 0, 0)
    for index in letters.indices {
      guard let value = value(of: letters[index]) else { return false }
      (bits, count) = (bits &<< 6 | value, count &+ 6)
      if count >= 8 {
        count &-= 8
        bytes[made] = UInt8(truncatingIfNeeded: bits &>> count)
        made += 1
      }
    }
    return count < 6 && bits & ((1 << count) - 1) == 0
  }

  private static func letter(of value: UInt8) -> UInt8 {
    switch value {
    case 0...25: value + 65
    case 26...51: value + 71
    case 52...61: value - 4
    case 62: 45
    case _: 95
    }
  }

  private static func value(of letter: UInt8) -> UInt32? {
    switch letter {
    case 65...90: UInt32(letter) - 65
    case 97...122: UInt32(letter) - 71
    case 48...57: UInt32(letter) + 4
    case 45: 62
    case 95: 63
    case _: nil
    }
  }
}
