package import Elements

/// What a pair of certificate and key is worth.
package struct CertificateState: Hashable, Sendable {
  /// The folder of the pair.
  package let folder: String
  /// Nil: the standard one.
  package let name: String?
  /// From when to when the one holds that is in force; nil: none is.
  package var start: WallTime?
  package var end: WallTime?
  /// Hosts and SIP domains that it serves.
  package var names: [String] = []
  /// What is wrong with the files as they are now.
  package var complaint: NetError?

  mutating func adopt(_ certificate: ServerCertificate) {
    (start, end, names) = (certificate.start, certificate.end, certificate.names)
  }

  package var certificatePath: String { folder + "/" + ServerCertificate.certificateFile }
  package var keyPath: String { folder + "/" + ServerCertificate.keyFile }
}
