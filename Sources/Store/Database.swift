import Elements
import Foundation
import GRDB

/// The one SQLite file: one writer, readers on snapshots, every commit flushed (docs/decisions/0007).
package final class Database: Sendable {
  let pool: DatabasePool
  let seal: Seal
  let chain: AuditChain
  /// Counts up when something is new for the outbox, so that it need not look by the clock.
  package let alertBell = Monitor<UInt64>(0)

  /// Opens or makes the database and brings it to this program's schema.
  ///
  /// That is one way: the version that wrote it cannot open it any more. Without `bringsUp` an older schema is
  /// refused instead.
  package init(
    in folder: DataFolder, key: MasterKey, bringsUp: Bool = true
  ) throws(StoreError) {
    (seal, chain) = (Seal(key), AuditChain(key))
    pool = try Database.opened(folder.databasePath)
    do throws(StoreError) {
      if bringsUp { try Migrations.run(on: pool) } else { try Migrations.check(pool) }
      try checkKeys(key)
    } catch {
      try? pool.close()
      throw error
    }
  }

  /// Closes the file; queries after it fail.
  package func close() { try? pool.close() }

  /// The settings that decide what a commit survives, as SQLite says them; for the doctor.
  package func durability() throws(StoreError) -> String {
    try StoreError.wrap("asking SQLite for its settings") {
      try pool.writeWithoutTransaction { db in
        try ["synchronous", "journal_mode", "foreign_keys"].map { name in
          "\(name)=\(try String.fetchOne(db, sql: "PRAGMA \(name)") ?? "?")"
        }.joined(separator: " ")
      }
    }
  }

  /// Reads all of it and looks whether it holds together; for the doctor.
  ///
  /// A server may run for months on a damaged page that it does not come across.
  package func check() throws(StoreError) {
    let doing = "reading all of it"
    let verdict = try read(doing) { db in
      try String.fetchAll(db, sql: "PRAGMA quick_check(3)")
    }
    guard verdict == ["ok"] else {
      throw .databaseDamaged(doing: doing, reason: verdict.joined(separator: "; "))
    }
  }

  private static func opened(_ path: String) throws(StoreError) -> DatabasePool {
    // Made with the right mode before SQLite makes it with a wider one.
    let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw .folder(path: path, reason: String(cString: strerror(errno)))
    }
    Glibc.close(file)
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(5)
    configuration.maximumReaderCount = 3
    configuration.label = "martinet"
    return try StoreError.wrap("opening \(path)") {
      let pool = try DatabasePool(path: path, configuration: configuration)
      // Only now: GRDB sets NORMAL itself at the end of opening.
      let level = try pool.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        return try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
      }
      guard level == 2 else { throw StoreError.notSynchronous(level: level) }
      return pool
    }
  }

  /// Each key of the ring has sealed a known text once; another key under its number fails here.
  private func checkKeys(_ key: MasterKey) throws(StoreError) {
    let known = Array("martinet".utf8)
    try StoreError.wrap("checking the master key") { [self] in
      try pool.write { db in
        for number in key.numbers {
          let place = Seal.Place("key_check", "sealed", row: "\(number)")
          let row = try Data.fetchOne(
            db, sql: "SELECT sealed FROM key_check WHERE key_id = ?", arguments: [number])
          if let row {
            guard (try? seal.open(row, in: place)) == known else {
              throw StoreError.wrongKey(path: key.path)
            }
          } else if number == key.current {
            try db.execute(
              sql: "INSERT INTO key_check (key_id, sealed) VALUES (?, ?)",
              arguments: [number, try seal.close(known, in: place)])
          }
        }
        let stranger = try Int.fetchOne(
          db,
          sql: """
            SELECT count(*) FROM key_check WHERE key_id NOT IN (SELECT value FROM json_each (?))
            """, arguments: ["[\(key.numbers.map(String.init).joined(separator: ","))]"])
        guard stranger == 0 else { throw StoreError.wrongKey(path: key.path) }
      }
    }
  }

  func read<Result>(
    _ doing: String, _ body: (GRDB.Database) throws -> Result
  ) throws(StoreError) -> Result {
    try StoreError.wrap(doing) { [pool] in try pool.read(body) }
  }

  /// One transaction: all of `body` or nothing.
  func write<Result>(
    _ doing: String, _ body: (GRDB.Database) throws -> Result
  ) throws(StoreError) -> Result {
    try StoreError.wrap(doing) { [pool] in try pool.write(body) }
  }
}

extension StoreError {
  /// Runs `body` and says what was being done when SQLite refuses.
  static func wrap<Result>(
    _ doing: String, _ body: () throws -> Result
  ) throws(StoreError) -> Result {
    do { return try body() } catch let error as StoreError { throw error } catch let error
      as DatabaseError
    {
      let reason = error.message ?? "\(error.resultCode)"
      switch error.resultCode {
      case .SQLITE_FULL: throw .diskFull(doing: doing)
      case .SQLITE_NOTADB, .SQLITE_CORRUPT: throw .databaseDamaged(doing: doing, reason: reason)
      case _: throw .database(doing: doing, reason: reason)
      }
    } catch { throw .database(doing: doing, reason: "\(error)") }
  }
}
