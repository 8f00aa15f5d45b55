package import API
import Elements
import Foundation
import Glibc
import Net
import SIP
import Store

/// Looks at an installation from outside and says what is wrong and how to mend it.
package struct Doctor {
  private let configuration: Configuration
  private let isServerRunning: Bool

  package init(_ configuration: Configuration) {
    self.configuration = configuration
    isServerRunning = ControlClient(dataFolder: configuration.data).isServerRunning
  }

  /// Every finding, good ones too.
  package func examine() -> [FindingReport] {
    var findings = [
      dataFolder(), diskSpace(), journal(), masterKey(), certificate(), openFiles(), mediaPorts(),
    ]
    findings += listeners() + webPort()
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

  private func dataFolder() -> FindingReport {
    let folder = configuration.data
    guard FileManager.default.fileExists(atPath: folder) else {
      return FindingReport(
        .warning, "data folder", "\(folder) does not exist yet.",
        wayOut: "`martinet serve` makes it at its first start, where the parent is writable.")
    }
    guard access(folder, W_OK) == 0 else {
      return FindingReport(
        .problem, "data folder", "\(folder) is not writable by this user.",
        wayOut: "Run as its owner, or `chown -R` it.")
    }
    guard Self.isOurs(folder) else {
      return FindingReport(
        .warning, "data folder", "\(folder) can be read by other users of this machine.",
        wayOut: "chmod 700 \(folder)")
    }
    return FindingReport(.ok, "data folder", "\(folder) is there and ours alone.")
  }

  /// Whether nobody but the owner may read it.
  private static func isOurs(_ path: String) -> Bool {
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    return (facts?[.posixPermissions] as? Int ?? 0o777) & 0o077 == 0
  }

  private func diskSpace() -> FindingReport {
    var status = statvfs()
    let folder =
      FileManager.default.fileExists(atPath: configuration.data) ? configuration.data : "."
    guard statvfs(folder, &status) == 0 else {
      return FindingReport(
        .problem, "disk space",
        "The file system cannot be asked: \(String(cString: strerror(errno))).",
        wayOut: "Check that \(folder) is mounted.")
    }
    let free = (UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20
    return switch free {
    case ..<256:
      FindingReport(
        .problem, "disk space",
        "\(free) MB are free: the journal may not be written, and then paid calls are refused.",
        wayOut: "Free at least 1 GB on the disk of \(folder).")
    case ..<1024:
      FindingReport(
        .warning, "disk space", "\(free) MB are free.",
        wayOut: "Free at least 1 GB on the disk of \(folder).")
    case _:
      FindingReport(.ok, "disk space", "\(free) MB are free.")
    }
  }

  private func journal() -> FindingReport {
    let (data, files) = (configuration.data, FileManager.default)
    let segments = (try? files.contentsOfDirectory(atPath: data + "/journal")) ?? []
    guard files.fileExists(atPath: data + "/martinet.db") else {
      return segments.isEmpty
        ? FindingReport(.ok, "journal", "It is made at the first start, and the database with it.")
        : FindingReport(
          .problem, "database",
          "There is a journal and no database in \(data): the configuration and all records are gone.",
          wayOut: "Restore the whole folder from one backup before you start the server.")
    }
    let wayOut =
      "Restore the whole folder from one backup; `martinet recover` says what going on without it costs."
    guard !segments.isEmpty else {
      return FindingReport(
        .problem, "journal",
        "There is a database and no journal in \(data): the server does not start, because what was spent would be forgotten.",
        wayOut: wayOut)
    }
    if let complaint = journalComplaint() {
      return FindingReport(.problem, "journal", complaint, wayOut: wayOut)
    }
    return FindingReport(.ok, "journal", "\(segments.count) segments are there.")
  }

  /// What keeps the server from starting on its journal.
  ///
  /// Nil, too, where somebody works in the folder.
  private func journalComplaint() -> String? {
    guard !isServerRunning,
      FileManager.default.fileExists(atPath: configuration.data + "/master.key")
    else { return nil }
    do {
      return try Administration(dataFolder: configuration.data).journalComplaint()
    } catch StoreError.locked {
      return nil
    } catch {
      return "\(error)"
    }
  }

  private func masterKey() -> FindingReport {
    let path = configuration.data + "/master.key"
    guard FileManager.default.fileExists(atPath: path) else {
      let database = configuration.data + "/martinet.db"
      return FileManager.default.fileExists(atPath: database)
        && ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"] == nil
        ? FindingReport(
          .problem, "master key",
          "\(path) is missing, and the database's secrets cannot be opened.",
          wayOut: "Put the key back from where it is kept; without it phones need new passwords.")
        : FindingReport(.ok, "master key", "It is made at the first start, or given by systemd.")
    }
    return Self.isOurs(path)
      ? FindingReport(.ok, "master key", "\(path) is readable by its owner only.")
      : FindingReport(
        .problem, "master key", "\(path) can be read by other users.", wayOut: "chmod 600 \(path)")
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

  private func certificate() -> FindingReport {
    let settings = configuration.tls
    let path = settings.folder + "/certificate.pem"
    guard FileManager.default.fileExists(atPath: path) else {
      return FindingReport(
        .ok, "certificate",
        "None in \(settings.folder) yet: one of our own is made at the first start.")
    }
    let end: WallTime
    do throws(NetError) {
      end = try settings.examine()
    } catch {
      return FindingReport(
        .problem, "certificate", "\(error)",
        wayOut: "Until then the server does not start; a running one keeps what it has.")
    }
    let days = (end.unixSeconds - Clocks.wall().unixSeconds) / 86_400
    guard days >= 30 else {
      let when = days < 0 ? "ended \(-days) days ago" : "ends in \(days) days"
      return FindingReport(
        days < 0 ? .problem : .warning, "certificate", "\(path) \(when).",
        wayOut: "Put a new one there and send SIGHUP, or remove both files for one of our own.")
    }
    return FindingReport(.ok, "certificate", "\(path) holds for \(days) more days.")
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
    do throws(NetError) {
      try PortProbe.tryToBind(ListenAddress(.tcp, configuration.http))
      return [FindingReport(.ok, "http", "\(configuration.http) is free.")]
    } catch {
      return [
        FindingReport(
          .problem, "http", "\(error)", wayOut: "Free the address, or name another one with --http."
        )
      ]
    }
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
      if status.alertsWaiting > 0 {
        findings.append(
          FindingReport(
            .warning, "alerts", "\(status.alertsWaiting) wait to be delivered.",
            wayOut: "Check the mail server of the configuration; the log has its answers."))
      }
    }
    if case .trunks(let trunks)? = try? client.ask(.trunks) {
      findings += trunks.map { trunk in
        trunk.state.hasPrefix("up")
          ? FindingReport(.ok, "trunk \(trunk.trunk)", "\(trunk.address) answers.")
          : FindingReport(
            .warning, "trunk \(trunk.trunk)", "\(trunk.address) is \(trunk.state).",
            wayOut: "Check the address, the firewall, and with the carrier.")
      }
    }
    return findings
  }
}
