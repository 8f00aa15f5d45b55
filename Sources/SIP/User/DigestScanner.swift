import Elements
import SIPSyntax

extension DigestCredentials {
  /// Reads a line of nothing but plain Digest credentials, as phones send them, in one pass.
  ///
  /// Nil for everything out of the ordinary: another scheme, a second value behind a comma, odd
  /// characters. The general parser of the header field then decides; both agree on what this takes.
  init?(scanning line: Span<UInt8>) {
    guard line.count > 7, line.count <= 2_048 else { return nil }
    guard line.extracting(0..<6).isName("digest"), line[6] == 0x20 else { return nil }
    self.init(username: [], realm: [], nonce: [], uri: [], response: [])
    var seen = DigestParameters()
    var offset = 7
    while true {
      while offset < line.count, line[offset] == 0x20 { offset += 1 }
      let start = offset
      while offset < line.count, line[offset].isPlainName { offset += 1 }
      guard offset > start, offset + 1 < line.count, line[offset] == UInt8(ascii: "="),
        let parameter = DigestParameters(line.extracting(start..<offset)),
        seen.isDisjoint(with: parameter)
      else { return nil }
      offset += 1
      guard let value = line.digestValue(at: &offset) else { return nil }
      take(parameter, Array(copying: line.extracting(value)))
      seen.insert(parameter)
      while offset < line.count, line[offset] == 0x20 { offset += 1 }
      guard offset < line.count else { break }
      guard line[offset] == UInt8(ascii: ",") else { return nil }
      offset += 1
    }
    guard seen.isSuperset(of: .mandatory) else { return nil }
  }

  private mutating func take(_ parameter: DigestParameters, _ value: [UInt8]) {
    switch parameter {
    case .username: username = value
    case .realm: realm = value
    case .nonce: nonce = value
    case .uri: uri = value
    case .response: response = value
    case .algorithm: algorithm = .init(plain: value)
    case .cnonce: cnonce = value
    case .opaque: opaque = value
    case .qop: qop = value == [97, 117, 116, 104] ? "auth" : String(decoding: value, as: UTF8.self)
    case .nonceCount: nonceCount = value
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

  /// The parameter of that name, in any case; nil for one that we do not know.
  init?(_ name: Span<UInt8>) {
    switch name.count {
    case 8 where name.isName("username"): self = .username
    case 8 where name.isName("response"): self = .response
    case 5 where name.isName("realm"): self = .realm
    case 5 where name.isName("nonce"): self = .nonce
    case 3 where name.isName("uri"): self = .uri
    case 9 where name.isName("algorithm"): self = .algorithm
    case 6 where name.isName("cnonce"): self = .cnonce
    case 6 where name.isName("opaque"): self = .opaque
    case 3 where name.isName("qop"): self = .qop
    case 2 where name.isName("nc"): self = .nonceCount
    case _: return nil
    }
  }
}

extension DigestAlgorithmName {
  /// The name of an algorithm, without making a text of the usual ones.
  fileprivate init(plain name: [UInt8]) {
    let usual = DigestAlgorithm.allCases.first { name.span.isName($0.token) }
    self = usual?.name ?? DigestAlgorithmName(String(decoding: name, as: UTF8.self))
  }
}

extension UInt8 {
  /// A letter, a digit or a hyphen: enough for the names of parameters and for plain tokens.
  fileprivate var isPlainName: Bool {
    (self | 0x20) &- 97 < 26 || self &- 48 < 10 || self == UInt8(ascii: "-")
  }
}

extension Span<UInt8> {
  /// Whether these bytes are a name of letters, digits and hyphens, in any case.
  fileprivate func isName(_ name: StaticString) -> Bool {
    guard count == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { letters in
      for index in indices {
        let letter = unsafe letters[index]
        let isLetter = (letter | 0x20) &- 97 < 26
        guard isLetter ? self[index] | 0x20 == letter | 0x20 : self[index] == letter else {
          return false
        }
      }
      return true
    }
  }

  /// Whether both have the same bytes.
  func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index < count {
      guard characters(at: index) == other.characters(at: index) else { return false }
      index += 8
    }
    return true
  }

  /// The range of a plain token, or of what stands between two quotes; nil with an escape or a fold.
  fileprivate func digestValue(at offset: inout Int) -> Range<Int>? {
    guard self[offset] == UInt8(ascii: "\"") else {
      let start = offset
      while offset < count, self[offset].isPlainName { offset += 1 }
      return offset > start ? start..<offset : nil
    }
    offset += 1
    let start = offset
    while offset < count, self[offset] != UInt8(ascii: "\"") {
      guard self[offset] >= 0x20, self[offset] != UInt8(ascii: "\\") else { return nil }
      offset += 1
    }
    guard offset < count else { return nil }
    offset += 1
    return start..<offset - 1
  }
}

extension [UInt8] {
  init(copying bytes: Span<UInt8>) {
    self.init()
    reserveCapacity(bytes.count)
    for index in bytes.indices { append(bytes[index]) }
  }
}
