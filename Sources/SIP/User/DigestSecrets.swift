package import Elements

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
    run.begin(.of(algorithm))
    run.absorb(user)
    run.absorb(":")
    run.absorb(realm)
    run.absorb(":")
    run.absorb(password.exposed)
    return run.finish().hexadecimal
  }
}

/// The hash of RFC 7616 §3.4.1 that answers a challenge.
struct DigestResponse {
  let algorithm: DigestAlgorithm
  let method: [UInt8]
  let uri: [UInt8]
  let nonce: [UInt8]
  /// Count, client nonce and qop; nil for RFC 2069, which has none.
  let protection: (count: [UInt8], cnonce: [UInt8], qop: StaticString)?

  /// The response in hexadecimal letters.
  func compute(secret: Secret) -> [UInt8] {
    var run = HashRun()
    run.begin(.of(algorithm))
    run.absorb(method)
    run.absorb(":")
    run.absorb(uri)
    let ha2 = run.finish().hexadecimal
    run.begin(.of(algorithm))
    run.absorb(secret.exposed)
    run.absorb(":")
    run.absorb(nonce)
    run.absorb(":")
    if let protection {
      run.absorb(protection.count)
      run.absorb(":")
      run.absorb(protection.cnonce)
      run.absorb(":")
      run.absorb(protection.qop)
      run.absorb(":")
    }
    run.absorb(ha2)
    return run.finish().hexadecimal
  }
}
