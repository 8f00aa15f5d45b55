import API
import Foundation
import Glibc
import Store

// What the doctor says of the data folder and of what is in it.

extension Doctor {
  /// Whether this user sees what is in the folder; without that nothing can be said of it.
  var mayLook: Bool { access(configuration.data, R_OK | X_OK) == 0 || errno == ENOENT }

  func dataFolder() -> FindingReport {
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
    guard FileRights.isOwnersAlone(folder) else {
      return FindingReport(
        .warning, "data folder", "\(folder) can be read by other users of this machine.",
        wayOut: "chmod 700 \(folder)")
    }
    return FindingReport(.ok, "data folder", "\(folder) is there and ours alone.")
  }

  /// Of the file system that the folder is on, or will be.
  func diskSpace() -> FindingReport {
    var status = statvfs()
    let folder = Self.nearestFolder(configuration.data)
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
        "\(free) MB are free in \(folder): the journal may not be written, and then paid calls are refused.",
        wayOut: "Free at least 1 GB on the disk of \(folder).")
    case ..<1024:
      FindingReport(
        .warning, "disk space", "\(free) MB are free in \(folder).",
        wayOut: "Free at least 1 GB on the disk of \(folder).")
    case _:
      FindingReport(.ok, "disk space", "\(free) MB are free in \(folder).")
    }
  }

  /// The folder itself, or the closest one above it that is there.
  static func nearestFolder(_ path: String) -> String {
    var place = URL(fileURLWithPath: path).standardizedFileURL
    while place.path != "/", !FileManager.default.fileExists(atPath: place.path) {
      place.deleteLastPathComponent()
    }
    return place.path
  }

  /// Of the key that a start would take: the one handed over before that of the data folder.
  func masterKey() -> FindingReport {
    if let credential = credentials.map({ $0 + "/master.key" }),
      FileManager.default.fileExists(atPath: credential)
    {
      return masterKey(at: credential, refusing: MasterKey.refusedOfCredentials)
    }
    let path = configuration.data + "/master.key"
    guard !FileManager.default.fileExists(atPath: path) else {
      return masterKey(at: path, refusing: MasterKey.refused)
    }
    guard FileManager.default.fileExists(atPath: configuration.data + "/martinet.db") else {
      return FindingReport(.ok, "master key", "It is made at the first start, or given by systemd.")
    }
    let nor = credentials.map { " and in \($0) there is none" } ?? ""
    return FindingReport(
      .problem, "master key",
      "\(path) is missing\(nor), and the database's secrets cannot be opened.",
      wayOut: """
        Put the key back from where it is kept, or name its folder in CREDENTIALS_DIRECTORY where systemd gives it \
        to the service; without it nothing starts.
        """)
  }

  private func masterKey(at path: String, refusing rights: UInt32) -> FindingReport {
    FileRights.isOwnersAlone(path, refusing: Int(rights))
      ? FindingReport(.ok, "master key", "\(path) is readable by its owner only.")
      : FindingReport(
        .problem, "master key", "\(path) can be read by other users.", wayOut: "chmod 600 \(path)")
  }

  /// Whether the server would start on database and journal, and whether they and the audit trail are whole.
  func database() -> [FindingReport] {
    do throws(StoreError) {
      try DataFolder.checkDatabase(in: configuration.data)
    } catch {
      return [FindingReport(.problem, "database", "\(error)", wayOut: Self.untilThen)]
    }
    let hasJournal = DataFolder.hasJournal(in: configuration.data)
    guard !isServerRunning else {
      return hasJournal
        ? []
        : [
          FindingReport(
            .problem, "journal",
            "There is no journal in \(configuration.data) any more, and the server cannot be started again.",
            wayOut: Self.restore)
        ]
    }
    do {
      let administration = try Administration(existing: configuration.data)
      try administration.database.check()
      return [
        FindingReport(.ok, "database", "All of it can be read, and it holds together."),
        journal(try administration.journalComplaint(), isThere: hasJournal),
        try administration.auditFinding(),
      ] + administration.countryFindings()
    } catch StoreError.noInstallation {
      return [
        FindingReport(.ok, "journal", "It is made at the first start, and the database with it.")
      ]
    } catch StoreError.locked {
      return [
        FindingReport(
          .warning, "database", "Another command works in \(configuration.data).",
          wayOut: "Look again when it has ended.")
      ]
    } catch StoreError.olderSchema(let found, let known) {
      return [
        FindingReport(
          .warning, "database",
          "\(StoreError.olderSchema(found: found, known: known))")
      ]
    } catch StoreError.keyMissing {
      return []  // Said of the key.
    } catch {
      return [FindingReport(.problem, "database", "\(error)", wayOut: Self.untilThen)]
    }
  }

  private func journal(_ complaint: String?, isThere: Bool) -> FindingReport {
    if let complaint {
      return FindingReport(.problem, "journal", complaint, wayOut: Self.restore)
    }
    return isThere
      ? FindingReport(.ok, "journal", "It is the one that the database has followed.")
      : FindingReport(.ok, "journal", "It is made at the first start.")
  }

  private static let untilThen = "Until then the server does not start."
  private static let restore =
    "Restore the whole folder from one backup; `martinet recover` says what going on without it costs."
}
