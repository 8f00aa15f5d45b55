import API
package import Elements
package import Net
import SIP

/// What a TLS listener agrees to, version by version, and whom its certificate speaks for.
///
/// No answer is no refusal: what was not heard is said to be not seen.
package struct TLSProbe {
  private let target: ProbeTarget
  private let domains: [String]
  private let now: WallTime

  /// For one handshake, however slowly it comes.
  private static let wait: Duration = .seconds(3)
  private static let longestAnswer = 32_768
  private static let soonDays: Int64 = 30
  /// For all certificates; each costs a handshake.
  private static let mostTime: Duration = .seconds(60)

  init(_ target: ProbeTarget, domains: [String], at now: WallTime) {
    (self.target, self.domains, self.now) = (target, domains, now)
  }

  /// What came of it, and whether anybody spoke TLS at all.
  func examine() -> (findings: [AuditFinding], isThere: Bool) {
    let modern = hear(.tls13, CipherSuites.modern)
    switch modern {
    case .unreached(.refused) where target.isGuess: return ([], false)
    case .unreached(let reason):
      return ([found(.unseenTLS, "\(target): \(reason).")], false)
    case .agreed, .refused, .nothing: break
    }
    let usual = hear(.tls12, CipherSuites.ephemeral)
    // Whoever does not answer these does not answer others.
    guard modern.isSeen || usual.isSeen else {
      return ([found(.unseenTLS, "\(target) does not answer a TLS handshake.")], false)
    }
    return (handshakes(modern, usual) + certificates(), true)
  }

  private func found(_ rule: AuditRule, _ text: String) -> AuditFinding {
    AuditFinding(rule, at: .address("\(target)"), text)
  }

  // MARK: What it agrees to

  private enum Heard {
    case agreed(ServerHello)
    /// By an alert, or by hanging up.
    case refused
    /// Nothing in time, or nothing that is TLS.
    case nothing
    case unreached(Unreached)

    var hello: ServerHello? { if case .agreed(let hello) = self { hello } else { nil } }
    var isSeen: Bool {
      switch self {
      case .agreed, .refused: true
      case .nothing, .unreached: false
      }
    }
  }

  /// Behind those of TLS 1.3 and 1.2 as clients of today have them.
  private func handshakes(_ modern: Heard, _ usual: Heard) -> [AuditFinding] {
    let old = [ClientHello.Version.ssl3, .tls10, .tls11].map { ($0, hear($0, CipherSuites.all)) }
    let weak = [ClientHello.Version.tls12, .tls10].map { hear($0, CipherSuites.weak) }
    let fixed = hear(.tls12, CipherSuites.fixed)
    let heard = [modern, usual, fixed] + weak + old.map(\.1)
    // Who refuses everything may speak TLS to others, or speak no TLS.
    guard heard.contains(where: { $0.hello != nil }) else {
      return [found(.unseenTLS, "\(target) agrees to no handshake that was tried.")]
    }
    var findings: [AuditFinding] = []
    let versions = old.filter { $0.1.hello?.version == $0.0.rawValue }.map(\.0.description)
    if !versions.isEmpty {
      findings.append(
        found(.oldTLS, "\(target) agrees to \(versions.joined(separator: ", ")).")
      )
    }
    if let cipher = Self.cipher(of: weak, among: CipherSuites.weak) {
      findings.append(
        found(.weakCipher, "\(target) agrees to the weak cipher suite 0x\(Self.digits(cipher))."))
    }
    if let cipher = Self.cipher(of: [fixed], among: CipherSuites.fixed) {
      findings.append(
        found(
          .noSecrecy,
          "\(target) agrees to the cipher suite 0x\(Self.digits(cipher)), in which the certificate's key opens all."
        ))
    }
    if modern.isSeen, modern.hello?.version != ClientHello.Version.tls13.rawValue {
      findings.append(found(.noNewTLS, "\(target) does not agree to TLS 1.3."))
    }
    let missing = heard.count { !$0.isSeen }
    if missing > 0 {
      findings.append(
        found(
          .unseenTLS,
          "\(target) did not answer \(missing) of \(heard.count) handshakes that were tried.")
      )
    }
    return findings
  }

  /// The one that it chose out of these.
  private static func cipher(of answers: [Heard], among ciphers: [UInt16]) -> UInt16? {
    answers.compactMap(\.hello?.cipher).first { ciphers.contains($0) }
  }

  private static func digits(_ cipher: UInt16) -> String {
    let text = String(cipher, radix: 16, uppercase: true)
    return String(repeating: "0", count: 4 - text.count) + text
  }

  private func hear(_ version: ClientHello.Version, _ ciphers: [UInt16]) -> Heard {
    hear(ClientHello(version: version, ciphers: ciphers, serverName: domains.first))
  }

  private func hear(_ hello: ClientHello) -> Heard {
    let socket: ProbeSocket
    do {
      socket = try ProbeSocket(stream: true, to: target.remote, from: target.source)
    } catch {
      return .unreached(error)
    }
    defer { socket.close() }
    socket.send(hello.bytes)
    let end = ContinuousClock.now + Self.wait
    var bytes: [UInt8] = []
    while bytes.count < Self.longestAnswer {
      let rest = end - .now
      guard rest > .zero, let more = socket.receive(within: rest) else { return .nothing }
      guard !more.isEmpty else { return bytes.isEmpty ? .refused : .nothing }
      bytes += more
      switch ServerHello.read(bytes) {
      case .agreed(let hello): return .agreed(hello)
      case .refused: return .refused
      case .foreign: return .nothing
      case .unfinished: continue
      }
    }
    return .nothing
  }

  // MARK: Its certificate

  /// Each that it shows, to who asks for nobody and to who asks for a domain.
  private func certificates() -> [AuditFinding] {
    var seen: Set<[UInt8]> = []
    var findings: [AuditFinding] = []
    var (others, unseen): ([String], [String]) = ([], [])
    let end = ContinuousClock.now + Self.mostTime
    for domain in [nil] + domains.map(Optional.some) {
      guard ContinuousClock.now < end, let der = certificate(for: domain) else {
        // Without a name some show none, which is nobody's loss.
        if let domain { unseen.append(domain) }
        continue
      }
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
      findings.append(
        found(
          .certificateName, "\(target) has no certificate that stands for \(Self.list(others))."))
    }
    if domains.isEmpty {
      findings.append(
        found(
          .unseenTLS,
          "Whether the certificate of \(target) stands for its domain was not seen: no domain is known."
        ))
    } else if !unseen.isEmpty {
      findings.append(
        found(.unseenTLS, "The certificate of \(target) for \(Self.list(unseen)) was not seen."))
    } else if seen.isEmpty {
      findings.append(found(.unseenTLS, "The certificate of \(target) was not seen."))
    }
    return findings
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and others" : "")
  }

  private func certificate(for domain: String?) -> [UInt8]? {
    let link = try? TLSConversation(with: target.remote, from: target.source, name: domain)
    defer { link?.close() }
    return link?.certificate
  }

  private func judged(_ facts: CertificateFacts, _ whose: String) -> [AuditFinding] {
    Self.judge(facts, whose, at: now).map { found($0, $1) }
  }

  /// What is wrong with a certificate in itself.
  package static func judge(
    _ facts: CertificateFacts, _ whose: String, at now: WallTime
  ) -> [(AuditRule, String)] {
    let subject = "The certificate of \(whose)"
    var wrong: [(AuditRule, String)] = []
    let days = (facts.ends - now).wholeMilliseconds / 86_400_000
    if facts.ends < now {
      wrong.append((.certificateEnded, "\(subject) ended \(-days) days ago."))
    } else if facts.begins > now {
      wrong.append(
        (.certificateEarly, "\(subject) holds from \(facts.begins.iso8601) on only."))
    } else if days < soonDays {
      wrong.append((.certificateEnds, "\(subject) ends in \(days) days."))
    }
    if facts.isSelfSigned { wrong.append((.certificateOwn, "\(subject) is signed by itself.")) }
    if let weakness = facts.weakness {
      wrong.append((.certificateWeak, "\(subject) is weak: \(weakness)."))
    }
    return wrong
  }
}
