import Crypto
import Foundation
import SwiftASN1
import X509

/// A fresh key and the request for a certificate of it (RFC 2986, RFC 8555 §7.4).
struct CertificateRequest {
  let keyPEM: String
  /// The request in DER, as an order is finished with.
  let der: Data
  private let publicKey: Certificate.PublicKey

  init(name: String) throws {
    let key = P256.Signing.PrivateKey()
    keyPEM = key.pemRepresentation + "\n"
    publicKey = Certificate.PublicKey(key.publicKey)
    let extensions = try Certificate.Extensions {
      SubjectAlternativeNames([.dnsName(name)])
    }
    let request = try CertificateSigningRequest(
      version: .v1, subject: DistinguishedName(), privateKey: Certificate.PrivateKey(key),
      attributes: CertificateSigningRequest.Attributes([
        .init(ExtensionRequest(extensions: extensions))
      ]), signatureAlgorithm: .ecdsaWithSHA256)
    var serializer = DER.Serializer()
    try serializer.serialize(request)
    der = Data(serializer.serializedBytes)
  }

  /// Whether a chain in PEM begins with a certificate of this key for that name.
  func isAnswered(by chain: String, for name: String) -> Bool {
    guard let first = try? PEMDocument.parseMultiple(pemString: chain).first,
      let certificate = try? Certificate(derEncoded: first.derBytes),
      let names = try? certificate.extensions.subjectAlternativeNames
    else { return false }
    return certificate.publicKey == publicKey
      && names.contains { alternative in
        if case .dnsName(let host) = alternative { host.lowercased() == name } else { false }
      }
  }
}
