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
  package init(_ secret: Secret, purpose: StaticString) {
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

  package mutating func absorb(_ byte: UInt8) { absorb(UInt64(byte), bytes: 1) }

  /// The bytes and their end, so that ("ab", "c") and ("a", "bc") are two names.
  package mutating func absorb(part bytes: Span<UInt8>) {
    absorb(bytes) { $0 }
    absorb(UInt64(bytes.count & 0xFFFF), bytes: 2)
  }

  /// As ``absorb(part:)``, with ASCII letters in lower case: names of hosts.
  package mutating func absorb(lowercased bytes: Span<UInt8>) {
    absorb(bytes) { $0.lowercasedCharacters }
    absorb(UInt64(bytes.count & 0xFFFF), bytes: 2)
  }

  package mutating func absorb(raw bytes: Span<UInt8>) { absorb(bytes) { $0 } }

  /// Eight bytes, the lowest first.
  package mutating func absorb(_ number: UInt64) { absorb(number, bytes: 8) }

  /// Bytes in words of eight, the first in the lowest bits.
  @inline(__always)
  private mutating func absorb(_ bytes: Span<UInt8>, _ fold: (UInt64) -> UInt64) {
    var index = 0
    // Whole words at once where nothing is held from before.
    if count & 7 == 0 {
      while index <= bytes.count - 8 {
        compress(fold(bytes.characters(at: index)))
        index &+= 8
      }
      count += index
    }
    while index < bytes.count {
      let length = min(8, bytes.count - index)
      absorb(fold(bytes.characters(at: index)), bytes: length)
      index += length
    }
  }

  /// The lowest one to eight bytes of a word; all bits above them are zero.
  @inline(__always)
  private mutating func absorb(_ word: UInt64, bytes: Int) {
    let held = count & 7
    count += bytes
    pending |= word << UInt64(held * 8)
    guard held + bytes >= 8 else { return }
    compress(pending)
    pending = held > 0 ? word >> UInt64((8 - held) * 8) : 0
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

  @inline(__always)
  private mutating func compress(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  @inline(__always)
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
