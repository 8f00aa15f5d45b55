package import Elements
package import SIPSyntax

/// How credentials were found.
package enum DigestVerdict: Hashable, Sendable {
  /// The user has the secret, the nonce is fresh and ours.
  case accepted
  /// The user has the secret; the nonce is too old, foreign to this address, or was used up:
  /// challenge again with `stale`.
  case stale
  /// The user does not exist, may not use this algorithm, or does not have the secret: challenge again.
  /// With `isProven` the nonce is one that we sent to this address: evidence that may count.
  case wrong(isProven: Bool)
  /// The digest is for another Request-URI than the message (RFC 7616 §3.4.6): answer 400.
  case mismatched
}

/// The server's side of digest authentication, RFC 7616 and RFC 8760.
///
/// Keeps nothing for a challenge. Unknown users are checked against a made-up secret, so that neither
/// the answer nor its time tells them from known ones.
package struct DigestVerifier: Sendable {
  /// How long a nonce may be used.
  package static let life: Duration = .seconds(60)
  /// Nonces in use in a minute whose counts are remembered.
  package static let usesLimit = 100_000

  private var nonces: NonceMaker
  private var uses: NonceUses
  private let fakeKey: FingerprintKey

  /// - Parameter secret: At least 16 random bytes; the same after a restart keeps nonces alive.
  package init(secret: Secret) {
    nonces = NonceMaker(secret: secret)
    uses = NonceUses(life: Self.life, limit: Self.usesLimit)
    fakeKey = FingerprintKey(secret, purpose: "no such user")
  }

  /// The challenges for a peer that is seen at `source`: strongest first, one header field each.
  package mutating func challenges(
    realm: [UInt8], algorithms: [DigestAlgorithm], source: IPAddress, isStale: Bool,
    isProxy: Bool = false, at now: Now
  ) -> [HeaderDraft] {
    let nonce = nonces.make(source: source, realm: realm.span, at: now)
    let name: HeaderName = isProxy ? .proxyAuthenticate : .wwwAuthenticate
    return algorithms.sorted(by: >).map { algorithm in
      HeaderDraft(name, Self.challenge(algorithm, realm: realm, nonce: nonce, isStale: isStale))
    }
  }

  /// `Digest realm="…", nonce="…", algorithm=…, qop="auth"`, and `stale=true` where it is due.
  private static func challenge(
    _ algorithm: DigestAlgorithm, realm: [UInt8], nonce: [UInt8], isStale: Bool
  ) -> [UInt8] {
    var value: [UInt8] = []
    value.reserveCapacity(96 + realm.count + nonce.count)
    value.append(text: "Digest realm=\"")
    for byte in realm {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { value.append(0x5C) }
      value.append(byte)
    }
    value.append(text: "\", nonce=\"")
    value.append(contentsOf: nonce)
    value.append(text: isStale ? "\", stale=true, algorithm=" : "\", algorithm=")
    value.append(text: algorithm.token)
    value.append(text: ", qop=\"auth\"")
    return value
  }

  /// The credentials of a request that we can check; nil means: challenge.
  ///
  /// They are of our realm, with qop=auth and a count; of several the strongest.
  package func credentials(
    in request: Message, realm: [UInt8], isProxy: Bool = false
  ) -> DigestCredentials? {
    let name: HeaderName = isProxy ? .proxyAuthorization : .authorization
    guard let all = scan(request, name) ?? (try? request.digestCredentials(name)) else {
      return nil
    }
    var best: (algorithm: DigestAlgorithm, credentials: DigestCredentials)?
    for credentials in all where credentials.realm == realm && credentials.qop == "auth" {
      guard let algorithm = DigestAlgorithm(credentials.algorithm),
        credentials.nonceCountNumber != nil, credentials.cnonce != nil
      else { continue }
      if best.map({ $0.algorithm < algorithm }) ?? true { best = (algorithm, credentials) }
    }
    return best?.credentials
  }

  /// All credentials, if each line holds plain ones; the general parser looks at any others.
  private func scan(_ request: Message, _ name: HeaderName) -> [DigestCredentials]? {
    var found: [DigestCredentials] = []
    let bytes = request.bytes.span
    for field in request.headers.fields where field.name == name {
      let line = bytes.extracting(field.value.range)
      guard let credentials = DigestCredentials(scanning: line) else { return nil }
      found.append(credentials)
    }
    return found
  }

  /// Checks the credentials of a request, and uses their nonce up if they are right.
  ///
  /// `secrets` are those of the user that the credentials name; nil if there is no such user.
  package mutating func verify(
    _ credentials: DigestCredentials, of request: Message, secrets: DigestSecrets?,
    source: IPAddress, at now: Now
  ) -> DigestVerdict {
    guard let algorithm = DigestAlgorithm(credentials.algorithm),
      let count = credentials.nonceCountNumber, let cnonce = credentials.cnonce
    else { return .wrong(isProven: false) }
    let fake = fakeSecret(of: credentials, algorithm)
    let response = DigestResponse(
      algorithm: algorithm, method: Array(request.method.name.utf8), uri: credentials.uri,
      nonce: credentials.nonce,
      protection: (credentials.nonceCount ?? [], cnonce, "auth")
    ).compute(secret: secrets?[algorithm] ?? fake)
    let isRight =
      response.span.isEqualInConstantTime(to: credentials.response.span)
      && secrets?[algorithm] != nil
    let opened = nonces.open(
      credentials.nonce.span, source: source, realm: credentials.realm.span)
    guard isRight else { return .wrong(isProven: opened != nil) }
    guard request.isAddressed(to: credentials.uri) else { return .mismatched }
    // RFC 7616 §5.4: an INVITE or REFER costs money, so its nonce is good for one request only.
    let isOnce = request.method == .invite || request.method == .refer
    guard let opened, NonceMaker.age(of: opened, at: now) <= Self.life,
      uses.mayUse(opened.name, count: count, once: isOnce, at: now.instant)
    else { return .stale }
    uses.use(opened.name, count: count, once: isOnce, at: now.instant)
    return .accepted
  }

  /// A secret that nobody has, the same for each try at one user.
  private func fakeSecret(
    of credentials: DigestCredentials, _ algorithm: DigestAlgorithm
  ) -> Secret {
    var letters: [UInt8] = []
    letters.reserveCapacity(64)
    for round in 0..<(algorithm == .md5 ? UInt8(1) : 2) {
      var name = fakeKey.absorber()
      name.absorb(round)
      name.absorb(part: credentials.username.span)
      name.absorb(part: credentials.realm.span)
      let half = name.finish()
      letters.append(hexadecimal: half.high, digits: 16)
      letters.append(hexadecimal: half.low, digits: 16)
    }
    return Secret(letters)
  }
}

extension Message {
  /// Whether the Request-URI is that of a digest, byte by byte or by the rules of RFC 3261 §19.1.4.
  ///
  /// A digest over a URI without a user is for the server as a whole: clients such as SIPp write the address
  /// that they send to. It cannot be turned against another number: a nonce is good for one INVITE only.
  fileprivate func isAddressed(to uri: [UInt8]) -> Bool {
    guard let range = requestURIRange else { return false }
    if self[range].elementsEqual(uri) { return true }
    guard let mine = requestURI, let other = try? URI(parsing: uri.span) else { return false }
    return other.user?.isEmpty ?? true || mine.isEquivalent(to: other)
  }
}
