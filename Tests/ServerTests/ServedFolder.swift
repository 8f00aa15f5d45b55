import Elements
import Foundation
import Limits
import Server
import Store
import Switch

/// A data folder with the office of the examples in it, and what a server would have written there.
final class ServedFolder: Sendable {
  let path: String
  let administration: Administration

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "served-\(UUID())").path
    administration = try Administration(dataFolder: path)
    let rates = rateFiles(in: examplesFolder)
    let files = ["retail.csv", "wholesale.csv"].map { name in
      (name, String(decoding: rates(name) ?? [], as: UTF8.self))
    }
    _ = try administration.apply(
      document: officeYAML, file: "office.yaml", files: Dictionary(uniqueKeysWithValues: files),
      attendance: .known([]), by: "anna")
  }

  /// A folder that is there already; it is removed in the end, as one that was made here.
  init(existing path: String) throws {
    self.path = path
    administration = try Administration(existing: path)
  }

  deinit {
    administration.database.close()
    try? FileManager.default.removeItem(atPath: path)
  }

  var journalPath: String { path + "/journal" }

  var segments: [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: journalPath)
    return (names ?? []).filter { $0.hasSuffix(".journal") }
  }

  /// Opens the journal as the start of the server does.
  func openJournal() throws {
    _ = try Journal(in: administration.folder, followedBy: administration.database) { _ in }
  }

  /// Writes entries into the journal, and tells the database nothing.
  func write(_ entries: [JournalEntry]) throws {
    let journal = try Journal(
      in: administration.folder, followedBy: administration.database
    ) { _ in }
    journal.append(JournalBatch(sequence: journal.lastRecovered + 1, entries: entries))
    journal.start { _ in }
    journal.close()
  }

  /// What was paid in and taken back, as the journal has it.
  func payments() throws -> [Int64] {
    var payments: [Int64] = []
    _ = try Journal(in: administration.folder, followedBy: administration.database) { batch in
      for case .ledger(.deposited(_, micros: let micros, reference: _)) in batch.entries {
        payments.append(micros)
      }
    }
    return payments
  }

  /// Writes entries into the journal and brings them into the database; alerts have been told.
  func serve(_ entries: [JournalEntry]) throws {
    try write(entries)
    let journal = try Journal(
      in: administration.folder, followedBy: administration.database
    ) { _ in }
    let follower = try JournalFollower(journal, into: administration.database)
    follower.start { _ in }
    follower.stop()
    let alerts = try administration.database.unaddressedAlerts(limit: 1000)
    try administration.database.address(alerts.map { ($0, []) }, at: Self.now)
  }

  static let now = WallTime(unixMilliseconds: 1_795_348_800_000)

  static func daysAgo(_ days: Int64) -> WallTime { now + .seconds(-86_400 * days) }

  static func alert(_ kind: Alert.Kind, _ subject: String, at time: WallTime) -> JournalEntry {
    .alert(
      Alert(
        kind, .critical, tenant: TenantID(1), at: time,
        key: "\(kind)-\(subject)-\(time.unixMilliseconds)", facts: [.init("subject", subject)]))
  }

  static func record(_ number: UInt64, at time: WallTime) -> JournalEntry {
    var record = CallDetailRecord(call: CallID(number), direction: .outbound, startedAt: time)
    (record.tenant, record.endedAt) = (TenantID(1), time)
    return .record(record)
  }
}
