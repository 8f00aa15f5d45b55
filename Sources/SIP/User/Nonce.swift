package import Elements

/// What a nonce of ours is known by: nobody can choose names.
package enum NonceSubject {}
package typealias NonceName = ID<NonceSubject>

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
    package var name: NonceName { NonceName(UInt64(second) << 32 | UInt64(serial)) }
  }

  package static let letters = 27

  private let key: FingerprintKey
  private let salt: UInt64
  private var serial: UInt32

  /// - Parameters:
  ///   - secret: At least 16 random bytes.
  ///   - salt: Makers of different salts do not know each other's nonces.
  ///   - serial: Of the nonce before the first.
  package init(secret: Secret, salt: UInt64, serial: UInt32 = 0) {
    (key, self.serial) = (FingerprintKey(secret, purpose: "nonce"), serial)
    self.salt = salt
  }

  /// A new nonce for a peer that is seen at `source`.
  package mutating func make(source: IPAddress, realm: Span<UInt8>, at now: Now) -> NonceText {
    serial &+= 1
    let opened = Opened(second: Self.second(of: now), serial: serial)
    return NonceText(opened, seal: seal(opened, source: source, realm: realm))
  }

  /// The content of a nonce that this maker made for that address and realm; nil for any other.
  package func open(
    _ letters: Span<UInt8>, source: IPAddress, realm: Span<UInt8>
  ) -> Opened? {
    guard let (opened, high, low) = NonceText.content(of: letters) else { return nil }
    let seal = seal(opened, source: source, realm: realm)
    // Without a branch before the end: the time tells nobody how much of a guess was right.
    let difference = (seal.high ^ high) | UInt64(UInt32(truncatingIfNeeded: seal.low) ^ low)
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

  private func seal(
    _ opened: Opened, source: IPAddress, realm: Span<UInt8>
  ) -> Fingerprint {
    var seal = key.absorber()
    seal.absorb(salt)
    seal.absorb(source.high)
    seal.absorb(source.low)
    seal.absorb(opened.name.number)
    seal.absorb(part: realm)
    return seal.finish()
  }
}

/// The letters of a nonce, in four words of eight, the first in the lowest bits; behind the last stands zero.
package struct NonceText: Sendable {
  private var words = InlineArray<4, UInt64>(repeating: 0)

  fileprivate init(_ opened: NonceMaker.Opened, seal: Fingerprint) {
    let (name, low) = (opened.name.number, seal.low & 0xFFFF_FFFF)
    words[0] = Base64URL.letters(of: name >> 16).littleEndian
    words[1] = Base64URL.letters(of: name << 32 | seal.high >> 32).littleEndian
    words[2] = Base64URL.letters(of: seal.high << 16 | low >> 16).littleEndian
    words[3] = (Base64URL.letters(of: low << 32) & 0xFF_FFFF).littleEndian
  }

  /// What letters say, the seal in two parts; nil for those that no nonce has.
  fileprivate static func content(
    of letters: Span<UInt8>
  ) -> (opened: NonceMaker.Opened, high: UInt64, low: UInt32)? {
    guard letters.count == NonceMaker.letters else { return nil }
    // The last word is filled up with the letter for zero.
    let last = letters.characters(at: 24) | 0x4141_4141_4100_0000
    guard let first = Base64URL.bits(of: letters.characters(at: 0)),
      let second = Base64URL.bits(of: letters.characters(at: 8)),
      let third = Base64URL.bits(of: letters.characters(at: 16)),
      let fourth = Base64URL.bits(of: last), fourth << 32 == 0
    else { return nil }
    let opened = NonceMaker.Opened(
      second: UInt32(first >> 16), serial: UInt32(first & 0xFFFF) << 16 | UInt32(second >> 32))
    let low = UInt32(third & 0xFFFF) << 16 | UInt32(fourth >> 32)
    return (opened, second << 32 | third >> 16, low)
  }

  /// The letters, to be read without a copy.
  package func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    let all = words.span
    return unsafe all.withUnsafeBytes { bytes in
      unsafe bytes.withMemoryRebound(to: UInt8.self) { letters in
        unsafe body(letters.span.extracting(0..<NonceMaker.letters))
      }
    }
  }

  package var bytes: [UInt8] { withSpan { [UInt8](copying: $0) } }
}

/// Base 64 with the letters that need no escape anywhere (RFC 4648 §5): 48 bits and eight letters at a time.
enum Base64URL {
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// Eight letters for the lowest 48 bits, the first, of the highest six bits, in the lowest byte.
  static func letters(of bits: UInt64) -> UInt64 {
    var values = bits >> 24 & 0xFF_FFFF | (bits & 0xFF_FFFF) << 32
    values = values >> 12 & 0x0FFF_0000_0FFF | (values & 0x0FFF_0000_0FFF) << 16
    values = values >> 6 & 0x003F_003F_003F_003F | (values & 0x003F_003F_003F_003F) << 8
    // A to Z from 65 on, a to z six places behind them, 0 to 9 at 48, then "-" at 45 and "_" at 95.
    let (small, digit) = (values.bytes(from: 26), values.bytes(from: 52))
    let (hyphen, line) = (values.bytes(from: 62), values.bytes(from: 63))
    let raised = values &+ ones &* 65 &+ small &* 6 &+ line &* 49
    return raised &- digit &* 75 &- hyphen &* 13
  }

  /// The 48 bits of eight letters; nil if there is any other among them.
  static func bits(of letters: UInt64) -> UInt64? {
    guard letters & ones << 7 == 0 else { return nil }
    let large = letters.bytes(from: 65, below: 91)
    let small = letters.bytes(from: 97, below: 123)
    let digit = letters.bytes(from: 48, below: 58)
    let hyphen = letters.bytes(from: 45, below: 46)
    let line = letters.bytes(from: 95, below: 96)
    guard large | small | digit | hyphen | line == ones else { return nil }
    let raised = letters &+ digit &* 4 &+ hyphen &* 17
    let values = raised &- large &* 65 &- small &* 71 &- line &* 32
    let twelve = (values & 0x003F_003F_003F_003F) << 6 | values >> 8 & 0x003F_003F_003F_003F
    let half = (twelve & 0x0FFF_0000_0FFF) << 12 | twelve >> 16 & 0x0FFF_0000_0FFF
    return (half & 0xFF_FFFF) << 24 | half >> 32
  }
}
