package import API
import Elements
import Foundation
import Glibc
import Net
import SIP

/// Looks at an installation from outside and says what is wrong and how to mend it.
package struct Doctor {
  let configuration: Configuration
  let isServerRunning: Bool

  /// Where systemd puts what it hands to a service, or the operator says that the master key is; nil: nowhere.
  let credentials: String?

  package init(
    _ configuration: Configuration,
    credentials: String? = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"]
  ) {
    (self.configuration, self.credentials) = (configuration, credentials)
    isServerRunning = ControlClient(dataFolder: configuration.data).isServerRunning
  }

  /// Every finding, good ones too; of a folder that this user may not look into only that.
  package func examine() -> [FindingReport] {
    guard mayLook else { return [dataFolder()] }
    var findings = [
      dataFolder(), diskSpace(), masterKey(), openFiles(), mediaPorts(),
    ]
    findings += Self.certificates(configuration.tls) + Self.issued(configuration)
    findings += database() + listeners() + webPort()
    findings.append(server())
    if isServerRunning { findings += runningServer() }
    return findings
  }

  private func server() -> FindingReport {
    isServerRunning
      ? FindingReport(.ok, "server", "A server runs on \(configuration.data).")
      : FindingReport(
        .warning, "server", "No server runs on \(configuration.data).",
        wayOut: "Start it with `\(Invocation.name) serve --data \(configuration.data)`.")
  }

  private func openFiles() -> FindingReport {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    // A call with two legs of audio needs four sockets.
    let calls = limit.rlim_max / 4
    return limit.rlim_max >= 16_384
      ? FindingReport(
        .ok, "open files", "\(limit.rlim_max) are allowed, enough for \(calls) calls.")
      : FindingReport(
        .warning, "open files", "Only \(limit.rlim_max) are allowed, enough for \(calls) calls.",
        wayOut: "Raise it: LimitNOFILE=262144 in the unit, or `ulimit -Hn`.")
  }

  private func mediaPorts() -> FindingReport {
    let text =
      (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)) ?? ""
    let ends = text.split(whereSeparator: \.isWhitespace).compactMap { UInt16($0) }
    let ours = configuration.rtp
    guard ends.count == 2, ends[0] <= ours.upperBound, ours.lowerBound <= ends[1] else {
      return FindingReport(
        .ok, "rtp ports",
        "\(ours.lowerBound)-\(ours.upperBound), enough for \(ours.count / 4) calls.")
    }
    return FindingReport(
      .warning, "rtp ports",
      "\(ours.lowerBound)-\(ours.upperBound) overlaps the kernel's own range \(ends[0])-\(ends[1]).",
      wayOut:
        "Choose ports below \(ends[0]), such as 10000-29999, or reserve them with sysctl net.ipv4.ip_local_reserved_ports."
    )
  }

  /// Whether each address is ours and its port free, where no server holds it yet.
  private func listeners() -> [FindingReport] {
    guard !isServerRunning else { return [] }
    return configuration.listeners.map { listener in
      do throws(NetError) {
        try PortProbe.tryToBind(listener)
        return FindingReport(.ok, "sip", "\(listener) is free.")
      } catch {
        return FindingReport(
          .problem, "sip", "\(error)", wayOut: "Free the address, or name another one with --sip.")
      }
    }
  }

  private func webPort() -> [FindingReport] {
    guard !isServerRunning else { return [] }
    let address = configuration.http
    do throws(NetError) {
      try PortProbe.tryToBind(ListenAddress(.tcp, address))
      return [FindingReport(.ok, "http", "\(address) is free.")]
    } catch {
      // The error's own sentence is about SIP.
      let reason =
        if case .bind(_, let errno) = error { String(cString: strerror(errno)) } else { "\(error)" }
      return [
        FindingReport(
          .problem, "http", "Cannot listen on \(address): \(reason).",
          wayOut:
            "Free the address (`ss -tlpn 'sport = :\(address.port)'` names who has it), or name another one with --http."
        )
      ]
    }
  }

  /// Alerts that have not arrived, and why; nil when all have.
  package static func alerts(_ status: StatusReport) -> FindingReport? {
    guard status.alertsWaiting > 0 || status.alertComplaint != nil else { return nil }
    let complaint = status.alertComplaint.map { " Why one of them has not arrived: \($0)" } ?? ""
    return FindingReport(
      .warning, "alerts", "\(status.alertsWaiting) wait to be delivered.\(complaint)",
      wayOut:
        "Check the mail server and the webhooks of the configuration; the log has each answer.")
  }

  /// What the running server says of its audit trail, or that it cannot.
  package static func auditTrail(_ answer: Result<ControlReply, any Error>) -> FindingReport {
    let reason: String
    switch answer {
    case .success(.finding(let trail)): return trail
    case .success(.failed(let why)): reason = why
    case .success: reason = "The server gave another answer than was asked for."
    case .failure(let error): reason = "\(error)"
    }
    return FindingReport(
      .problem, "audit trail", "The running server cannot read it: \(reason)",
      wayOut: "Nobody can say whether it is whole. Look at the disk and at the server's log.")
  }

  private func runningServer() -> [FindingReport] {
    let client = ControlClient(dataFolder: configuration.data)
    var findings: [FindingReport] = []
    if case .status(let status)? = try? client.ask(.status) {
      findings.append(
        status.journal == "durable"
          ? FindingReport(.ok, "journal", "Everything up to \(status.journalSequence) is on disk.")
          : FindingReport(
            .problem, "journal", status.journal,
            wayOut: "Free the disk or mend it; paid calls are refused until it writes again."))
      if let alerts = Self.alerts(status) { findings.append(alerts) }
    }
    findings.append(Self.auditTrail(Result { try client.ask(.auditTrail) }))
    if case .findings(let countries)? = try? client.ask(.countries) { findings += countries }
    if case .trunks(let trunks)? = try? client.ask(.trunks) {
      findings += trunks.map { trunk in
        trunk.state.hasPrefix("up")
          ? FindingReport(.ok, "trunk \(trunk.trunk)", "\(trunk.address) answers.")
          : FindingReport(
            .warning, "trunk \(trunk.trunk)", "\(trunk.address) is \(trunk.state).",
            wayOut: trunk.state.contains("present_certificate")
              ? "Put the certificate and its key there, or name another folder."
              : trunk.state.contains("certificate")
                ? "Ask the carrier for a certificate of this name, or name its authority in tls_authorities."
                : "Check the address, the firewall, and with the carrier.")
      }
    }
    return findings
  }
}
