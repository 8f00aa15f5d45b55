package import Foundation

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
