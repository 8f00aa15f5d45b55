package import Elements
import SIPSyntax

/// Digest credentials of a request, as stretches of its bytes: nothing of them is copied to be checked.
package struct DigestClaim: Sendable {
  /// The message that they stand in, or a text of the same values.
  package let bytes: [UInt8]
  package private(set) var username = ByteRange(0, 0)
  private(set) var realm = ByteRange(0, 0)
  private(set) var nonce = ByteRange(0, 0)
  private(set) var uri = ByteRange(0, 0)
  package private(set) var response = ByteRange(0, 0)
  /// Count and client nonce; empty where they are missing.
  private(set) var count = ByteRange(0, 0)
  /// The count as a number; nil if it is missing or not eight hexadecimal digits.
  private(set) var countNumber: UInt32?
  private(set) var cnonce: ByteRange?
  /// Nil for a hash that we do not take.
  package private(set) var algorithm: DigestAlgorithm? = .md5
  /// With qop=auth.
  private(set) var isProtected = false

  /// Whether we can check it: of that realm, with a hash that we take, qop=auth and a count.
  func isCheckable(in realm: [UInt8]) -> Bool {
    algorithm != nil && isProtected && cnonce != nil && countNumber != nil
      && bytes.span.extracting(self.realm.range).equals(realm.span)
  }

  /// Credentials that were parsed by the general parser.
  init(_ credentials: DigestCredentials) {
    var text: [UInt8] = []
    func add(_ value: [UInt8]) -> ByteRange {
      text += value
      return ByteRange(text.count - value.count, text.count)
    }
    (username, realm) = (add(credentials.username), add(credentials.realm))
    (nonce, uri) = (add(credentials.nonce), add(credentials.uri))
    (response, cnonce) = (add(credentials.response), credentials.cnonce.map(add))
    count = add(credentials.nonceCount ?? [])
    algorithm = DigestAlgorithm(credentials.algorithm)
    isProtected = credentials.qop == "auth"
    bytes = text
    countNumber = text.span.hexadecimalNumber(in: count)
  }

  /// Reads a line of nothing but plain Digest credentials, as phones send them, in one pass.
  ///
  /// Nil for everything out of the ordinary: another scheme, a second value behind a comma, odd
  /// characters. The general parser of the header field then decides; both agree on what this takes.
  init?(scanning line: ByteRange, of message: [UInt8]) {
    guard line.count > 7, line.count <= 2_048 else { return nil }
    bytes = message
    let end = Int(line.upper)
    let text = message.span.extracting(0..<end)
    var offset = Int(line.lower) + 7
    guard text.isName("digest", from: Int(line.lower), to: offset - 1), text[offset - 1] == 0x20
    else { return nil }
    var seen = DigestParameters()
    while true {
      while offset < end, text[offset] == 0x20 { offset += 1 }
      guard let parameter = DigestParameters(text, at: &offset), seen.isDisjoint(with: parameter),
        offset < end
      else { return nil }
      guard let value = text.digestValue(at: &offset) else { return nil }
      take(parameter, value, of: text)
      seen.insert(parameter)
      while offset < end, text[offset] == 0x20 { offset += 1 }
      guard offset < end else { break }
      guard text[offset] == UInt8(ascii: ",") else { return nil }
      offset += 1
    }
    guard seen.isSuperset(of: .mandatory) else { return nil }
  }

  private mutating func take(
    _ parameter: DigestParameters, _ value: ByteRange, of text: Span<UInt8>
  ) {
    switch parameter {
    case .username: username = value
    case .realm: realm = value
    case .nonce: nonce = value
    case .uri: uri = value
    case .response: response = value
    case .algorithm: algorithm = DigestAlgorithm(text, value)
    case .cnonce: cnonce = value
    case .qop: isProtected = text.isName("auth", from: Int(value.lower), to: Int(value.upper))
    case .nonceCount: (count, countNumber) = (value, text.hexadecimalNumber(in: value))
    case _: break
    }
  }
}

/// The parameters of Digest credentials, by name.
private struct DigestParameters: OptionSet {
  let rawValue: UInt16

  static let username = Self(rawValue: 1)
  static let realm = Self(rawValue: 2)
  static let nonce = Self(rawValue: 4)
  static let uri = Self(rawValue: 8)
  static let response = Self(rawValue: 16)
  static let algorithm = Self(rawValue: 32)
  static let cnonce = Self(rawValue: 64)
  static let opaque = Self(rawValue: 128)
  static let qop = Self(rawValue: 256)
  static let nonceCount = Self(rawValue: 512)
  static let mandatory: Self = [.username, .realm, .nonce, .uri, .response]

  init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Takes a name, in any case, and the equals sign behind it; nil for one that we do not know.
  init?(_ text: Span<UInt8>, at offset: inout Int) {
    let (word, next) = (text.characters(at: offset), text.characters(at: offset + 8))
    let signs = word ^ 0x3D3D_3D3D_3D3D_3D3D
    let hits = (signs &- 0x0101_0101_0101_0101) & ~signs & 0x8080_8080_8080_8080
    let length = hits.trailingZeroBitCount >> 3
    let name = (word | 0x2020_2020_2020_2020) & ~(length < 8 ? UInt64.max << UInt64(8 * length) : 0)
    // The names as words, the first letter in the lowest byte.
    switch (length, name) {
    case (8, 0x656D_616E_7265_7375) where next & 0xFF == 0x3D: self = .username
    case (8, 0x6573_6E6F_7073_6572) where next & 0xFF == 0x3D: self = .response
    case (5, 0x6D_6C61_6572): self = .realm
    case (5, 0x65_636E_6F6E): self = .nonce
    case (3, 0x69_7275): self = .uri
    case (6, 0x6563_6E6F_6E63): self = .cnonce
    case (6, 0x6575_7161_706F): self = .opaque
    case (3, 0x70_6F71): self = .qop
    case (2, 0x636E): self = .nonceCount
    case (8, 0x6874_6972_6F67_6C61) where next & 0xFFFF | 0x20 == 0x3D6D:
      self = .algorithm
      offset += 1
    case _: return nil
    }
    offset += length + 1
  }
}

extension DigestAlgorithm {
  /// The hash of that name, in any case; nil for one that we do not take.
  fileprivate init?(_ text: Span<UInt8>, _ name: ByteRange) {
    let (lower, upper) = (Int(name.lower), Int(name.upper))
    if text.isName("md5", from: lower, to: upper) {
      self = .md5
    } else if text.isName("sha-256", from: lower, to: upper) {
      self = .sha256
    } else if text.isName("sha-512-256", from: lower, to: upper) {
      self = .sha512Half
    } else {
      return nil
    }
  }
}

extension UInt8 {
  /// A letter, a digit or a hyphen: enough for plain tokens.
  fileprivate var isPlain: Bool {
    (self | 0x20) &- 97 < 26 || self &- 48 < 10 || self == UInt8(ascii: "-")
  }
}

extension Span<UInt8> {
  /// Whether the bytes from `lower` to `upper` are a name, in any case; `name` in lower case.
  fileprivate func isName(_ name: StaticString, from lower: Int, to upper: Int) -> Bool {
    guard upper - lower == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { letters in
      for index in 0..<letters.count {
        let (byte, letter) = unsafe (self[lower + index], letters[index])
        let isLetter = letter &- 97 < 26
        guard (isLetter ? byte | 0x20 : byte) == letter else { return false }
      }
      return true
    }
  }

  /// The number that eight hexadecimal digits write; nil for any other bytes.
  fileprivate func hexadecimalNumber(in range: ByteRange) -> UInt32? {
    guard range.count == 8 else { return nil }
    return number(ofHexadecimalLetters: characters(at: Int(range.lower)))
  }

  /// The range of a plain token, or of what stands between two quotes; nil with an escape or a fold.
  fileprivate func digestValue(at offset: inout Int) -> ByteRange? {
    guard self[offset] == UInt8(ascii: "\"") else {
      let start = offset
      while offset < count, self[offset].isPlain { offset += 1 }
      return offset > start ? ByteRange(start, offset) : nil
    }
    offset += 1
    let start = offset
    while offset + 8 <= count {
      let hits = Self.endings(in: characters(at: offset))
      if hits != 0 {
        offset += hits.trailingZeroBitCount >> 3
        break
      }
      offset += 8
    }
    // The last few bytes, one by one.
    while offset < count, self[offset] >= 0x20, self[offset] != UInt8(ascii: "\\"),
      self[offset] != UInt8(ascii: "\"")
    { offset += 1 }
    guard offset < count, self[offset] == UInt8(ascii: "\"") else { return nil }
    offset += 1
    return ByteRange(start, offset - 1)
  }

  /// Marks the top bit of each byte that is a quote, a backslash or a control character; the lowest is exact.
  @inline(__always)
  private static func endings(in word: UInt64) -> UInt64 {
    let quotes = word ^ 0x2222_2222_2222_2222
    let slashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
    let (ones, spaces): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x2020_2020_2020_2020)
    let found =
      (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes | (word &- spaces) & ~word
    return found & 0x8080_8080_8080_8080
  }
}
