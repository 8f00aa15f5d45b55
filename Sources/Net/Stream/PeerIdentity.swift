import Elements
import SwiftASN1
import X509

/// Whether a certificate speaks for a SIP domain (RFC 5922 §7.1 to §7.4).
enum PeerIdentity {
  /// `certificate` is in DER, its chain already verified; `name` is the domain or address wanted.
  static func certificate(_ certificate: [UInt8], standsFor name: String) -> Bool {
    guard let certificate = try? Certificate(derEncoded: certificate),
      let alternatives = try? certificate.extensions.subjectAlternativeNames
    else { return false }
    let wanted = name.lowercased()
    var sipDomains: [String] = []
    var hosts: [String] = []
    for alternative in alternatives {
      switch alternative {
      case .uniformResourceIdentifier(let uri):
        if let domain = sipDomain(of: uri) { sipDomains.append(domain) }
      case .dnsName(let host): hosts.append(host.lowercased())
      case .ipAddress(let octets):
        if text(of: Array(octets.bytes)) == wanted { return true }
      case .otherName, .rfc822Name, .x400Address, .directoryName, .ediPartyName, .registeredID:
        continue
      }
    }
    // §7.1: where SIP URIs stand, DNS names are no SIP identities. §7.2: no wildcards in either.
    return (sipDomains.isEmpty ? hosts : sipDomains).contains(wanted)
  }

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
