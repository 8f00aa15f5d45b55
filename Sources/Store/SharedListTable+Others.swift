package import Elements
import Foundation
import GRDB
package import Guard

// What others say.

extension Database {
  package func listEnd(of reporter: Bits256) throws(StoreError) -> ListEnd? {
    try read("reading how far a list has come") { db in
      try Row.fetchOne(
        db, sql: "SELECT sequence, head FROM list_reporter WHERE reporter = ?",
        arguments: [Data(reporter.bytes)]
      ).map { row in
        ListEnd(
          sequence: UInt64(row["sequence"] as Int64),
          head: (row["head"] as Data?).flatMap { Bits256(Array($0)) })
      }
    }
  }

  /// Writes how far a reporter's list has come together with what counts of it, in order.
  package func hear(
    _ entries: [SignedEntry], of reporter: Bits256, through end: ListEnd, at time: WallTime
  ) throws(StoreError) {
    try write("writing a peer's list") { db in
      for signed in entries {
        switch signed.entry.deed {
        case .listing(let listing):
          try db.cachedStatement(
            sql: """
              INSERT OR REPLACE INTO list_report
                (reporter, network, heard_at_ms, expires_at_ms, entry, signature)
              VALUES (?, ?, ?, ?, ?, ?)
              """
          ).execute(arguments: [
            Data(reporter.bytes), "\(listing.network)", time.unixMilliseconds,
            listing.expires.unixMilliseconds, Data(signed.entry.signedBytes),
            Data(signed.signature),
          ])
        case .removal(let network):
          try Database.remove(network, of: reporter, in: db)
        }
      }
      try Database.store(end, of: reporter, at: time, in: db)
    }
  }

  /// What each of these reporters says and is not over, and what files say.
  package func reports(at time: WallTime) throws(StoreError) -> [Report] {
    try read("reading what others list") { db in
      let heard = try Row.fetchAll(
        db, sql: "SELECT entry, heard_at_ms FROM list_report WHERE expires_at_ms > ?",
        arguments: [time.unixMilliseconds]
      ).compactMap { row -> Report? in
        let entry = try ListEntry(signedBytes: Array(row["entry"] as Data))
        guard case .listing(let listing) = entry.deed else { return nil }
        return Report(
          listing, of: entry.reporter, sequence: entry.sequence,
          at: WallTime(unixMilliseconds: row["heard_at_ms"]))
      }
      let imported = try Row.fetchAll(
        db, sql: "SELECT * FROM list_import WHERE expires_at_ms > ?",
        arguments: [time.unixMilliseconds]
      ).compactMap { row in
        IPNetwork(row["network"] as String).map {
          Report(
            $0, file: row["name"], since: WallTime(unixMilliseconds: row["imported_at_ms"]),
            until: WallTime(unixMilliseconds: row["expires_at_ms"]))
        }
      }
      return heard + imported
    }
  }

  /// Replaces what a file says, with its row of the trail.
  package func importList(
    _ networks: [IPNetwork], name: String, until: WallTime, _ entry: AuditEntry
  ) throws(StoreError) {
    try write("importing a list") { db in
      try db.execute(sql: "DELETE FROM list_import WHERE name = ?", arguments: [name])
      let statement = try db.cachedStatement(
        sql: """
          INSERT OR REPLACE INTO list_import (name, network, imported_at_ms, expires_at_ms)
          VALUES (?, ?, ?, ?)
          """)
      for network in networks {
        try statement.execute(arguments: [
          name, "\(network)", entry.at.unixMilliseconds, until.unixMilliseconds,
        ])
      }
      try append(entry, in: db)
    }
  }

  /// Drops reports that a person has dismissed.
  package func dismiss(_ reports: [Report]) throws(StoreError) {
    try write("dismissing what others list") { db in
      for report in reports {
        switch report.origin {
        case .peer(let reporter): try Database.remove(report.network, of: reporter, in: db)
        case .file(let name):
          try db.cachedStatement(sql: "DELETE FROM list_import WHERE name = ? AND network = ?")
            .execute(arguments: [name, "\(report.network)"])
        }
      }
    }
  }

  /// Drops all that a reporter has said, with its row of the trail: its list is heard from the beginning.
  package func forgetList(of reporter: Bits256, _ entry: AuditEntry) throws(StoreError) {
    try write("forgetting a peer's list") { db in
      for table in ["list_report", "list_reporter"] {
        try db.execute(
          sql: "DELETE FROM \(table) WHERE reporter = ?", arguments: [Data(reporter.bytes)])
      }
      try append(entry, in: db)
    }
  }

  private static func remove(
    _ network: IPNetwork, of reporter: Bits256, in db: GRDB.Database
  ) throws {
    try db.cachedStatement(sql: "DELETE FROM list_report WHERE reporter = ? AND network = ?")
      .execute(arguments: [Data(reporter.bytes), "\(network)"])
  }
}
