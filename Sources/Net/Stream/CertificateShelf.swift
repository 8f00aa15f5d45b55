import Elements
import NIOSSL

/// Our certificates by the names that clients ask for (SNI, RFC 6066 §3).
struct CertificateShelf: Sendable {
  /// For who names nobody, or somebody we have none for.
  let standard: ServerCertificate
  private var exact: [String: ServerCertificate] = [:]
  /// By what stands behind "*.".
  private var wild: [String: ServerCertificate] = [:]

  /// `named` in order: where two serve a name, the first counts, and one that holds before any that does not.
  init(standard: ServerCertificate, named: [ServerCertificate], at now: WallTime) {
    self.standard = standard
    for certificate in named where certificate.holds(at: now) {
      for name in certificate.names { put(certificate, for: name) }
    }
    // For a name that nobody else serves it is still the right one: who looks at it is told that it has ended.
    let isStandard = { name in standard.holds(at: now) && standard.serves(name) }
    for certificate in named where !certificate.holds(at: now) {
      for name in certificate.names where self.certificate(for: name) == nil && !isStandard(name) {
        put(certificate, for: name)
      }
    }
  }

  private mutating func put(_ certificate: ServerCertificate, for name: String) {
    if name.hasPrefix("*.") {
      let parent = String(name.dropFirst(2))
      if wild[parent] == nil { wild[parent] = certificate }
    } else if exact[name] == nil {
      exact[name] = certificate
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
