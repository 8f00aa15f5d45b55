/// Whether a certificate speaks for a SIP domain (RFC 5922 §7.1 to §7.4).
enum PeerIdentity {
  /// `certificate` is in DER, its chain already verified; `name` is the domain or address wanted.
  ///
  /// §7.2: no wildcards.
  static func certificate(_ certificate: [UInt8], standsFor name: String) -> Bool {
    CertificateNames(of: certificate).identities.contains(name.lowercased())
  }
}
