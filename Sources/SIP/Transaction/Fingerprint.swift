package import Elements

/// A name in 128 bits for the bytes that identify a transaction or a dialog.
///
/// SipHash-2-4 under a key of our own (Aumasson, Bernstein 2012): nobody outside can make two names
/// meet, so that the bytes themselves need not be kept, compared or hashed a second time.
package struct Fingerprint: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    (self.high, self.low) = (high, low)
  }

  /// Half of the bits are enough for a bucket; equality looks at all of them.
  package func hash(into hasher: inout Hasher) { hasher.combine(low) }
}

/// The secret under which names are made: drawn once by each core.
package struct FingerprintKey: Sendable {
  private let k0: UInt64
  private let k1: UInt64

  package init(_ k0: UInt64, _ k1: UInt64) {
    (self.k0, self.k1) = (k0, k1)
  }

  /// A key of its own for each purpose that one secret serves.
  init(_ secret: Secret, purpose: StaticString) {
    var run = HashRun()
    run.begin(.sha256)
    run.absorb(purpose)
    run.absorb(":")
    run.absorb(secret.exposed)
    let hash = run.finish()
    (k0, k1) = (hash.word(at: 0), hash.word(at: 8))
  }

  package init(dice: inout Dice) {
    (k0, k1) = (dice.next(), dice.next())
  }

  package func absorber() -> FingerprintAbsorber { FingerprintAbsorber(k0, k1) }
}

/// Takes the parts of a name one after the other.
package struct FingerprintAbsorber: Sendable {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64
  private var pending: UInt64 = 0
  private var count = 0

  fileprivate init(_ k0: UInt64, _ k1: UInt64) {
    v0 = k0 ^ 0x736f_6d65_7073_6575
    v1 = k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
    v2 = k0 ^ 0x6c79_6765_6e65_7261
    v3 = k1 ^ 0x7465_6462_7974_6573
  }

  package mutating func absorb(_ byte: UInt8) {
    pending |= UInt64(byte) << UInt64((count & 7) * 8)
    count += 1
    if count & 7 == 0 {
      compress(pending)
      pending = 0
    }
  }

  /// The bytes and their end, so that ("ab", "c") and ("a", "bc") are two names.
  package mutating func absorb(part bytes: Span<UInt8>) {
    absorb(raw: bytes)
    absorb(UInt8(truncatingIfNeeded: bytes.count))
    absorb(UInt8(truncatingIfNeeded: bytes.count >> 8))
  }

  /// As ``absorb(part:)``, with ASCII letters in lower case: names of hosts.
  package mutating func absorb(lowercased bytes: Span<UInt8>) {
    for index in bytes.indices {
      let byte = bytes[index]
      absorb(byte >= 65 && byte <= 90 ? byte | 0x20 : byte)
    }
    absorb(UInt8(truncatingIfNeeded: bytes.count))
    absorb(UInt8(truncatingIfNeeded: bytes.count >> 8))
  }

  package mutating func absorb(raw bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count, count & 7 != 0 {
      absorb(bytes[index])
      index += 1
    }
    let words = unsafe bytes.bytes
    while bytes.count - index >= 8 {
      let word = unsafe words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
      compress(UInt64(littleEndian: word))
      index += 8
      count += 8
    }
    while index < bytes.count {
      absorb(bytes[index])
      index += 1
    }
  }

  /// Eight bytes, the lowest first.
  package mutating func absorb(_ number: UInt64) {
    let shift = UInt64((count & 7) * 8)
    count += 8
    guard shift > 0 else {
      compress(number)
      return
    }
    compress(pending | number << shift)
    pending = number >> (64 - shift)
  }

  package consuming func finish() -> Fingerprint {
    compress(pending | UInt64(truncatingIfNeeded: count) << 56)
    v2 ^= 0xee
    for _ in 0..<4 { round() }
    let low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= 0xdd
    for _ in 0..<4 { round() }
    return Fingerprint(high: v0 ^ v1 ^ v2 ^ v3, low: low)
  }

  private mutating func compress(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  private mutating func round() {
    v0 &+= v1
    v2 &+= v3
    v1 = (v1 << 13 | v1 >> 51) ^ v0
    v3 = (v3 << 16 | v3 >> 48) ^ v2
    v0 = v0 << 32 | v0 >> 32
    v2 &+= v1
    v0 &+= v3
    v1 = (v1 << 17 | v1 >> 47) ^ v2
    v3 = (v3 << 21 | v3 >> 43) ^ v0
    v2 = v2 << 32 | v2 >> 32
  }
}
