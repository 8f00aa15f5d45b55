import ACME
import Crypto
import Elements
import Foundation
import Testing

@Suite struct AccountKeyTests {
  /// The key of RFC 7515, appendix A.3.
  private func key() throws -> AccountKey {
    let secret = try #require(Data(base64Encoded: "jpsQnnGQmL+YBIffH1136cspYG6+0iY7X1fCE9+E9LI="))
    let key = try P256.Signing.PrivateKey(rawRepresentation: secret)
    return try #require(AccountKey(pem: key.pemRepresentation))
  }

  @Test("RFC 7515 A.3: the public half of a known key, without padding and for URLs")
  func publicKey() throws {
    let half = try key().publicKey
    #expect(half.x == "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
    #expect(half.y == "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
  }

  @Test("RFC 7638: the thumbprint is over the members by the alphabet, without a space")
  func thumbprint() throws {
    let key = try key()
    #expect(
      String(decoding: key.publicKey.canonical, as: UTF8.self)
        == #"{"crv":"P-256","kty":"EC","x":"\#(key.publicKey.x)","y":"\#(key.publicKey.y)"}"#)
    #expect(key.authorization(of: "token") == "token.\(key.thumbprint)")
    #expect(key.thumbprint == Base64URL.text(SHA256.hash(data: key.publicKey.canonical)))
  }

  @Test(
    "RFC 8555 §6.2: header, payload and signature go together, and reading has an empty payload")
  func signedMessage() throws {
    let key = try key()
    for payload in [["a": "b"], nil] {
      let message = try SignedMessage(
        payload, to: "https://ca.example/x", nonce: "n1", signer: .account("https://ca.example/1"),
        key: key)
      let header = try #require(Base64URL.bytes(message.protected))
      #expect(
        String(decoding: header, as: UTF8.self)
          == #"{"alg":"ES256","kid":"https://ca.example/1","nonce":"n1","url":"https://ca.example/x"}"#
      )
      #expect(message.payload == (payload == nil ? "" : "eyJhIjoiYiJ9"))
      let signature = try P256.Signing.ECDSASignature(
        rawRepresentation: #require(Base64URL.bytes(message.signature)))
      let publicKey = try P256.Signing.PrivateKey(pemRepresentation: key.pem).publicKey
      #expect(
        publicKey.isValidSignature(
          signature, for: Data("\(message.protected).\(message.payload)".utf8)))
    }
  }
}

extension Base64URL {
  fileprivate static func bytes(_ text: String) -> Data? {
    let padded = text + String(repeating: "=", count: (4 - text.count % 4) % 4)
    return Data(
      base64Encoded: padded.replacing("-", with: "+").replacing("_", with: "/"))
  }
}
