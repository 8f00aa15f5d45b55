import Elements

/// The hash of a digest, by the name that stands in `algorithm` (RFC 7616, RFC 8760).
package enum DigestAlgorithmName: Hashable, Sendable {
  case md5, md5Session, sha256, sha256Session, sha512t256, sha512t256Session
  case other(String)

  package init(_ name: String) {
    switch name.lowercased() {
    case "md5": self = .md5
    case "md5-sess": self = .md5Session
    case "sha-256": self = .sha256
    case "sha-256-sess": self = .sha256Session
    case "sha-512-256": self = .sha512t256
    case "sha-512-256-sess": self = .sha512t256Session
    case _: self = .other(name)
    }
  }

  package var text: String {
    switch self {
    case .md5: "MD5"
    case .md5Session: "MD5-sess"
    case .sha256: "SHA-256"
    case .sha256Session: "SHA-256-sess"
    case .sha512t256: "SHA-512-256"
    case .sha512t256Session: "SHA-512-256-sess"
    case .other(let name): name
    }
  }
}

/// A Digest challenge: one value of WWW-Authenticate or Proxy-Authenticate (RFC 3261 §22.4, RFC 8760).
package struct DigestChallengeValue: Hashable, Sendable {
  package let realm: [UInt8]
  package let nonce: [UInt8]
  package let opaque: [UInt8]?
  package let algorithm: DigestAlgorithmName
  /// The protections that the server offers, in lower case; empty for RFC 2069.
  package let qop: [String]
  /// The old nonce has expired, the password was right.
  package let isStale: Bool

  package init(
    realm: [UInt8], nonce: [UInt8], opaque: [UInt8]? = nil,
    algorithm: DigestAlgorithmName = .md5, qop: [String] = ["auth"], isStale: Bool = false
  ) {
    (self.realm, self.nonce, self.opaque) = (realm, nonce, opaque)
    (self.algorithm, self.qop, self.isStale) = (algorithm, qop, isStale)
  }

  /// The challenge in a value of the scheme Digest.
  package init(_ value: AuthenticationValue) throws(SyntaxError) {
    guard value.isDigest, let realm = value.raw("realm"), let nonce = value.raw("nonce") else {
      throw SyntaxError(expected: "Digest with realm and nonce", offset: 0)
    }
    (self.realm, self.nonce, opaque) = (realm, nonce, value.raw("opaque"))
    algorithm = value.text("algorithm").map { DigestAlgorithmName($0) } ?? .md5
    qop = (value.text("qop") ?? "").lowercased().split { $0 == "," || $0 == " " }.map(String.init)
    isStale = value.text("stale")?.lowercased() == "true"
  }
}

extension DigestChallengeValue: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    var value = AuthenticationValue(scheme: "Digest")
    value.items.append(.init("realm", realm, isQuoted: true))
    value.items.append(.init("nonce", nonce, isQuoted: true))
    if let opaque { value.items.append(.init("opaque", opaque, isQuoted: true)) }
    if isStale { value.add("stale", "true") }
    value.add("algorithm", algorithm.text)
    if !qop.isEmpty { value.add(quoted: "qop", Array(qop.joined(separator: ",").utf8)) }
    value.serialize(into: &bytes)
  }
}

/// Digest credentials: one value of Authorization or Proxy-Authorization (RFC 3261 §22.4, RFC 7616 §3.4).
///
/// All values are what stands between the quotes, for the hash is computed of that.
package struct DigestCredentials: Hashable, Sendable {
  package var username: [UInt8]
  package var realm: [UInt8]
  package var nonce: [UInt8]
  package var uri: [UInt8]
  /// The hash in hexadecimal digits, as received.
  package var response: [UInt8]
  package var algorithm: DigestAlgorithmName
  package var opaque: [UInt8]?
  package var cnonce: [UInt8]?
  /// In lower case; nil for RFC 2069.
  package var qop: String?
  /// The nonce count: eight hexadecimal digits, as received.
  package var nonceCount: [UInt8]?

  package init(
    username: [UInt8], realm: [UInt8], nonce: [UInt8], uri: [UInt8], response: [UInt8],
    algorithm: DigestAlgorithmName = .md5
  ) {
    (self.username, self.realm, self.nonce) = (username, realm, nonce)
    (self.uri, self.response, self.algorithm) = (uri, response, algorithm)
  }

  /// The credentials in a value of the scheme Digest.
  package init(_ value: AuthenticationValue) throws(SyntaxError) {
    guard value.isDigest, let username = value.raw("username"), let realm = value.raw("realm"),
      let nonce = value.raw("nonce"), let uri = value.raw("uri"),
      let response = value.raw("response")
    else {
      throw SyntaxError(
        expected: "Digest with username, realm, nonce, uri and response", offset: 0)
    }
    // Written without quotes, whatever they came with (RFC 7616 §3.4).
    for name in ["algorithm", "qop", "nc"] {
      guard let given = value.raw(name) else { continue }
      guard !given.isEmpty, given.allSatisfy({ ByteSet.token.contains($0) }) else {
        throw SyntaxError(expected: "a token as \(name)", offset: 0)
      }
    }
    self.init(
      username: username, realm: realm, nonce: nonce, uri: uri, response: response,
      algorithm: value.text("algorithm").map { DigestAlgorithmName($0) } ?? .md5)
    (opaque, cnonce) = (value.raw("opaque"), value.raw("cnonce"))
    (qop, nonceCount) = (value.text("qop")?.lowercased(), value.raw("nc"))
  }

  /// The nonce count as a number; nil if it is missing or not eight hexadecimal digits.
  package var nonceCountNumber: UInt32? {
    guard let nonceCount, nonceCount.count == 8 else { return nil }
    return UInt32(String(decoding: nonceCount, as: UTF8.self), radix: 16)
  }
}

extension DigestCredentials: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    var value = AuthenticationValue(scheme: "Digest")
    value.items = [
      .init("username", username, isQuoted: true), .init("realm", realm, isQuoted: true),
      .init("nonce", nonce, isQuoted: true), .init("uri", uri, isQuoted: true),
      .init("response", response, isQuoted: true),
    ]
    value.add("algorithm", algorithm.text)
    if let opaque { value.items.append(.init("opaque", opaque, isQuoted: true)) }
    if let qop { value.add("qop", qop) }
    if let nonceCount { value.items.append(.init("nc", nonceCount, isQuoted: false)) }
    if let cnonce { value.items.append(.init("cnonce", cnonce, isQuoted: true)) }
    value.serialize(into: &bytes)
  }
}
