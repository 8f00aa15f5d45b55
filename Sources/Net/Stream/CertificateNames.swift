import Elements
import SwiftASN1
import X509

/// The names that stand in a certificate, in lower case.
struct CertificateNames: Hashable, Sendable {
  private(set) var sipDomains: [String] = []
  private(set) var hosts: [String] = []
  private(set) var addresses: [String] = []

  /// A certificate in DER; no names where it has none, or is none.
  init(of certificate: [UInt8]) {
    guard let certificate = try? Certificate(derEncoded: certificate),
      let alternatives = try? certificate.extensions.subjectAlternativeNames
    else { return }
    for alternative in alternatives {
      switch alternative {
      case .uniformResourceIdentifier(let uri):
        if let domain = Self.sipDomain(of: uri) { sipDomains.append(domain) }
      case .dnsName(let host): hosts.append(host.lowercased())
      case .ipAddress(let octets):
        if let address = Self.text(of: Array(octets.bytes)) { addresses.append(address) }
      case .otherName, .rfc822Name, .x400Address, .directoryName, .ediPartyName, .registeredID:
        continue
      }
    }
  }

  /// What the certificate proves (RFC 5922 §7.1): where SIP URIs stand, DNS names are no SIP identities.
  var identities: [String] { (sipDomains.isEmpty ? hosts : sipDomains) + addresses }

  /// What a client may ask for by the name of a host (RFC 6066 §3), and the addresses that it may find there.
  var served: [String] { hosts + sipDomains.filter { !hosts.contains($0) } + addresses }

  /// The domain of "sip:example.com"; nil for another scheme or a URI with a user part.
  private static func sipDomain(of uri: String) -> String? {
    let uri = uri.lowercased()
    guard uri.hasPrefix("sip:"), !uri.contains("@") else { return nil }
    return String(uri.dropFirst(4))
  }

  private static func text(of octets: [UInt8]) -> String? {
    switch octets.count {
    case 4: IPAddress(v4: octets.reduce(0) { $0 << 8 | UInt32($1) }).description
    case 16:
      IPAddress(
        high: octets[..<8].reduce(0) { $0 << 8 | UInt64($1) },
        low: octets[8...].reduce(0) { $0 << 8 | UInt64($1) }
      ).description
    case _: nil
    }
  }
}
