import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// The quick reader of credentials against the general one.
@Suite struct DigestClaimTests {
  private func general(_ line: String) throws -> DigestCredentials {
    let values = try AuthenticationValue.parseList(Array(line.utf8).span)
    return try DigestCredentials(try #require(values.first))
  }

  /// Scans a line in the middle of other bytes, which it must not look at.
  private func scanned(_ line: String) -> DigestClaim? {
    let bytes = Array("Authorization: \(line)\", realm=\"z\"".utf8)
    return DigestClaim(scanning: ByteRange(15, 15 + line.utf8.count), of: bytes)
  }

  /// The values of a claim, one after the other.
  private func values(_ claim: DigestClaim) -> [[UInt8]?] {
    [
      claim.username, claim.realm, claim.nonce, claim.uri, claim.response, claim.count,
      claim.cnonce,
    ].map { $0.map { Array(claim.bytes[$0.range]) } }
  }

  @Test(
    "What it takes means the same to the general parser",
    arguments: [
      #"Digest username="alice", realm="pbx", nonce="AbC-_9", uri="sip:pbx", response="00ff", algorithm=MD5, qop=auth, nc=00000001, cnonce="x", opaque="""#,
      #"DIGEST username="a",realm="b",nonce="c",uri="sip:d",response="e""#,
      #"digest  Username="a" , REALM="b,=" ,nonce="c",uri="sip:d;x=y",response="e",ALGORITHM="SHA-256",QOP="auth",NC=0000000a,CNONCE="f""#,
      #"Digest username="ü", realm="b", nonce="c", uri="sip:d", response="e", algorithm=SHA-512-256"#,
      #"Digest username="a", realm="b", nonce="c", uri="sip:d", response="e", algorithm=MD5-sess, qop=auth-int"#,
    ])
  func agreement(line: String) throws {
    let claim = try #require(scanned(line))
    let credentials = try general(line)
    let other = DigestClaim(credentials)
    #expect(values(claim) == values(other))
    #expect(claim.algorithm == other.algorithm && claim.isProtected == other.isProtected)
    #expect(claim.countNumber == other.countNumber)
    #expect(
      values(other) == [
        credentials.username, credentials.realm, credentials.nonce, credentials.uri,
        credentials.response, credentials.nonceCount ?? [], credentials.cnonce,
      ])
    #expect(other.countNumber == credentials.nonceCountNumber)
  }

  @Test(
    "What is out of the ordinary is left to the general parser",
    arguments: [
      "", "Digest", "Digest ", "Basic dXNlcjpwYXNz", "Digestusername=\"a\"",
      #"Digest username="a\"b", realm="b", nonce="c", uri="d", response="e""#,
      #"Digest username="a", realm="b", nonce="c", uri="d", response="e", Digest username="z""#,
      #"Digest username="a", realm="b", nonce="c", uri="d", response="e", userhash=false"#,
      #"Digest username="a", username="b", realm="b", nonce="c", uri="d", response="e""#,
      #"Digest username="a", realm="b", nonce="c", uri="d""#,
      #"Digest username="a", realm="b", nonce="c", uri="d", response="e"#,
      #"Digest username="a", realm="b", nonce="c", uri="d", response="e","#,
      #"Digest username=, realm="b", nonce="c", uri="d", response="e""#,
    ])
  func leftAlone(line: String) {
    #expect(scanned(line) == nil)
  }

  @Test("Any cut of a line is taken or left, never more", arguments: 0..<150)
  func cuts(length: Int) {
    let line =
      #"Digest username="alice", realm="pbx", nonce="AbC", uri="sip:pbx", response="00ff", qop=auth, nc=00000001, cnonce="x""#
    _ = scanned(String(line.prefix(length)))
  }
}
