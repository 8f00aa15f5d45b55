/// A set of ASCII characters as 128 bits; no byte above 0x7F is a member.
package struct ByteSet: Hashable, Sendable {
  private let low: UInt64
  private let high: UInt64

  init(low: UInt64, high: UInt64) {
    (self.low, self.high) = (low, high)
  }

  @inline(__always)
  package func contains(_ byte: UInt8) -> Bool {
    let half = byte & 0x40 == 0 ? low : high
    return byte < 0x80 && (half &>> UInt64(byte & 0x3F)) & 1 == 1
  }

  /// Most sets do: then a stretch of nothing else is passed in steps of eight bytes.
  @inline(__always)
  var holdsLettersAndDigits: Bool {
    let (digits, letters): (UInt64, UInt64) = (0x03FF_0000_0000_0000, 0x07FF_FFFE_07FF_FFFE)
    return low & digits == digits && high & letters == letters
  }
}

// The bits are written out so that the sets are constants; `GrammarTests` holds them to the grammar.
extension ByteSet {
  package static let alpha = ByteSet(low: 0, high: 0x07FF_FFFE_07FF_FFFE)
  package static let digit = ByteSet(low: 0x03FF_0000_0000_0000, high: 0)
  package static let hexadecimal = ByteSet(low: 0x03FF_0000_0000_0000, high: 0x0000_007E_0000_007E)
  /// `token` (RFC 3261 §25.1).
  package static let token = ByteSet(low: 0x03FF_6CA2_0000_0000, high: 0x47FF_FFFF_87FF_FFFE)
  /// `word`, what a Call-ID is made of (RFC 3261 §25.1).
  package static let word = ByteSet(low: 0xD7FF_EFA6_0000_0000, high: 0x6FFF_FFFF_BFFF_FFFE)
  /// The second and later characters of `scheme`.
  package static let scheme = ByteSet(low: 0x03FF_6800_0000_0000, high: 0x07FF_FFFE_07FF_FFFE)
  /// `hostname`, and "_", which is outside the grammar and inside many networks.
  package static let hostName = ByteSet(low: 0x03FF_6000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE)
  /// `user` as received: with "%", and "#", which many phones forget to escape.
  package static let user = ByteSet(low: 0xABFF_FFFA_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
  /// What `user` may hold without an escape.
  package static let plainUser = ByteSet(low: 0xABFF_FFD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
  /// `password` as received, "%" included.
  package static let password = ByteSet(low: 0x23FF_7FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
  /// `pname` and `pvalue` as received, "%" included.
  package static let parameter = ByteSet(low: 0x07FF_EFF2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
  /// What `pname` and `pvalue` may hold without an escape.
  package static let plainParameter = ByteSet(
    low: 0x07FF_EFD2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
  /// What `hname` and `hvalue` may hold without an escape.
  package static let plainHeader = ByteSet(low: 0x87FF_EF92_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
  /// The visible characters, less `<`, `>` and `"`: a URI of a scheme that we do not know.
  package static let opaqueURI = ByteSet(low: 0xAFFF_FFFA_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
  /// A header parameter's value without quotes: wider than `gen-value`, as IPv6 needs (RFC 5118 §4.5).
  package static let parameterValue = ByteSet(
    low: 0xA7FF_EFFA_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
  /// The number of a tel URI, local ones included (RFC 3966 §3), and "%".
  package static let telephone = ByteSet(low: 0x03FF_6F28_0000_0000, high: 0x0000_007E_0000_007E)
  /// The number of a tel URI without escapes.
  package static let plainTelephone = ByteSet(
    low: 0x03FF_6F08_0000_0000, high: 0x0000_007E_0000_007E)
  /// A parameter value that we write without quotes: `token` and `host`.
  package static let plainValue = ByteSet(low: 0x07FF_6CA2_0000_0000, high: 0x47FF_FFFF_AFFF_FFFE)
}
