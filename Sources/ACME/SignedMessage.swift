import Foundation

/// A request body that proves its sender (RFC 8555 §6.2): a JWS in its flattened form.
package struct SignedMessage: Encodable {
  /// Who signs: by the key itself, before there is an account, or by the account's URL.
  package enum Signer {
    case key
    case account(String)
  }

  private struct Header: Encodable {
    var alg = "ES256"
    var jwk: JSONWebKey?
    var kid: String?
    let nonce: String
    let url: String
  }

  package let protected: String
  package let payload: String
  package let signature: String

  /// `payload` is nil for a POST that only reads (§6.3).
  package init(
    _ payload: (some Encodable)?, to url: String, nonce: String, signer: Signer, key: AccountKey
  ) throws {
    var header = Header(nonce: nonce, url: url)
    switch signer {
    case .key: header.jwk = key.publicKey
    case .account(let account): header.kid = account
    }
    protected = Base64URL.text(try Self.json(header))
    self.payload = try payload.map { Base64URL.text(try Self.json($0)) } ?? ""
    signature = Base64URL.text(try key.signature(of: Data("\(protected).\(self.payload)".utf8)))
  }

  var bytes: Data { get throws { try Self.json(self) } }

  private static func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }
}
