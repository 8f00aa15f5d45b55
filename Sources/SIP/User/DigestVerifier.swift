package import Elements
package import SIPSyntax

/// How credentials were found.
package enum DigestVerdict: Hashable, Sendable {
  /// The user has the secret, the nonce is fresh and ours.
  case accepted
  /// The user has the secret, and the nonce was used up: challenge again with `stale`.
  case stale
  /// The user does not exist, may not use this algorithm, or does not have the secret: challenge again.
  ///
  /// It is proven that the peer receives at its address: evidence that may count.
  case wrong
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
  /// Nonces in use in a minute whose counts are remembered: 25 MB, and as much for the minute before.
  package static let usesLimit = 750_000
  /// Of these, what one user may have where half are in use: twice the calls that a whole exchange begins in a minute.
  package static let usesOfUser = 3_000

  private var nonces: NonceMaker
  private var uses: NonceUses
  private var hashes = RequestHashes()
  /// Secrets that nobody has, as long as those of each algorithm: only the time that they take counts.
  private let fakes: (short: HashText, long: HashText)

  /// - Parameters:
  ///   - secret: At least 16 random bytes.
  ///   - salt: Another for each process: which nonces were used is forgotten at its end, so they must end with it.
  ///   - usesLimit: Nonces in use in a minute.
  ///   - usesOfUser: Of these, one user's where half are in use.
  package init(
    secret: Secret, salt: UInt64, usesLimit: Int = Self.usesLimit,
    usesOfUser: Int = Self.usesOfUser
  ) {
    nonces = NonceMaker(secret: secret, salt: salt)
    // Ages are whole seconds, and the last one is begun.
    uses = NonceUses(life: Self.life + .seconds(1), limit: usesLimit, share: usesOfUser)
    let fake = FingerprintKey(secret, purpose: "no such user").absorber().finish()
    fakes = (HashValue(fake, nil).text, HashValue(fake, fake).text)
  }

  /// The challenges for a peer that is seen at `source`: strongest first, one header field each.
  package mutating func challenges(
    realm: [UInt8], algorithms: [DigestAlgorithm], source: IPAddress, isStale: Bool,
    isProxy: Bool = false, at now: Now
  ) -> [HeaderDraft] {
    let nonce = nonces.make(source: source, realm: realm.span, at: now)
    let name: HeaderName = isProxy ? .proxyAuthenticate : .wwwAuthenticate
    return Self.strongestFirst(algorithms).map { algorithm in
      let challenge = Challenge(
        algorithm: algorithm, realm: realm, nonce: nonce, isStale: isStale)
      return HeaderDraft(name, [UInt8](room: challenge.room) { challenge.serialize(into: &$0) })
    }
  }

  /// The same, written into an answer.
  package mutating func challenge(
    realm: [UInt8], algorithms: [DigestAlgorithm], source: IPAddress, isStale: Bool, at now: Now,
    in answer: inout MessageBuilder
  ) {
    let nonce = nonces.make(source: source, realm: realm.span, at: now)
    for algorithm in Self.strongestFirst(algorithms) {
      let challenge = Challenge(
        algorithm: algorithm, realm: realm, nonce: nonce, isStale: isStale)
      answer.add(.wwwAuthenticate, room: challenge.room) { challenge.serialize(into: &$0) }
    }
  }

  private static func strongestFirst(_ algorithms: [DigestAlgorithm]) -> [DigestAlgorithm] {
    algorithms.count > 1 ? algorithms.sorted(by: >) : algorithms
  }

  /// The credentials of a request that we can check; nil means: challenge.
  ///
  /// They are of our realm, with qop=auth and a count; of several the strongest.
  package static func credentials(
    in request: Message, realm: [UInt8], isProxy: Bool = false
  ) -> DigestClaim? {
    let name: HeaderName = isProxy ? .proxyAuthorization : .authorization
    guard let first = request.first(name) else { return nil }
    if request.isOnlyOnce(name), let claim = DigestClaim(scanning: first, of: request.bytes) {
      return claim.isCheckable(in: realm) ? claim : nil
    }
    // Not as phones send them: the general parser looks at all of them.
    let all = try? request.digestCredentials(name)
    return Self.strongest(of: (all ?? []).map { DigestClaim($0) }, in: realm)
  }

  private static func strongest(of claims: [DigestClaim], in realm: [UInt8]) -> DigestClaim? {
    claims.reduce(nil) { strongest($0, $1, in: realm) }
  }

  private static func strongest(
    _ best: DigestClaim?, _ claim: DigestClaim, in realm: [UInt8]
  ) -> DigestClaim? {
    guard claim.isCheckable(in: realm), let algorithm = claim.algorithm else { return best }
    guard let known = best?.algorithm, known >= algorithm else { return claim }
    return best
  }

  /// The nonce of credentials, if we sent it to that address within its life.
  ///
  /// Nil: challenge again with `stale`, whatever the credentials are. They must not be looked at then: a guess with a
  /// nonce of somebody's own making would be told right from wrong, and would prove nothing about who made it.
  package func nonce(
    of claim: DigestClaim, source: IPAddress, at now: Now
  ) -> NonceMaker.Opened? {
    let bytes = claim.bytes.span
    guard
      let opened = nonces.open(
        bytes.extracting(claim.nonce.range), source: source,
        realm: bytes.extracting(claim.realm.range)),
      NonceMaker.age(of: opened, at: now) <= Self.life
    else { return nil }
    return opened
  }

  /// Checks the credentials of a request, and uses their nonce up if they are right.
  ///
  /// `secrets` are those of the user that the credentials name; nil if there is no such user. `user` is any number that is his
  /// alone.
  package mutating func verify(
    _ claim: DigestClaim, _ nonce: NonceMaker.Opened, of request: Message, secrets: DigestSecrets?,
    user: UInt64, at now: Now
  ) -> DigestVerdict {
    guard let algorithm = claim.algorithm, let count = claim.countNumber, let cnonce = claim.cnonce
    else { return .wrong }
    let bytes = claim.bytes.span
    let fake = algorithm == .md5 ? fakes.short : fakes.long
    let secret = secrets?[algorithm]
    let uri = bytes.extracting(claim.uri.range)
    let ha2 =
      request.method == .register
      ? hashes.ofRegister(algorithm, uri: uri)
      : DigestResponse.requestHash(algorithm, method: request.method, uri: uri)
    let isEqual = withSecret(secret, or: fake) { ha1 in
      DigestResponse.compute(
        algorithm, ha1: ha1, ha2: ha2, nonce: bytes.extracting(claim.nonce.range),
        count: bytes.extracting(claim.count.range), cnonce: bytes.extracting(cnonce.range)
      ).isEqualInConstantTime(to: bytes.extracting(claim.response.range))
    }
    guard isEqual, secret != nil else { return .wrong }
    guard request.isAddressed(to: uri) else { return .mismatched }
    // RFC 7616 §5.4: an INVITE or REFER costs money, so its nonce is good for one request only.
    let isOnce = request.method == .invite || request.method == .refer
    return uses.take(nonce.name, count: count, once: isOnce, of: user, at: now.instant)
      ? .accepted : .stale
  }

  private func withSecret(
    _ secret: Secret?, or fake: HashText, _ body: (Span<UInt8>) -> Bool
  ) -> Bool {
    guard let secret else { return fake.withSpan(body) }
    return body(secret.exposed.span)
  }
}

/// One value of WWW-Authenticate, as it is written.
private struct Challenge {
  let algorithm: DigestAlgorithm
  let realm: [UInt8]
  let nonce: NonceText
  let isStale: Bool

  /// Enough for the longest, whatever of the realm needs an escape.
  var room: Int { 128 + 2 * realm.count }

  /// `Digest realm="…", nonce="…", algorithm=…, qop="auth"`, and `stale=true` where it is due.
  func serialize(into value: inout OutputSpan<UInt8>) {
    value.append(text: "Digest realm=\"")
    for byte in realm {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { value.append(0x5C) }
      value.append(byte)
    }
    value.append(text: "\", nonce=\"")
    nonce.withSpan { value.append(copying: $0) }
    value.append(text: isStale ? "\", stale=true, algorithm=" : "\", algorithm=")
    value.append(text: algorithm.token)
    value.append(text: ", qop=\"auth\"")
  }
}

extension Message {
  /// Whether the Request-URI is that of a digest, byte by byte or by the rules of RFC 3261 §19.1.4.
  ///
  /// A digest over a URI without a user is for the server as a whole: clients such as SIPp write the address
  /// that they send to. It cannot be turned against another number: a nonce is good for one INVITE only.
  fileprivate func isAddressed(to uri: Span<UInt8>) -> Bool {
    guard let range = requestURIRange else { return false }
    if bytes.span.extracting(range.range).equals(uri) { return true }
    guard let mine = requestURI, let other = try? URI(parsing: uri) else { return false }
    return other.user?.isEmpty ?? true || mine.isEquivalent(to: other)
  }
}
