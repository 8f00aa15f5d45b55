import ConfigurationFiles
import Foundation
import Glibc
import Net

/// Who may read and change what lies in the data folder, the certificates and the settings, and as whom the server runs.
package struct FileAudit {
  private let folder: String
  private let tlsFolder: String
  private let settings: String?
  private let server: Int32?

  private static let ownFiles: Set<String> = [
    "martinet.db", "martinet.db-wal", "martinet.db-shm", "journal", "master.key", "lock", "tls",
    "control.sock", "countries.csv",
  ]
  private static let ownPrefixes = ["journal.given-up-"]

  /// Looks at one installation.
  ///
  /// `server` is the process that serves the folder; nil: none does. `settings` is the file of `--config`; nil: that which the
  /// process was started with.
  package init(folder: String, tlsFolder: String, settings: String? = nil, server: Int32?) {
    (self.folder, self.tlsFolder, self.server) = (folder, tlsFolder, server)
    self.settings = settings ?? server.flatMap(Self.settings)
  }

  package func findings() -> [AuditFinding] {
    var findings = [
      open(folder, .dataFolder), open("\(folder)/master.key", .secretFile),
      open(AccountFile(in: tlsFolder).path, .secretFile),
      open("\(folder)/control.sock", .controlSocket),
    ].compactMap(\.self)
    let pairs = TLSSettings(folder: tlsFolder).examine()
    findings += pairs.compactMap { open($0.keyPath, .secretFile) }
    for name in list(folder, into: &findings) where !Self.isOwn(name) {
      if let finding = open("\(folder)/\(name)", .foreignFile) { findings.append(finding) }
    }
    var watched = [folder, "\(folder)/master.key", tlsFolder]
    watched += pairs.flatMap { [$0.certificatePath, $0.keyPath] } + (settings.map { [$0] } ?? [])
    findings += changeable(watched) + clearSecrets() + process()
    // What was not seen is wanted more than once.
    var told: [AuditRule: Set<AuditFinding.Place>] = [:]
    return findings.filter { told[$0.rule, default: []].insert($0.place).inserted }
  }

  private static func isOwn(_ name: String) -> Bool {
    ownFiles.contains(name) || ownPrefixes.contains { name.hasPrefix($0) }
  }

  /// What lies in a folder; that it could not be looked into is a finding.
  private func list(_ folder: String, into findings: inout [AuditFinding]) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch CocoaError.fileReadNoSuchFile {
      return []
    } catch {
      findings.append(
        AuditFinding(.unseenFiles, at: .file(folder), "What lies in \(folder) was not seen."))
      return []
    }
  }

  private func open(_ path: String, _ rule: AuditRule) -> AuditFinding? {
    do throws(FileFacts.Failure) {
      guard try !FileFacts(path).isOwnersAlone else { return nil }
      return AuditFinding(rule, at: .file(path), "\(path) is open to other users of this machine.")
    } catch {
      switch error {
      case .absent: return nil
      case .unseen:
        return AuditFinding(.unseenFiles, at: .file(path), "Who may read \(path) was not seen.")
      }
    }
  }

  // MARK: Who may change them

  /// The files and the folders that they are in; each is told once.
  private func changeable(_ paths: [String]) -> [AuditFinding] {
    let trusted = trustedUsers
    var told: Set<String> = []
    var findings: [AuditFinding] = []
    func tell(_ path: String, _ how: String?, _ rule: AuditRule = .changeable) {
      guard let how, told.insert(path).inserted else { return }
      findings.append(AuditFinding(rule, at: .file(path), "\(path) \(how)."))
    }
    for path in paths {
      let way = FilePath(path)
      do throws(FileFacts.Failure) {
        tell(path, try FileFacts(path).changeableBy(otherThan: trusted))
        if let failure = way.failure { throw failure }
      } catch {
        if error == .unseen {
          tell(path, "may be changed by somebody: it was not seen", .unseenFiles)
        }
      }
      for folder in way.folders.reversed() {
        tell(folder.path, folder.changeableBy(otherThan: trusted, asFolderAbove: true))
      }
      for link in way.looseLinks where !trusted.contains(link.owner) {
        tell(link.path, "is a link of user \(link.owner)")
      }
    }
    return findings
  }

  /// Root, and whom the server runs as; while it does not, the owner of its data.
  private var trustedUsers: Set<UInt32> {
    let own = server.flatMap(Self.user) ?? (try? FileFacts(folder))?.owner
    return Set([0] + (own.map { [$0] } ?? []))
  }

  // MARK: Secrets in clear

  private static let longestText = 1 << 20
  private static let textEndings = [".yaml", ".yml", ".bak", ".old", ".orig", ".save", "~"]

  /// The settings and what lies beside them, such as the configuration that is applied: passwords stand in it as they are.
  private func clearSecrets() -> [AuditFinding] {
    guard let settings else { return [] }
    let place = URL(fileURLWithPath: settings).deletingLastPathComponent().path
    var findings: [AuditFinding] = []
    let beside = list(place, into: &findings).filter { name in
      Self.textEndings.contains { name.hasSuffix($0) }
    }
    .map { "\(place)/\($0)" }
    return findings
      + Set(beside + [settings]).sorted().compactMap { path in
        do throws(FileFacts.Failure) {
          guard try FileFacts(path).isReadByAll(), Self.holdsSecrets(path) else { return nil }
          return AuditFinding(
            .clearSecrets, at: .file(path), "\(path) holds secrets, and every user may read it.")
        } catch {
          switch error {
          case .absent where path != settings: return nil
          case .absent, .unseen:
            return AuditFinding(.unseenFiles, at: .file(path), "Who may read \(path) was not seen.")
          }
        }
      }
  }

  private static func holdsSecrets(_ path: String) -> Bool {
    // What cannot be read here cannot be said to hold none.
    guard let file = FileHandle(forReadingAtPath: path) else { return true }
    defer { try? file.close() }
    guard let bytes = try? file.read(upToCount: longestText) else { return false }
    return SecretLines.holds(String(decoding: bytes, as: UTF8.self))
  }

  // MARK: The process

  private func process() -> [AuditFinding] {
    guard let server else { return [] }
    guard let user = Self.user(of: server) else {
      return [
        AuditFinding(
          .unseenFiles, at: .platform, "As whom the server runs (process \(server)) was not seen.")
      ]
    }
    return user == 0
      ? [AuditFinding(.root, at: .platform, "The server runs as root (process \(server)).")] : []
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

  /// The file of settings that a process was started with (proc_pid_cmdline(5)).
  private static func settings(of process: Int32) -> String? {
    let bytes = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
    let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    let long = words.first { $0.hasPrefix("--config=") }?.dropFirst("--config=".count)
    let next = words.firstIndex(of: "--config").map { words.dropFirst($0 + 1).first ?? "" }
    guard let path = long.map(String.init) ?? next, !path.isEmpty else { return nil }
    guard !path.hasPrefix("/") else { return path }
    let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
    return place.map { "\($0)/\(path)" }
  }
}

/// Finds secrets in settings and configurations without understanding them.
package enum SecretLines {
  private static let keys = ["password", "secret", "token"]

  /// Whether any line gives one of these keys a value: "token: k3…", "- { url: …, secret: \"k3…\" }".
  package static func holds(_ text: String) -> Bool {
    text.split(whereSeparator: \.isNewline).contains { line in
      let line = line.drop { $0.isWhitespace }.lowercased()
      guard !line.hasPrefix("#") else { return false }
      return keys.contains { key in
        line.ranges(of: key).contains { place in
          let rest = line[place.upperBound...].drop { "\"' ".contains($0) }
          guard rest.first == ":" else { return false }
          let value = rest.dropFirst().drop { "\"' ".contains($0) }
          return value.first.map { !",}~#".contains($0) } ?? false
        }
      }
    }
  }
}
