import Crypto
package import Elements
import Foundation
import SwiftASN1
import X509

/// A certificate of our own making, so that TLS works from the first start on.
///
/// Phones have to be told to trust it; a certificate of an authority replaces it as files.
package struct SelfSignedCertificate {
  package let certificatePEM: String
  package let keyPEM: String

  private static let life: TimeInterval = 10 * 365 * 86_400

  /// Stands for host names, SIP domains or addresses.
  ///
  /// Validity begins a day before `now`, for phones whose clocks are behind.
  package init(names: [String], at now: WallTime) throws {
    let key = P256.Signing.PrivateKey()
    let names = names.isEmpty ? ["localhost"] : names
    let subject = try DistinguishedName { CommonName(names[0]) }
    let start = Date(timeIntervalSince1970: TimeInterval(now.unixSeconds) - 86_400)
    let alternatives = names.flatMap(Self.alternatives)
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(),
      publicKey: Certificate.PublicKey(key.publicKey), notValidBefore: start,
      notValidAfter: start.addingTimeInterval(Self.life), issuer: subject, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        // No KeyUsage: without keyCertSign in it, BoringSSL does not take a certificate as its own
        // issuer, and who adds it to the trusted ones would still be refused.
        try ExtendedKeyUsage([.serverAuth, .clientAuth])
        SubjectAlternativeNames(alternatives)
      }, issuerPrivateKey: Certificate.PrivateKey(key))
    certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
    keyPEM = key.pemRepresentation + "\n"
  }

  /// RFC 5922 §7.1: a SIP domain stands in the certificate as a URI, and as a DNS name for others.
  private static func alternatives(of name: String) -> [GeneralName] {
    guard let address = IPAddress(name) else {
      return [.dnsName(name), .uniformResourceIdentifier("sip:\(name)")]
    }
    let halves =
      address.v4.map { bits in withUnsafeBytes(of: bits.bigEndian, Array.init) }
      ?? withUnsafeBytes(of: (address.high.bigEndian, address.low.bigEndian), Array.init)
    return [.ipAddress(ASN1OctetString(contentBytes: halves[...]))]
  }
}
