import Crypto
import Elements
package import Foundation

/// The key that an authority knows us by: P-256, with ES256 signatures (RFC 7518 §3.4).
package struct AccountKey: Sendable {
  private let key: P256.Signing.PrivateKey

  package init() {
    key = P256.Signing.PrivateKey()
  }

  /// Reads what ``pem`` has written; nil for anything else.
  package init?(pem: String) {
    guard let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) else { return nil }
    self.key = key
  }

  package var pem: String { key.pemRepresentation + "\n" }

  /// The public half (RFC 7518 §6.2.1).
  package var publicKey: JSONWebKey {
    let point = key.publicKey.rawRepresentation
    return JSONWebKey(
      x: Base64URL.text(point.prefix(point.count / 2)),
      y: Base64URL.text(point.suffix(point.count / 2)))
  }

  /// SHA-256 over the public half in its one form (RFC 7638 §3).
  package var thumbprint: String { Base64URL.text(SHA256.hash(data: publicKey.canonical)) }

  /// What the answer to a challenge has to be (RFC 8555 §8.1).
  package func authorization(of token: String) -> String { "\(token).\(thumbprint)" }

  /// R and S, one behind the other.
  func signature(of bytes: some DataProtocol) throws -> Data {
    try key.signature(for: bytes).rawRepresentation
  }
}

/// A public key of P-256 (RFC 7517).
package struct JSONWebKey: Codable, Hashable, Sendable {
  package var crv = "P-256"
  package var kty = "EC"
  package var x: String
  package var y: String

  /// The members by the alphabet, without a space (RFC 7638 §3.2).
  package var canonical: Data {
    Data(#"{"crv":"\#(crv)","kty":"\#(kty)","x":"\#(x)","y":"\#(y)"}"#.utf8)
  }
}

/// Base64 for URLs, without padding (RFC 4648 §5).
package enum Base64URL {
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// Whether a text has such characters only, as a token must (RFC 8555 §8.3).
  static func isText(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      case _: false
      }
    }
  }
}
