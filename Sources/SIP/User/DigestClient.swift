package import Elements
package import SIPSyntax

/// Our account at a carrier: what we may answer its challenges with.
package struct DigestAccount: Hashable, Sendable {
  package let user: [UInt8]
  /// The only realm whose challenges we answer: a callee behind the carrier may ask for another.
  package let realm: [UInt8]
  package let password: Secret

  package init(user: String, realm: String, password: Secret) {
    (self.user, self.realm) = (Array(user.utf8), Array(realm.utf8))
    self.password = password
  }

  /// The credentials for a request that `response` refused with 401 or 407 (RFC 3261 §22).
  ///
  /// The strongest challenge of our realm is answered. Nil if there is none that we may answer. Whoever
  /// calls makes sure that the request went to the carrier itself (never a BYE or re-INVITE towards a
  /// user), and does not answer a second refusal unless its challenge is stale.
  package func answer(
    _ response: Message, method: Method, uri: URI, dice: inout Dice
  ) -> HeaderDraft? {
    let isProxy = response.status == 407
    guard isProxy || response.status == 401,
      let challenge = challenge(in: response, isProxy ? .proxyAuthenticate : .wwwAuthenticate),
      let algorithm = DigestAlgorithm(challenge.algorithm)
    else { return nil }
    var cnonce: [UInt8] = []
    cnonce.append(hexadecimal: dice.next(), digits: 16)
    let count = Array("00000001".utf8)
    let isProtected = challenge.qop.contains("auth")
    let ha1 = DigestSecrets.hash(
      user: user, realm: realm, password: password, algorithm: algorithm)
    let (used, none) = (isProtected ? count : [], isProtected ? cnonce : [])
    let digest = DigestResponse.compute(
      algorithm, ha1: ha1.span, method: method, uri: uri.bytes.span, nonce: challenge.nonce.span,
      count: used.span, cnonce: none.span
    ).bytes
    var credentials = DigestCredentials(
      username: user, realm: realm, nonce: challenge.nonce, uri: uri.bytes, response: digest,
      algorithm: algorithm.name)
    credentials.opaque = challenge.opaque
    if isProtected {
      (credentials.qop, credentials.nonceCount, credentials.cnonce) = ("auth", count, cnonce)
    }
    return HeaderDraft(isProxy ? .proxyAuthorization : .authorization, credentials)
  }

  /// Whether the nonce was only too old, so that the same password may be tried again.
  package func isStale(_ response: Message) -> Bool {
    let name: HeaderName = response.status == 407 ? .proxyAuthenticate : .wwwAuthenticate
    return challenge(in: response, name)?.isStale ?? false
  }

  /// The strongest challenge of our realm that we can answer: with qop=auth, or without any (RFC 2069).
  private func challenge(in response: Message, _ name: HeaderName) -> DigestChallengeValue? {
    guard let all = try? response.digestChallenges(name) else { return nil }
    return all.filter { $0.realm == realm && ($0.qop.isEmpty || $0.qop.contains("auth")) }
      .compactMap { challenge in
        DigestAlgorithm(challenge.algorithm).map { (algorithm: $0, challenge: challenge) }
      }
      .max { $0.algorithm < $1.algorithm }?.challenge
  }
}
