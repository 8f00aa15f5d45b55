import API
import Elements
import Net
import SIP

/// What a TLS listener agrees to, version by version, and whom its certificate speaks for.
struct TLSProbe {
  private let target: ProbeTarget
  private let domains: [String]
  private let now: WallTime

  private static let wait: Duration = .seconds(2)
  private static let longestAnswer = 32_768
  private static let soonDays: Int64 = 30
  /// Each costs a handshake.
  private static let mostDomains = 50

  init(_ target: ProbeTarget, domains: [String], at now: WallTime) {
    (self.target, self.domains, self.now) = (target, domains, now)
  }

  func findings() -> [AuditFinding] { handshakes() + certificates() }

  private func found(_ rule: AuditRule, _ text: String) -> AuditFinding {
    AuditFinding(rule, at: .address("\(target)"), text)
  }

  // MARK: What it agrees to

  private func handshakes() -> [AuditFinding] {
    let old = [ClientHello.Version.ssl3, .tls10, .tls11].filter { agrees(to: $0, CipherSuites.all) }
    let weak = agreed([.tls12, .tls10], CipherSuites.weak)
    let fixed = agreed([.tls12], CipherSuites.fixed)
    var findings: [AuditFinding] = []
    if !old.isEmpty {
      let names = old.map(\.description).joined(separator: ", ")
      findings.append(found(.oldTLS, "\(target) agrees to \(names)."))
    }
    if let weak {
      findings.append(
        found(.weakCipher, "\(target) agrees to the weak cipher suite 0x\(Self.digits(weak))."))
    }
    if let fixed {
      findings.append(
        found(
          .noSecrecy,
          "\(target) agrees to the cipher suite 0x\(Self.digits(fixed)), in which the certificate's key opens all."
        ))
    }
    if !agrees(to: .tls13, CipherSuites.modern) {
      findings.append(found(.noNewTLS, "\(target) does not agree to TLS 1.3."))
    }
    return findings
  }

  private static func digits(_ cipher: UInt16) -> String {
    let text = String(cipher, radix: 16, uppercase: true)
    return String(repeating: "0", count: 4 - text.count) + text
  }

  private func agrees(to version: ClientHello.Version, _ ciphers: [UInt16]) -> Bool {
    answer(ClientHello(version: version, ciphers: ciphers, serverName: domains.first))?.version
      == version.rawValue
  }

  /// The one that it chose out of these, in one of the versions.
  private func agreed(_ versions: [ClientHello.Version], _ ciphers: [UInt16]) -> UInt16? {
    for version in versions {
      let hello = ClientHello(version: version, ciphers: ciphers, serverName: domains.first)
      if let chosen = answer(hello)?.cipher, ciphers.contains(chosen) { return chosen }
    }
    return nil
  }

  private func answer(_ hello: ClientHello) -> ServerHello? {
    guard let socket = ProbeSocket(stream: true, to: target.remote, from: target.source) else {
      return nil
    }
    defer { socket.close() }
    socket.send(hello.bytes)
    var bytes: [UInt8] = []
    while bytes.count < Self.longestAnswer, let more = socket.receive(within: Self.wait),
      !more.isEmpty
    {
      bytes += more
      switch ServerHello.read(bytes) {
      case .agreed(let hello): return hello
      case .refused: return nil
      case .unfinished: continue
      }
    }
    return nil
  }

  // MARK: Its certificate

  /// Each that it shows, to who asks for nobody and to who asks for a domain.
  private func certificates() -> [AuditFinding] {
    var seen: Set<[UInt8]> = []
    var findings: [AuditFinding] = []
    var others: [String] = []
    for domain in [nil] + domains.prefix(Self.mostDomains).map(Optional.some) {
      guard let der = certificate(for: domain) else { break }  // Said by the question for SIP.
      let facts = CertificateFacts(der)
      if let domain, facts?.standsFor(domain) != true { others.append(domain) }
      guard seen.insert(der).inserted else { continue }
      let whose = domain.map { "\(target) for \($0)" } ?? "\(target)"
      findings +=
        facts.map { judged($0, whose) }
        ?? [
          found(
            .certificateWeak, "The certificate of \(whose) has a key or form that is out of use.")
        ]
    }
    if !others.isEmpty {
      let names = others.prefix(5).joined(separator: ", ") + (others.count > 5 ? " and others" : "")
      findings.append(
        found(.certificateName, "\(target) has no certificate that stands for \(names)."))
    }
    return findings
  }

  private func certificate(for domain: String?) -> [UInt8]? {
    let link = try? TLSConversation(with: target.remote, from: target.source, name: domain)
    defer { link?.close() }
    return link?.certificate
  }

  private func judged(_ facts: CertificateFacts, _ whose: String) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    let days = (facts.ends - now).wholeMilliseconds / 86_400_000
    if facts.ends < now {
      findings.append(
        found(.certificateEnded, "The certificate of \(whose) ended \(-days) days ago."))
    } else if days < Self.soonDays {
      findings.append(found(.certificateEnds, "The certificate of \(whose) ends in \(days) days."))
    }
    if facts.isSelfSigned {
      findings.append(found(.certificateOwn, "The certificate of \(whose) is signed by itself."))
    }
    if let weakness = facts.weakness {
      findings.append(found(.certificateWeak, "The certificate of \(whose) is weak: \(weakness)."))
    }
    return findings
  }
}
