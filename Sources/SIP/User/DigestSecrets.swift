package import Elements
import SIPSyntax

/// What is kept of a password: one hash of it for each algorithm that the account may use.
///
/// HA1 is the hash of `user:realm:password` in lower-case hexadecimal letters (RFC 7616 §3.4.2). It is
/// as good as the password within its realm, and nowhere else.
package struct DigestSecrets: Hashable, Sendable {
  package var md5: Secret?
  package var sha256: Secret?
  package var sha512Half: Secret?

  package init(md5: Secret? = nil, sha256: Secret? = nil, sha512Half: Secret? = nil) {
    (self.md5, self.sha256, self.sha512Half) = (md5, sha256, sha512Half)
  }

  /// The hashes of a password.
  package init(
    user: [UInt8], realm: [UInt8], password: Secret, algorithms: [DigestAlgorithm]
  ) {
    self.init()
    for algorithm in algorithms {
      let hash = Secret(
        Self.hash(user: user, realm: realm, password: password, algorithm: algorithm))
      switch algorithm {
      case .md5: md5 = hash
      case .sha256: sha256 = hash
      case .sha512Half: sha512Half = hash
      }
    }
  }

  package subscript(algorithm: DigestAlgorithm) -> Secret? {
    switch algorithm {
    case .md5: md5
    case .sha256: sha256
    case .sha512Half: sha512Half
    }
  }

  /// HA1 of a user.
  package static func hash(
    user: [UInt8], realm: [UInt8], password: Secret, algorithm: DigestAlgorithm
  ) -> [UInt8] {
    var run = HashRun()
    run.begin(algorithm)
    run.absorb(user)
    run.absorb(":")
    run.absorb(realm)
    run.absorb(":")
    run.absorb(password.exposed)
    return run.finish().hexadecimal
  }
}

/// The hash of RFC 7616 §3.4.1 that answers a challenge.
enum DigestResponse {
  /// The response with qop=auth, or that of RFC 2069 where the count is empty.
  ///
  /// `ha1` is hexadecimal letters, as ``DigestSecrets`` keeps them.
  static func compute(
    _ algorithm: DigestAlgorithm, ha1: Span<UInt8>, method: Method, uri: Span<UInt8>,
    nonce: Span<UInt8>, count: Span<UInt8>, cnonce: Span<UInt8>
  ) -> HashText {
    compute(
      algorithm, ha1: ha1, ha2: requestHash(algorithm, method: method, uri: uri), nonce: nonce,
      count: count, cnonce: cnonce)
  }

  /// HA2: what of the request the digest is over.
  static func requestHash(
    _ algorithm: DigestAlgorithm, method: Method, uri: Span<UInt8>
  ) -> HashText {
    var run = HashRun()
    run.begin(algorithm)
    if case .other(let name) = method { run.absorb(name) } else { run.absorb(method.text) }
    run.absorb(":")
    run.absorb(uri)
    return run.finish().text
  }

  static func compute(
    _ algorithm: DigestAlgorithm, ha1: Span<UInt8>, ha2: HashText, nonce: Span<UInt8>,
    count: Span<UInt8>, cnonce: Span<UInt8>
  ) -> HashText {
    var run = HashRun()
    run.begin(algorithm)
    run.absorb(ha1)
    run.absorb(":")
    run.absorb(nonce)
    run.absorb(":")
    if !count.isEmpty {
      run.absorb(count)
      run.absorb(":")
      run.absorb(cnonce)
      run.absorb(":auth:")
    }
    run.absorb(ha2)
    return run.finish().text
  }
}
