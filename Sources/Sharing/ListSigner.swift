package import Crypto
package import Elements
import Foundation
package import Guard
package import Store

/// Our own hand under entries, and the proof of others' (Ed25519, RFC 8032).
package struct ListSigner: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  package init(_ key: Curve25519.Signing.PrivateKey) {
    self.key = key
  }

  /// What others know us by.
  package var reporter: Bits256 { Bits256(Array(key.publicKey.rawRepresentation)) ?? .zero }

  package func sign(_ entry: ListEntry) throws -> SignedEntry {
    SignedEntry(entry, signature: Array(try key.signature(for: Data(entry.signedBytes))))
  }

  /// Whether the reporter that an entry names has signed it.
  package static func isRight(_ signed: SignedEntry) -> Bool {
    guard
      let key = try? Curve25519.Signing.PublicKey(
        rawRepresentation: Data(signed.entry.reporter.bytes))
    else { return false }
    return key.isValidSignature(
      Data(signed.signature), for: Data(signed.entry.signedBytes))
  }

  /// What the next entry names this one by.
  package static func digest(_ entry: ListEntry) -> Bits256 { digest(of: entry.signedBytes) }

  package static func digest(of bytes: [UInt8]) -> Bits256 {
    Bits256(Array(SHA256.hash(data: bytes))) ?? .zero
  }
}
