import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

@Suite struct DigestVerifierTests {
  let phone = IPAddress(v4: 0xC000_0265)
  let realm = Array("pbx.example.com".utf8)
  let account = DigestAccount(
    user: "alice", realm: "pbx.example.com", password: Secret("zanzibar-20-letters"))
  let secrets = DigestSecrets(
    user: Array("alice".utf8), realm: Array("pbx.example.com".utf8),
    password: Secret("zanzibar-20-letters"), algorithms: [.md5, .sha256])

  private func verifier() -> DigestVerifier {
    DigestVerifier(secret: Secret("0123456789abcdef"), salt: 1)
  }

  private func request(
    _ method: String, _ headers: [HeaderDraft] = [], uri: String = "sip:pbx.example.com"
  ) throws -> Message {
    var builder = MessageBuilder(request: Method(method), uri: try URI(uri))
    builder.add(.via, "SIP/2.0/UDP 192.0.2.101;branch=z9hG4bKnashds7")
    builder.add(.from, "<sip:alice@pbx.example.com>;tag=a73kszlfl")
    builder.add(.to, "<sip:alice@pbx.example.com>")
    builder.add(.callID, "1j9FpLxk3uxtm8tn")
    builder.add(.cseq, "1 \(method)")
    builder.add(headers)
    return try MessageParser.parse(builder.finish(), framing: .datagram)
  }

  private func challenge(
    _ verifier: inout DigestVerifier, _ algorithms: [DigestAlgorithm] = [.md5, .sha256],
    source: IPAddress? = nil, isStale: Bool = false, at: Int64 = 0
  ) throws -> Message {
    let headers = verifier.challenges(
      realm: realm, algorithms: algorithms, source: source ?? phone, isStale: isStale, at: now(at))
    var builder = MessageBuilder(
      responseTo: try request("REGISTER"), 401, source: nil, toTag: Array("x".utf8))
    builder.add(headers)
    return try MessageParser.parse(builder.finish(), framing: .datagram)
  }

  /// A request that answers a challenge as a phone would.
  private func answer(
    _ challenge: Message, _ method: String = "REGISTER", count: String? = nil,
    account: DigestAccount? = nil, uri: String = "sip:pbx.example.com"
  ) throws -> Message {
    var dice = Dice.seeded(SplitMix(seed: 1))
    let field = try #require(
      (account ?? self.account).answer(
        challenge, method: Method(method), uri: try URI(uri), dice: &dice))
    guard let count else { return try request(method, [field], uri: uri) }
    // The next count: the response is computed anew.
    let message = try request(method, [field])
    var credentials = try #require(try message.digestCredentials(.authorization).first)
    credentials.nonceCount = Array(count.utf8)
    let algorithm = try #require(DigestAlgorithm(credentials.algorithm))
    let (ha1, cnonce) = (try #require(secrets[algorithm]).exposed, credentials.cnonce ?? [])
    let letters = Array(count.utf8)
    credentials.response =
      DigestResponse.compute(
        algorithm, ha1: ha1.span, method: Method(method), uri: credentials.uri.span,
        nonce: credentials.nonce.span, count: letters.span, cnonce: cnonce.span
      ).bytes
    return try request(method, [HeaderDraft(.authorization, credentials)], uri: uri)
  }

  private func verify(
    _ verifier: inout DigestVerifier, _ message: Message, secrets: DigestSecrets?? = nil,
    source: IPAddress? = nil, at: Int64 = 0
  ) throws -> DigestVerdict {
    let credentials = try #require(DigestVerifier.credentials(in: message, realm: realm))
    let now = now(at)
    guard let nonce = verifier.nonce(of: credentials, source: source ?? phone, at: now) else {
      return .stale
    }
    return verifier.verify(
      credentials, nonce, of: message, secrets: secrets ?? self.secrets, user: 1, at: now)
  }

  @Test("RFC 8760 §2.2: one challenge for each algorithm, strongest first, without opaque")
  func challenges() throws {
    var verifier = verifier()
    let message = try challenge(&verifier, [.md5, .sha512Half, .sha256])
    let values = try message.digestChallenges(.wwwAuthenticate)
    #expect(values.map(\.algorithm) == [.sha512t256, .sha256, .md5])
    #expect(message.lines(.wwwAuthenticate).count == 3)
    #expect(values.allSatisfy { $0.opaque == nil && $0.qop == ["auth"] && !$0.isStale })
    #expect(values.allSatisfy { $0.nonce.count == NonceMaker.letters })
  }

  @Test(
    "RFC 7616 §3.4: a right answer to each algorithm is accepted",
    arguments: [
      DigestAlgorithm.md5, .sha256,
    ])
  func accepted(algorithm: DigestAlgorithm) throws {
    var verifier = verifier()
    let message = try answer(try challenge(&verifier, [algorithm]))
    #expect(try verify(&verifier, message, at: 100) == .accepted)
  }

  @Test("The client answers the strongest challenge")
  func strongest() throws {
    var verifier = verifier()
    let message = try answer(try challenge(&verifier))
    let credentials = try #require(try message.digestCredentials(.authorization).first)
    #expect(credentials.algorithm == .sha256)
  }

  @Test("A21: the same credentials again are stale, and not from another address either")
  func replay() throws {
    var verifier = verifier()
    let message = try answer(try challenge(&verifier))
    let elsewhere = IPAddress(v4: 0xCB00_7101)
    #expect(try verify(&verifier, message, source: elsewhere) == .stale)
    #expect(try verify(&verifier, message) == .accepted)
    #expect(try verify(&verifier, message) == .stale)
  }

  @Test("A21: a nonce lives for 60 seconds")
  func life() throws {
    var verifier = verifier()
    let message = try answer(try challenge(&verifier))
    var late = verifier
    #expect(try verify(&verifier, message, at: 60_000) == .accepted)
    #expect(try verify(&late, message, at: 61_000) == .stale)
  }

  @Test("RFC 7616 §3.4: counts may come out of order within a window, each once")
  func counts() throws {
    var verifier = verifier()
    let challenge = try challenge(&verifier)
    func use(_ count: Int) throws -> DigestVerdict {
      let letters = String(count, radix: 16)
      let padded = String(repeating: "0", count: 8 - letters.count) + letters
      return try verify(&verifier, try answer(challenge, count: padded))
    }
    #expect(try use(3) == .accepted)
    #expect(try use(1) == .accepted)
    #expect(try use(3) == .stale)
    #expect(try use(2) == .accepted)
    #expect(try use(200) == .accepted)
    #expect(try use(4) == .stale)
    #expect(try use(137) == .accepted)
    #expect(try use(136) == .stale)
    #expect(try use(200) == .stale)
  }

  @Test("A21, RFC 7616 §5.4: the nonce of an INVITE or REFER is good for that request only")
  func singleUse() throws {
    for method in ["INVITE", "REFER"] {
      var verifier = verifier()
      let first = try challenge(&verifier)
      #expect(try verify(&verifier, try answer(first, method)) == .accepted)
      #expect(try verify(&verifier, try answer(first, "REGISTER", count: "00000002")) == .stale)
      let second = try challenge(&verifier)
      #expect(try verify(&verifier, try answer(second, "REGISTER")) == .accepted)
      #expect(try verify(&verifier, try answer(second, method, count: "00000002")) == .stale)
    }
  }

  @Test("A02: an unknown user and a wrong password have the same verdict")
  func wrong() throws {
    var verifier = verifier()
    let challenge = try challenge(&verifier)
    let guess = DigestAccount(user: "alice", realm: "pbx.example.com", password: Secret("1234"))
    #expect(
      try verify(&verifier, try answer(challenge, account: guess)) == .wrong)
    #expect(
      try verify(&verifier, try answer(challenge), secrets: .some(nil)) == .wrong)
    // With a nonce that was not sent there, or is old, right and wrong are the same.
    for account in [guess, nil] {
      let message = try account.map { try answer(challenge, account: $0) } ?? answer(challenge)
      #expect(try verify(&verifier, message, source: IPAddress(v4: 1)) == .stale)
      #expect(try verify(&verifier, message, at: 61_000) == .stale)
    }
    #expect(try verify(&verifier, try answer(challenge)) == .accepted)
  }

  @Test(
    "A02: who does not exist, or lacks the algorithm, takes the work of a wrong password",
    arguments: [DigestAlgorithm.md5, .sha256])
  func work(algorithm: DigestAlgorithm) throws {
    var verifier = verifier()
    let guess = DigestAccount(user: "alice", realm: "pbx.example.com", password: Secret("1234"))
    let message = try answer(try challenge(&verifier, [algorithm]), account: guess)
    let claim = try #require(DigestVerifier.credentials(in: message, realm: realm))
    let nonce = try #require(verifier.nonce(of: claim, source: phone, at: now(0)))
    /// The shortest of many tries: what else the machine does makes them only longer.
    func took(_ secrets: DigestSecrets?) throws -> Duration {
      let tries = (0..<50).map { _ in
        ContinuousClock().measure {
          for _ in 0..<20 {
            _ = verifier.verify(claim, nonce, of: message, secrets: secrets, user: 1, at: now(0))
          }
        }
      }
      return try #require(tries.min())
    }
    let (wrong, unknown) = (try took(secrets), try took(nil))
    #expect(unknown > wrong / 2 && wrong > unknown / 2, "\(wrong) and \(unknown)")
    #expect(try took(DigestSecrets()) > wrong / 2)
  }

  @Test("A23: an algorithm that the account does not have is refused")
  func downgrade() throws {
    var verifier = verifier()
    let message = try answer(try challenge(&verifier, [.md5]))
    let strong = DigestSecrets(sha256: secrets.sha256)
    #expect(try verify(&verifier, message, secrets: strong) == .wrong)
  }

  @Test(
    "A23: without qop, with auth-int or an unknown algorithm there is nothing to check",
    arguments: [
      #"Digest username="alice", realm="pbx.example.com", nonce="n", uri="sip:pbx.example.com", response="0", algorithm=MD5"#,
      #"Digest username="alice", realm="pbx.example.com", nonce="n", uri="sip:pbx.example.com", response="0", qop=auth-int, nc=00000001, cnonce="x""#,
      #"Digest username="alice", realm="pbx.example.com", nonce="n", uri="sip:pbx.example.com", response="0", qop=auth, nc=00000001, cnonce="x", algorithm=MD5-sess"#,
      #"Digest username="alice", realm="pbx.example.com", nonce="n", uri="sip:pbx.example.com", response="0", qop=auth, nc=00000001, cnonce="x", algorithm=ROT13"#,
      #"Digest username="alice", realm="elsewhere", nonce="n", uri="sip:pbx.example.com", response="0", qop=auth, nc=00000001, cnonce="x""#,
      #"Digest username="alice", realm="pbx.example.com", nonce="n", uri="sip:pbx.example.com", response="0", qop=auth, nc=1, cnonce="x""#,
      #"NoOneKnowsThisScheme opaque-data=here"#,
    ])
  func unusable(value: String) throws {
    let message = try request("REGISTER", [HeaderDraft(.authorization, value)])
    #expect(DigestVerifier.credentials(in: message, realm: realm) == nil)
  }

  @Test(
    "A21, RFC 7616 §3.4.6: a digest for another Request-URI is refused, an equivalent one is not")
  func requestURI() throws {
    var verifier = verifier()
    let first = try answer(try challenge(&verifier), "INVITE", uri: "sip:100@pbx.example.com")
    let field = try #require(first.field(.authorization))
    let other = try request(
      "INVITE", [HeaderDraft(.authorization, field)], uri: "sip:0900@pbx.example.com")
    #expect(try verify(&verifier, other) == .mismatched)
    let same = try request(
      "INVITE", [HeaderDraft(.authorization, field)], uri: "sip:100@PBX.example.com")
    #expect(try verify(&verifier, same) == .accepted)
  }

  @Test(
    "A nonce that we did not make is nobody's",
    arguments: [
      "", "AAAA", String(repeating: "A", count: 27), String(repeating: "-", count: 27),
      String(repeating: "!", count: 27),
    ])
  func foreignNonce(nonce: String) {
    let maker = NonceMaker(secret: Secret("0123456789abcdef"), salt: 1)
    let letters = Array(nonce.utf8)
    #expect(maker.open(letters.span, source: phone, realm: realm.span) == nil)
  }

  @Test("A21: each bit of a nonce is under its seal, and so are address and realm")
  func seal() {
    var maker = NonceMaker(secret: Secret("0123456789abcdef"), salt: 1)
    let nonce = maker.make(source: phone, realm: realm.span, at: now(5_000)).bytes
    let opened = maker.open(nonce.span, source: phone, realm: realm.span)
    #expect(opened == NonceMaker.Opened(second: 5, serial: 1))
    #expect(maker.open(nonce.span, source: .v4Any, realm: realm.span) == nil)
    let elsewhere = Array("other".utf8)
    #expect(maker.open(nonce.span, source: phone, realm: elsewhere.span) == nil)
    for index in nonce.indices {
      var changed = nonce
      changed[index] = changed[index] == 65 ? 66 : 65
      #expect(maker.open(changed.span, source: phone, realm: realm.span) == nil)
    }
    let other = NonceMaker(secret: Secret("another secret of ours"), salt: 1)
    #expect(other.open(nonce.span, source: phone, realm: realm.span) == nil)
    let later = NonceMaker(secret: Secret("0123456789abcdef"), salt: 2)
    #expect(later.open(nonce.span, source: phone, realm: realm.span) == nil)
  }

  @Test("Two phones behind one address never share a nonce")
  func unique() {
    var maker = NonceMaker(secret: Secret("0123456789abcdef"), salt: 1)
    let nonces = (0..<1_000).map { _ in
      maker.make(source: phone, realm: realm.span, at: now(0)).bytes
    }
    #expect(Set(nonces).count == 1_000)
  }

  @Test("The memory for counts is bounded and empties by itself")
  func boundedUses() {
    var uses = NonceUses(life: .seconds(60), limit: 10, share: 10)
    func take(_ name: UInt64, _ count: UInt32, at milliseconds: Int64) -> Bool {
      uses.take(NonceName(name), count: count, once: false, of: 1, at: ms(milliseconds))
    }
    for name in 0..<UInt64(10) { #expect(take(name, 1, at: 0)) }
    #expect(!take(10, 1, at: 1))
    #expect(take(0, 2, at: 1))
    #expect(take(10, 1, at: 60_001))
    #expect(!take(0, 1, at: 60_001))
    #expect(take(10, 1, at: 200_000))
    #expect(uses.count == 1)
  }

  @Test("A10: one user's nonces leave room for everybody else's, and are counted anew each minute")
  func shareOfUser() {
    var uses = NonceUses(life: .seconds(60), limit: 100, share: 10)
    func taken(_ names: Range<UInt64>, of user: UInt64, at milliseconds: Int64) -> Int {
      names.count {
        uses.take(NonceName($0), count: 1, once: false, of: user, at: ms(milliseconds))
      }
    }
    #expect(taken(0..<1_000, of: 1, at: 0) == 50, "who is alone has half of it")
    #expect(taken(1_000..<2_000, of: 2, at: 1) == 10)
    #expect(taken(2_000..<2_001, of: 3, at: 1) == 1)
    let isTaken = uses.take(NonceName(0), count: 2, once: false, of: 1, at: ms(1))
    #expect(isTaken, "one that he has")
    #expect(taken(3_000..<3_001, of: 1, at: 60_001) == 1)
  }

  @Test("A21: what a nonce was used for is known for as long as it is fresh, to the last second")
  func lastSecond() throws {
    var verifier = verifier()
    let first = try answer(try challenge(&verifier, at: 500), "INVITE")
    #expect(try verify(&verifier, first, at: 500) == .accepted)
    let message = try answer(try challenge(&verifier, at: 60_000), "INVITE")
    #expect(try verify(&verifier, message, at: 60_400) == .accepted)
    let next = try answer(try challenge(&verifier, at: 60_500), "INVITE")
    #expect(try verify(&verifier, next, at: 60_500) == .accepted)
    #expect(try verify(&verifier, message, at: 120_600) == .stale)
  }

  @Test("A22: the client answers the carrier's realm and no other")
  func foreignRealm() throws {
    var verifier = verifier()
    let challenge = try challenge(&verifier)
    var dice = Dice.seeded(SplitMix(seed: 1))
    let trunk = DigestAccount(user: "t", realm: "carrier.example", password: Secret("x"))
    let uri = try URI("sip:pbx.example.com")
    #expect(trunk.answer(challenge, method: .invite, uri: uri, dice: &dice) == nil)
  }

  @Test("RFC 2069: the client answers a challenge without qop, opaque comes back")
  func withoutQOP() throws {
    let field = #"Digest realm="pbx.example.com", nonce="84a4cc6f", opaque="5ccc", algorithm=MD5"#
    var builder = MessageBuilder(
      responseTo: try request("INVITE"), 407, source: nil, toTag: Array("x".utf8))
    builder.add(.proxyAuthenticate, field)
    let refused = try MessageParser.parse(builder.finish(), framing: .datagram)
    var dice = Dice.seeded(SplitMix(seed: 1))
    let answer = try #require(
      account.answer(
        refused, method: .invite, uri: try URI("sip:bob@biloxi.example.com"), dice: &dice))
    #expect(answer.name == .known(.proxyAuthorization))
    let message = try request("INVITE", [answer])
    let credentials = try #require(try message.digestCredentials(.proxyAuthorization).first)
    #expect(credentials.qop == nil && credentials.nonceCount == nil)
    #expect(credentials.opaque == Array("5ccc".utf8))
    #expect(credentials.response.count == 32)
  }

  @Test("The client tells a stale challenge from a refused password")
  func stale() throws {
    var verifier = verifier()
    #expect(account.isStale(try challenge(&verifier, isStale: true)))
    #expect(!account.isStale(try challenge(&verifier)))
  }
}
