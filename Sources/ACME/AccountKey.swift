import Crypto
import Elements
import Foundation

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
