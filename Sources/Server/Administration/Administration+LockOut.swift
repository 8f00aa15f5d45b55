import ConfigurationFiles
package import API
package import Directory
import Elements
import Net
import Numbering
import Store
package import Switch

/// Who is there now, as far as that can be known.
package enum Attendance: Sendable {
  case known([Presence])
  /// Why it is not.
  case unknown(String)
}

/// A configuration was not put in force, since it would keep out who is there now.
package struct LockOutRefusal: Error, CustomStringConvertible {
  package let rows: [LockOutReport]
  private static let mostLines = 50

  package init(_ rows: [LockOutReport]) { self.rows = rows }

  package var description: String {
    var lines = rows.prefix(Self.mostLines).map { "  " + $0.words }
    if rows.count > Self.mostLines { lines.append("  … and \(rows.count - Self.mostLines) more") }
    return """
      Nothing was changed: this would lock out who is there now.

      \(lines.joined(separator: "\n"))

      Widen the lists, or give --lock-out where that is what you want.
      """
  }
}

extension Administration {
  /// Whom `directory` would lock out that may come in now; nil where that is to be done unseen.
  ///
  /// - Throws: ``LockOutRefusal`` where there is anybody and nobody said so; or why nobody knows.
  func lockOuts(
    by directory: DirectorySnapshot, of attendance: Attendance, isAccepted: Bool
  ) throws -> [LockOutReport]? {
    let before = rulebook().directory
    guard !directory.letsInAs(before) else { return [] }
    switch attendance {
    case .known(let present):
      let rows = directory.lockOuts(of: present, after: before).map { LockOutReport($0) }
      guard rows.isEmpty || isAccepted else { throw LockOutRefusal(rows) }
      return rows
    case .unknown(let reason):
      guard isAccepted else {
        throw ConfigurationError(
          field: "sources",
          problem: "nobody can say whom the changed lists would lock out: \(reason)",
          wayOut: "Try again, or give --lock-out to change them unseen; nothing was changed.")
      }
      return nil
    }
  }

  /// The phones that the journal has registered, while no server runs on it.
  package func attendanceInJournal() -> Attendance {
    var core = SwitchCore(configuration: switchConfiguration(listeners: []), dice: .system)
    do {
      let standing = try database.journalStanding(in: folder) { try core.replay($0) }
      if let complaint = standing.complaint { return .unknown(complaint) }
      return .known(core.attendance(at: Clocks.wall()))
    } catch {
      return .unknown("\(error)")
    }
  }

  /// Notes that addresses may be in other countries from now on, before it is so: the document says only which files.
  func noteCountries(
    _ countries: CountryTable, of document: DirectoryDocument, by person: String
  ) throws {
    guard countries != rulebook().directory.countries else { return }
    let files = document.platform.countries ?? []
    try database.audit([
      AuditEntry(
        tenant: nil, at: Clocks.wall(), actor: person, action: "countries.ordered",
        subject: "platform", detail: files.isEmpty ? "none" : "\(files): \(countries.words)")
    ])
  }

  /// Notes that somebody was locked out on purpose, before it is done; of nil, that nobody looked whom.
  func noteLockOut(_ rows: [LockOutReport]?, by person: String) throws {
    let directory = rulebook().directory
    let now = Clocks.wall()
    guard let rows else {
      return try database.audit([
        AuditEntry(
          tenant: nil, at: now, actor: person, action: "lock_out.ordered", subject: "platform",
          detail: "allow-lists changed unseen")
      ])
    }
    guard !rows.isEmpty else { return }
    let entries = rows.map { row in
      AuditEntry(
        tenant: row.tenant.flatMap { name in directory.tenants.first { $0.name == name }?.id },
        at: now, actor: person, action: "lock_out.ordered", subject: row.who,
        detail: "\(row.address), there since \(row.since): \(row.rule)")
    }
    try database.audit(entries)
  }
}

extension Attendance {
  /// What a running switch says.
  package init(
    asking ask: @Sendable (SwitchCommand) async -> CommandReply
  ) async {
    switch await ask(.attendance) {
    case .attendance(let present): self = .known(present)
    case .refused(let reason): self = .unknown(reason)
    case _: self = .unknown("the switch gave another answer than was asked for")
    }
  }
}

extension LockOutReport {
  init(_ lockOut: LockOut) {
    let (address, since) = ("\(lockOut.presence.address)", lockOut.presence.since.iso8601)
    switch lockOut.who {
    case .phone(let line):
      self.init(
        tenant: line.tenant.name, extension: line.digits.description, trunk: nil, address: address,
        since: since, rule: lockOut.rule)
    case .carrier(let trunk):
      self.init(
        tenant: nil, extension: nil, trunk: trunk.name, address: address, since: since,
        rule: lockOut.rule)
    }
  }
}
