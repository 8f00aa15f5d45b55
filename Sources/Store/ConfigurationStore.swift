package import Elements
import Foundation
import GRDB

/// A named thing of the configuration and the number it has for ever.
package struct SubjectNumber: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case tenant, `extension`, trunk
  }

  package let kind: Kind
  /// Nil for tenants and for what belongs to the platform.
  package let tenant: TenantID?
  package let name: String
  package let number: UInt64

  package init(_ kind: Kind, tenant: TenantID?, name: String, number: UInt64) {
    (self.kind, self.tenant, self.name, self.number) = (kind, tenant, name, number)
  }
}

/// A rate deck as imported.
package struct StoredRateDeck: Hashable, Sendable {
  package let name: String
  package let csv: [UInt8]
  /// SHA-256 of the bytes.
  package let digest: [UInt8]
  package let rowCount: Int

  package init(name: String, csv: [UInt8], digest: [UInt8], rowCount: Int) {
    (self.name, self.csv, self.digest, self.rowCount) = (name, csv, digest, rowCount)
  }
}

/// The configuration in force.
package struct StoredConfiguration: Sendable {
  package let revision: Int64
  package let appliedAt: WallTime
  package let appliedBy: String
  /// The whole document as JSON, opened.
  package let document: [UInt8]
}

/// A configuration that was checked and is to come into force.
package struct ConfigurationDraft: Sendable {
  package let document: [UInt8]
  /// Every named thing in it; what is known and not named here is marked as removed.
  package let subjects: [SubjectNumber]
  /// Every rate deck in it.
  package let decks: [StoredRateDeck]
  /// What changed against the one before, one line a change.
  package let changes: [AuditEntry]

  package init(
    document: [UInt8], subjects: [SubjectNumber], decks: [StoredRateDeck], changes: [AuditEntry]
  ) {
    (self.document, self.subjects, self.decks) = (document, subjects, decks)
    self.changes = changes
  }
}

extension Database {
  /// Revisions kept to look back at; older ones are removed.
  private static let revisionsKept: Int64 = 20

  /// The configuration in force; nil before the first apply.
  package func configuration() throws(StoreError) -> StoredConfiguration? {
    try read("reading the configuration") { db in
      guard
        let row = try Row.fetchOne(
          db, sql: "SELECT * FROM configuration ORDER BY revision DESC LIMIT 1")
      else { return nil }
      let revision: Int64 = row["revision"]
      return StoredConfiguration(
        revision: revision, appliedAt: WallTime(unixMilliseconds: row["applied_at_ms"]),
        appliedBy: row["applied_by"],
        document: try seal.open(row["document"], in: Database.documentPlace(revision)))
    }
  }

  /// All numbers ever given, removed subjects too, so that a returning name gets its old one.
  package func subjects() throws(StoreError) -> [SubjectNumber] {
    try read("reading the numbers of tenants, extensions and trunks") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM subject ORDER BY kind, number").compactMap { row in
        guard let kind = SubjectNumber.Kind(rawValue: row["kind"]) else { return nil }
        let tenant: Int64 = row["tenant_id"]
        return SubjectNumber(
          kind, tenant: tenant == 0 ? nil : TenantID(UInt64(tenant)), name: row["name"],
          number: UInt64(row["number"] as Int64))
      }
    }
  }

  /// The rate decks in force, by name.
  package func rateDecks() throws(StoreError) -> [StoredRateDeck] {
    try read("reading the rate decks") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM rate_deck ORDER BY name").map { row in
        StoredRateDeck(
          name: row["name"], csv: Array(row["csv"] as Data), digest: Array(row["sha256"] as Data),
          rowCount: row["row_count"])
      }
    }
  }

  /// Puts a configuration in force, with its audit rows, or changes nothing; gives its revision.
  @discardableResult
  package func adopt(
    _ draft: ConfigurationDraft, by actor: String, at time: WallTime
  ) throws(StoreError) -> Int64 {
    try write("storing the configuration") { db in
      let last = try Int64.fetchOne(db, sql: "SELECT max(revision) FROM configuration") ?? 0
      let revision = last + 1
      let sealed = try seal.close(draft.document, in: Database.documentPlace(revision))
      try db.execute(
        sql: """
          INSERT INTO configuration (revision, applied_at_ms, applied_by, document)
          VALUES (?, ?, ?, ?)
          """, arguments: [revision, time.unixMilliseconds, actor, sealed])
      try db.execute(
        sql: "DELETE FROM configuration WHERE revision <= ?",
        arguments: [revision - Database.revisionsKept])
      try Database.store(draft.subjects, at: time, in: db)
      try Database.store(draft.decks, at: time, in: db)
      for change in draft.changes { try append(change, in: db) }
      return revision
    }
  }

  private static func documentPlace(_ revision: Int64) -> Seal.Place {
    Seal.Place("configuration", "document", row: "\(revision)")
  }

  private static func store(
    _ subjects: [SubjectNumber], at time: WallTime, in db: GRDB.Database
  ) throws {
    try db.execute(
      sql: "UPDATE subject SET removed_at_ms = ? WHERE removed_at_ms IS NULL",
      arguments: [time.unixMilliseconds])
    let statement = try db.makeStatement(
      sql: """
        INSERT INTO subject (tenant_id, kind, name, number, made_at_ms) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (tenant_id, kind, name) DO UPDATE SET removed_at_ms = NULL
        WHERE number = excluded.number
        """)
    for subject in subjects {
      try statement.execute(arguments: [
        Int64(subject.tenant?.number ?? 0), subject.kind.rawValue, subject.name,
        Int64(subject.number), time.unixMilliseconds,
      ])
      guard db.changesCount == 1 else {
        throw StoreError.database(
          doing: "storing the configuration",
          reason: "\(subject.kind.rawValue) \(subject.name) has another number already")
      }
    }
  }

  private static func store(
    _ decks: [StoredRateDeck], at time: WallTime, in db: GRDB.Database
  ) throws {
    let known = try Row.fetchAll(db, sql: "SELECT name, sha256 FROM rate_deck")
    for row in known where !decks.contains(where: { $0.name == row["name"] }) {
      try db.execute(
        sql: "DELETE FROM rate_deck WHERE name = ?", arguments: [row["name"] as String])
    }
    for deck in decks {
      let isSame = known.contains {
        $0["name"] == deck.name && Array($0["sha256"] as Data) == deck.digest
      }
      if isSame { continue }
      try db.execute(
        sql: """
          INSERT OR REPLACE INTO rate_deck (name, sha256, row_count, imported_at_ms, csv)
          VALUES (?, ?, ?, ?, ?)
          """,
        arguments: [
          deck.name, Data(deck.digest), deck.rowCount, time.unixMilliseconds, Data(deck.csv),
        ])
    }
  }
}
