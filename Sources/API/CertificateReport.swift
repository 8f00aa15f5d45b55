/// A certificate of the server, or one that it wants to get.
package struct CertificateReport: Codable, Sendable {
  /// Its folder in that of the certificates; nil: the pair in the folder itself.
  package var folder: String?
  /// Hosts and SIP domains that it serves.
  package var names: [String]
  /// Until when it holds; nil: there is none.
  package var until: String?
  /// When it is got or renewed from the authority; nil: by hand.
  package var renewal: String?
  /// What is wrong with its files, or why the authority gave none the last time.
  package var complaint: String?

  package init(
    folder: String?, names: [String], until: String?, renewal: String?, complaint: String?
  ) {
    (self.folder, self.names, self.until) = (folder, names, until)
    (self.renewal, self.complaint) = (renewal, complaint)
  }
}
