import Foundation
import Glibc
import Net

/// Who may read what lies in the data folder, and as whom the server runs.
package struct FileAudit {
  private let folder: String
  private let tlsFolder: String
  private let server: Int32?

  private static let ownFiles: Set<String> = [
    "martinet.db", "martinet.db-wal", "martinet.db-shm", "journal", "master.key", "lock", "tls",
    "control.sock", "countries.csv",
  ]
  private static let ownPrefixes = ["journal.given-up-"]

  /// `server` is the process that serves the folder; nil: none does.
  package init(folder: String, tlsFolder: String, server: Int32?) {
    (self.folder, self.tlsFolder, self.server) = (folder, tlsFolder, server)
  }

  package func findings() -> [AuditFinding] {
    var findings = [
      open(folder, .dataFolder), open("\(folder)/master.key", .secretFile),
      open(AccountFile(in: tlsFolder).path, .secretFile),
      open("\(folder)/control.sock", .controlSocket),
    ].compactMap(\.self)
    findings += TLSSettings(folder: tlsFolder).examine()
      .compactMap { open($0.keyPath, .secretFile) }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where !Self.isOwn(name) {
      if let finding = open("\(folder)/\(name)", .foreignFile) { findings.append(finding) }
    }
    return findings + process()
  }

  private static func isOwn(_ name: String) -> Bool {
    ownFiles.contains(name) || ownPrefixes.contains { name.hasPrefix($0) }
  }

  private func open(_ path: String, _ rule: AuditRule) -> AuditFinding? {
    guard FileManager.default.fileExists(atPath: path), !FileRights.isOwnersAlone(path) else {
      return nil
    }
    return AuditFinding(rule, at: .file(path), "\(path) is open to other users of this machine.")
  }

  private func process() -> [AuditFinding] {
    guard let server, Self.user(of: server) == 0 else { return [] }
    return [
      AuditFinding(.root, at: .platform, "The server runs as root (process \(server)).")
    ]
  }

  /// The process that holds the folder, as its lock says.
  static func server(in folder: String) -> Int32? {
    let text = (try? String(contentsOfFile: "\(folder)/lock", encoding: .utf8)) ?? ""
    return Int32(text.prefix { $0.isNumber })
  }

  /// The user in whose right a process acts (proc_pid_status(5)).
  private static func user(of process: Int32) -> UInt32? {
    let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("Uid:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst(2).first.flatMap { UInt32($0) }
  }
}
