package import Crypto
package import Elements
import Foundation
import GRDB
package import Guard

/// An entry with the signature over its bytes.
package struct SignedEntry: Hashable, Sendable {
  package let entry: ListEntry
  package let signature: [UInt8]

  package init(_ entry: ListEntry, signature: [UInt8]) {
    (self.entry, self.signature) = (entry, signature)
  }
}

/// How far a list has come.
package struct ListEnd: Hashable, Sendable {
  /// The number of its last entry.
  package let sequence: UInt64
  /// Its digest; nil where the next one may have any history.
  package let head: Bits256?

  package init(sequence: UInt64, head: Bits256?) {
    (self.sequence, self.head) = (sequence, head)
  }
}

// What this node says, and how it is signed.

extension Database {
  private static let keyPlace = Seal.Place("list_identity", "private_key", row: "1")

  /// The key that signs our list; made when it is first asked for, and sealed under the master key.
  package func listKey(at time: WallTime) throws(StoreError) -> Curve25519.Signing.PrivateKey {
    try write("reading the key of the shared list") { db in
      if let sealed = try Data.fetchOne(db, sql: "SELECT private_key FROM list_identity") {
        let bytes = try seal.open(sealed, in: Database.keyPlace)
        return try Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
      }
      let key = Curve25519.Signing.PrivateKey()
      let sealed = try seal.close(Array(key.rawRepresentation), in: Database.keyPlace)
      try db.execute(
        sql: "INSERT INTO list_identity (id, private_key, made_at_ms) VALUES (1, ?, ?)",
        arguments: [sealed, time.unixMilliseconds])
      return key
    }
  }

  /// Writes what we say, with what each entry rests on, in one transaction.
  package func append(
    _ entries: [(signed: SignedEntry, evidence: String)], head: Bits256, at time: WallTime
  ) throws(StoreError) {
    guard let last = entries.last?.signed.entry else { return }
    try write("writing the shared list") { db in
      for (signed, evidence) in entries {
        try db.cachedStatement(
          sql: """
            INSERT INTO list_entry (sequence, entry, signature, evidence, expires_at_ms)
            VALUES (?, ?, ?, ?, ?)
            """
        ).execute(arguments: [
          Int64(clamping: signed.entry.sequence), Data(signed.entry.signedBytes),
          Data(signed.signature), evidence, signed.entry.expires.unixMilliseconds,
        ])
      }
      try Database.store(
        ListEnd(sequence: last.sequence, head: head), of: last.reporter, at: time, in: db)
    }
  }

  /// Our entries behind a number, oldest first, and the number of the oldest that is kept; 0 without any.
  package func listEntries(
    after sequence: UInt64, limit: Int
  ) throws(StoreError) -> (oldest: UInt64, entries: [SignedEntry]) {
    try read("reading the shared list") { db in
      let oldest = try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM list_entry") ?? 0
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT entry, signature FROM list_entry WHERE sequence > ? ORDER BY sequence LIMIT ?
          """, arguments: [Int64(clamping: sequence), limit])
      return (UInt64(oldest), try rows.map(Database.signed))
    }
  }

  /// Our entries that are not over, for a restart.
  package func standingListEntries(at time: WallTime) throws(StoreError) -> [SignedEntry] {
    try read("reading the shared list") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT entry, signature FROM list_entry WHERE expires_at_ms > ? ORDER BY sequence
          """, arguments: [time.unixMilliseconds]
      ).map(Database.signed)
    }
  }

  /// Removes what is over: of our own list the oldest entries, of others' reports all.
  package func pruneLists(
    own before: WallTime, at time: WallTime, limit: Int
  ) throws(StoreError) {
    try write("removing what is over of the shared list") { db in
      // Only from the front: what is left is without gaps.
      try db.execute(
        sql: """
          DELETE FROM list_entry WHERE sequence IN (
            SELECT sequence FROM list_entry
            WHERE sequence < coalesce (
              (SELECT min(sequence) FROM list_entry WHERE expires_at_ms >= ?1),
              (SELECT max(sequence) FROM list_entry))
            ORDER BY sequence LIMIT ?2)
          """, arguments: [before.unixMilliseconds, limit])
      for table in ["list_report", "list_import"] {
        try db.execute(
          sql: "DELETE FROM \(table) WHERE expires_at_ms <= ?", arguments: [time.unixMilliseconds])
      }
    }
  }

  static func store(
    _ end: ListEnd, of reporter: Bits256, at time: WallTime, in db: GRDB.Database
  ) throws {
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO list_reporter (reporter, sequence, head, heard_at_ms)
        VALUES (?, ?, ?, ?)
        """
    ).execute(arguments: [
      Data(reporter.bytes), Int64(clamping: end.sequence), end.head.map { Data($0.bytes) },
      time.unixMilliseconds,
    ])
  }

  private static func signed(_ row: Row) throws -> SignedEntry {
    SignedEntry(
      try ListEntry(signedBytes: Array(row["entry"] as Data)),
      signature: Array(row["signature"] as Data))
  }
}

extension ListEntry {
  /// When it is over; a removal with the longest of what it may take back.
  fileprivate var expires: WallTime {
    switch deed {
    case .listing(let listing): listing.expires
    case .removal: at + SharingRules().longest
    }
  }
}
