import ConfigurationFiles
package import API
package import Elements
import Foundation
package import Net
import SIP

/// Looks at an installation as an attacker would, and as one who has got hold of its files.
package struct Audit {
  /// What came of it.
  package struct Outcome: Sendable {
    /// The worst first.
    package let findings: [AuditFindingReport]
    package let summary: AuditSummaryReport
  }

  private let configuration: Configuration
  /// Words to try as passwords besides our own.
  private let words: [String]
  /// Listeners to ask in the place of those that the server says it has.
  private let chosen: [ListenAddress]?
  private let chosenHTTP: Endpoint?

  /// Asks for SIP and for the pages of monitoring there, or wherever the running server says that it listens.
  package init(
    _ configuration: Configuration, listeners: [ListenAddress]? = nil, http: Endpoint? = nil,
    words: [String] = []
  ) {
    (self.configuration, self.words) = (configuration, words)
    (chosen, chosenHTTP) = (listeners, http)
  }

  /// The installation in the data folder, and what its server answers to strangers where one runs.
  package func examine() throws -> Outcome {
    let folder = configuration.data
    let isRunning = ControlClient(dataFolder: folder).isServerRunning
    let store = try weaknesses(isRunning)
    let own = isRunning ? store.listeners.compactMap(ListenAddress.init) : []
    let http = chosenHTTP ?? (isRunning ? Endpoint(store.http) : nil)
    let targets = (chosen ?? own).map { ProbeTarget($0, isHere: true) }
    let server = isRunning ? FileAudit.server(in: folder) : nil
    var findings = FileAudit(
      folder: folder, tlsFolder: configuration.tls.folder, settings: configuration.file,
      server: server
    ).findings()
    let filter = FilterListing.inForce()
    findings += MachineAudit(
      own: own, http: http, rtp: configuration.rtp, server: server, listing: filter
    ).findings()
    // What is asked from here is not what the filter lets in from elsewhere.
    let pages = http.map { filter.closes($0) ? [] : [$0] } ?? []
    findings += StrangerAudit(
      targets, store.target, http: pages, isWhole: chosen == nil
    ).findings()
    if targets.isEmpty {
      findings.append(
        AuditFinding(
          .unseenNetwork, at: .platform,
          "No server runs on \(folder): nothing was asked over the network."))
    }
    return Self.outcome(store.findings + findings.map(\.report), targets, store.passwords)
  }

  /// A server elsewhere, of which nothing is known but what it answers; `user` is one who exists there.
  package static func examine(
    _ place: RemoteServer, domain: String?, user: String?
  ) -> Outcome {
    let targets = place.listeners.map {
      ProbeTarget($0, isHere: false, isGuess: place.isGuess)
    }
    let domain = domain ?? place.name
    let who = AuditTargetReport(
      domain: domain, user: user, absentUser: user.map(absent),
      domains: domain.map { [$0] } ?? [])
    let findings = StrangerAudit(targets, who, http: place.http, isWhole: place.isGuess).findings()
    return outcome(findings.map(\.report), targets, nil)
  }

  /// A name as long that hardly anybody has.
  private static func absent(beside user: String) -> String {
    let letter = user.allSatisfy(\.isNumber) ? "0" : "z"
    let name = String(repeating: letter, count: user.utf8.count)
    return name == user ? String(repeating: "x", count: user.utf8.count) : name
  }

  private func weaknesses(_ isRunning: Bool) throws -> AuditedStoreReport {
    guard isRunning else {
      return try Administration(existing: configuration.data)
        .weaknesses(words: words, listeners: [], http: "")
    }
    switch try ControlClient(dataFolder: configuration.data).ask(.weaknesses(words: words)) {
    case .weaknesses(let report): return report
    case .failed(let reason):
      throw ConfigurationError(
        field: "audit", problem: "the server refused: \(reason)", wayOut: "Nothing was looked at.")
    case _: throw ControlClient.Failure.broken("not what an audit asks for")
    }
  }

  private static func outcome(
    _ findings: [AuditFindingReport], _ targets: [ProbeTarget], _ passwords: PasswordTrialReport?
  ) -> Outcome {
    Outcome(
      findings: findings.enumerated().sorted {
        ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
      }.map(\.element),
      summary: AuditSummaryReport(
        findings, probed: targets.map(\.description), passwords: passwords))
  }
}

extension ListenAddress {
  /// "UDP 192.0.2.1:5060", as it is printed.
  init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, let endpoint = Endpoint(words[1]),
      let transport = Transport.allCases.first(where: { "\($0.viaToken)" == words[0] })
    else { return nil }
    self.init(transport, endpoint)
  }
}
