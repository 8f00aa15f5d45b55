import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// The quick reader of credentials against the general one.
@Suite struct DigestScannerTests {
  private func general(_ line: String) throws -> DigestCredentials {
    let values = try AuthenticationValue.parseList(Array(line.utf8).span)
    return try DigestCredentials(try #require(values.first))
  }

  private func scanned(_ line: String) -> DigestCredentials? {
    let bytes = Array(line.utf8)
    return DigestCredentials(scanning: bytes.span)
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
    let credentials = try #require(scanned(line))
    let other = try general(line)
    #expect(credentials.username == other.username && credentials.realm == other.realm)
    #expect(credentials.nonce == other.nonce && credentials.uri == other.uri)
    #expect(credentials.response == other.response && credentials.opaque == other.opaque)
    #expect(credentials.algorithm == other.algorithm && credentials.qop == other.qop)
    #expect(credentials.cnonce == other.cnonce)
    #expect(credentials.nonceCount == other.nonceCount)
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
