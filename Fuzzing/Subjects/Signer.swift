import Elements
import SIP

/// Puts the digest of a phone into what it says.
struct Signer {
  private static let cnonce = "f0zz"
  private let secrets: [String: [UInt8]]

  init() {
    secrets = Dictionary(
      uniqueKeysWithValues: Town.users.map {
        ($0, Self.hash(Array($0.utf8), Array(Town.domain.utf8), Array(Town.password.utf8)))
      })
  }

  /// MD5 of three parts with colons between them, as letters.
  private static func hash(_ one: [UInt8], _ two: [UInt8], _ three: [UInt8]) -> [UInt8] {
    DigestSecrets.hash(user: one, realm: two, password: Secret(three), algorithm: .md5)
  }

  /// The same datagram with one header field more behind its first line.
  func signed(_ bytes: [UInt8], user: String, nonce: [UInt8]) -> [UInt8] {
    let words = bytes.prefix { $0 != 13 && $0 != 10 }.split(separator: 32, maxSplits: 2)
    guard words.count == 3, let end = bytes.firstRange(of: [13, 10])?.upperBound,
      let secret = secrets[user]
    else { return bytes }
    let uri = words[1]
    let colon = uri.firstIndex(of: UInt8(ascii: ":")) ?? uri.endIndex
    // MD5 of method and URI, which has a colon of its own.
    let request = Self.hash(Array(words[0]), Array(uri[..<colon]), Array(uri[colon...].dropFirst()))
    let rest = Array("00000001:\(Self.cnonce):auth:".utf8) + request
    let response = Self.hash(secret, nonce, rest)
    let field = """
      Authorization: Digest username="\(user)",realm="\(Town.domain)",\
      nonce="\(String(decoding: nonce, as: UTF8.self))",uri="\(String(decoding: uri, as: UTF8.self))",\
      response="\(String(decoding: response, as: UTF8.self))",algorithm=MD5,\
      cnonce="\(Self.cnonce)",nc=00000001,qop=auth\r\n
      """
    return bytes[..<end] + Array(field.utf8) + bytes[end...]
  }
}
