package import Elements
import Foundation
import SwiftASN1
import X509

/// What a certificate says of itself, for people who look at a server.
package struct CertificateFacts: Hashable, Sendable {
  package let begins: WallTime
  package let ends: WallTime
  package let isSelfSigned: Bool
  /// Why it can be forged, or nobody takes it; nil where it is sound.
  package let weakness: String?
  private let der: [UInt8]

  private static let (fewestBitsOfRSA, fewestBitsOfCurve) = (2048, 256)
  private static let bytesOfEd25519 = 32

  /// Nil for bytes that are no certificate.
  package init?(_ der: [UInt8]) {
    guard let certificate = try? Certificate(derEncoded: der) else { return nil }
    self.der = der
    begins = Self.time(certificate.notValidBefore)
    ends = Self.time(certificate.notValidAfter)
    isSelfSigned = certificate.issuer == certificate.subject
    weakness =
      Self.weakness(of: certificate.publicKey) ?? Self.weakness(of: certificate.signatureAlgorithm)
  }

  /// Whether it speaks for a SIP domain (RFC 5922 §7).
  package func standsFor(_ domain: String) -> Bool {
    PeerIdentity.certificate(der, standsFor: domain)
  }

  private static func time(_ date: Date) -> WallTime {
    WallTime(unixMilliseconds: Int64(date.timeIntervalSince1970 * 1000))
  }

  private static func weakness(of key: Certificate.PublicKey) -> String? {
    let bytes = Array(key.subjectPublicKeyInfoBytes)
    // Ed25519 has nothing in front by which it could be told (RFC 8410 §4), and no other is so short.
    guard bytes.count > bytesOfEd25519 else { return nil }
    switch bytes.first {
    case 0x04:  // An uncompressed point of a curve: both coordinates.
      let bits = (bytes.count - 1) / 2 * 8
      return bits < fewestBitsOfCurve ? "its key is a curve of \(bits) bits" : nil
    case 0x30:  // A sequence: modulus and exponent of RSA (RFC 8017 §A.1.1).
      guard let bits = bitsOfModulus(bytes) else { return "its key cannot be read" }
      return bits < fewestBitsOfRSA ? "its RSA key has \(bits) bits" : nil
    case _: return nil
    }
  }

  private static func bitsOfModulus(_ bytes: [UInt8]) -> Int? {
    guard let root = try? DER.parse(bytes) else { return nil }
    let modulus: ArraySlice<UInt8>? = try? DER.sequence(root, identifier: .sequence) { nodes in
      let modulus = try ArraySlice<UInt8>(derEncoded: &nodes)
      _ = try ArraySlice<UInt8>(derEncoded: &nodes)
      return modulus
    }
    return modulus.map { modulus in
      let bytes = modulus.drop { $0 == 0 }
      return bytes.count * 8 - (bytes.first?.leadingZeroBitCount ?? 0)
    }
  }

  private static func weakness(of algorithm: Certificate.SignatureAlgorithm) -> String? {
    let sound: [Certificate.SignatureAlgorithm] = [
      .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .sha256WithRSAEncryption,
      .sha384WithRSAEncryption, .sha512WithRSAEncryption, .ed25519,
    ]
    return sound.contains(algorithm) ? nil : "it is signed with \(algorithm)"
  }
}
