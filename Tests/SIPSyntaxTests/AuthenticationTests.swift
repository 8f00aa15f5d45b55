import Elements
import Testing

@testable import SIPSyntax

@Suite struct AuthenticationTests {
  @Test("RFC 3261 §20.44, RFC 8760 §2: several challenges, in lines and in one line")
  func challenges() throws {
    let message = try message(
      with: """
        WWW-Authenticate: Digest realm="a, b", nonce="n1", algorithm=SHA-256, qop="auth,auth-int", stale=TRUE
        WWW-Authenticate: Digest realm="c", nonce = "n2" ,opaque="", Basic realm="d", Digest nonce="n3",realm="e"
        """)
    let challenges = try message.digestChallenges(.wwwAuthenticate)
    #expect(challenges.map(\.realm) == ["a, b", "c", "e"].map { Array($0.utf8) })
    #expect(challenges.map(\.algorithm) == [.sha256, .md5, .md5])
    #expect(challenges[0].qop == ["auth", "auth-int"] && challenges[0].isStale)
    #expect(challenges[1].qop.isEmpty && challenges[1].opaque == [] && !challenges[1].isStale)
    #expect(
      try message.authentication(.wwwAuthenticate).map(\.scheme)
        == ["Digest", "Digest", "Basic", "Digest"])
  }

  @Test("RFC 7616 §3.4: credentials, with what stands between the quotes for the hash")
  func credentials() throws {
    let line = """
      Digest username="bo\\"b", realm="biloxi.com", nonce="dcd98b", uri="sip:bob@biloxi.com", \
      qop=AUTH, nc=0000000a, cnonce="0a4f113b", response="6629fae4", opaque="5ccc"
      """
    let message = try message(with: "Authorization: \(line)")
    let credentials = try #require(try message.digestCredentials(.authorization).first)
    #expect(credentials.username == Array("bo\\\"b".utf8))
    #expect(credentials.qop == "auth" && credentials.nonceCountNumber == 10)
    #expect(credentials.cnonce == Array("0a4f113b".utf8))
    let again = try AuthenticationValue.parseList(credentials.serialized.span)
    #expect(try DigestCredentials(again[0]) == credentials)
    #expect(again[0].bytes("username") == Array("bo\"b".utf8))
  }

  @Test("RFC 8760 §2.6: a challenge of ours is what others read")
  func ourChallenge() throws {
    let challenge = DigestChallengeValue(
      realm: Array("example.com".utf8), nonce: Array("abc".utf8), opaque: Array("o".utf8),
      algorithm: .sha256, isStale: true)
    let values = try AuthenticationValue.parseList(challenge.serialized.span)
    #expect(try DigestChallengeValue(values[0]) == challenge)
  }

  @Test("RFC 7235 §2.1, RFC 4475 §3.3.7: an unknown scheme is kept and is no mistake")
  func otherSchemes() throws {
    let message = try message(
      with: "Authorization: Bearer abc.def==\nAuthorization: NoOneKnows opaque-data=here")
    let values = try message.authentication(.authorization)
    #expect(values.map(\.scheme) == ["Bearer", "NoOneKnows"])
    #expect(values[0].raw("") == Array("abc.def==".utf8))
    #expect(values[1].text("opaque-data") == "here")
    #expect(try message.digestCredentials(.authorization).isEmpty)
  }

  @Test(
    "RFC 3261 §25.1: broken values are refused",
    arguments: [
      "", ",", "Digest realm=\"a", "Digest realm", "Digest realm=\"a\" nonce=\"b\"", "=x",
      "Digest =",
    ])
  func malformed(_ text: String) {
    #expect(throws: SyntaxError.self) {
      for value in try AuthenticationValue.parseList(Array(text.utf8).span) {
        _ = try DigestChallengeValue(value)
      }
    }
  }

  @Test(
    "A23, RFC 7616 §3.4: what is written without quotes is a token, whatever it came in",
    arguments: ["algorithm=\"M D5\"", "qop=\"\u{9c}th\"", "qop=\"\"", "nc=\"1,2\""])
  func noToken(_ parameter: String) throws {
    let text = "Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"d\", response=\"e\", "
    let values = try AuthenticationValue.parseList(Array((text + parameter).utf8).span)
    #expect(throws: SyntaxError.self) { try DigestCredentials(values[0]) }
    let quoted = try AuthenticationValue.parseList(Array((text + "qop=\"auth\"").utf8).span)
    #expect(try DigestCredentials(quoted[0]).qop == "auth")
  }

  @Test(
    "RFC 7616 §3.4: a name with quotes in it cannot add parameters of its own",
    arguments: ["a\", realm=\"x", "a\\", "\"", "a\\\"b"])
  func quotes(_ name: String) throws {
    let credentials = DigestCredentials(
      username: Array(name.utf8), realm: [0x72], nonce: [0x6E], uri: [0x75], response: [0x30])
    let values = try AuthenticationValue.parseList(credentials.serialized.span)
    #expect(values.count == 1 && values[0].items.count == 6)
    #expect(values[0].raw("realm") == [0x72])
  }
}
