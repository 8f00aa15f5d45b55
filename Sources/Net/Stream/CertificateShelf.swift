import NIOSSL

/// Our certificates by the names that clients ask for (SNI, RFC 6066 §3).
struct CertificateShelf: Sendable {
  /// For who names nobody, or somebody we have none for.
  let standard: ServerCertificate
  private var exact: [String: ServerCertificate] = [:]
  /// By what stands behind "*.".
  private var wild: [String: ServerCertificate] = [:]

  /// `named` in order, those first that hold: where two serve a name, the first counts.
  init(standard: ServerCertificate, named: [ServerCertificate]) {
    self.standard = standard
    for certificate in named {
      for name in certificate.names {
        if name.hasPrefix("*.") {
          let parent = String(name.dropFirst(2))
          if wild[parent] == nil { wild[parent] = certificate }
        } else if exact[name] == nil {
          exact[name] = certificate
        }
      }
    }
  }

  var isEmpty: Bool { exact.isEmpty && wild.isEmpty }

  /// Nil: the standard one is right.
  func certificate(for serverName: String?) -> ServerCertificate? {
    guard var name = serverName?.lowercased() else { return nil }
    if name.hasSuffix(".") { name.removeLast() }
    if let certificate = exact[name] { return certificate }
    guard let dot = name.firstIndex(of: ".") else { return nil }
    return wild[String(name[name.index(after: dot)...])]
  }
}
