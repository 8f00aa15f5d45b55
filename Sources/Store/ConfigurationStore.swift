import Crypto
package import Directory
package import Elements
import Foundation
import GRDB

/// The configuration in force.
package struct StoredConfiguration: Hashable, Sendable {
  package let revision: Int64
  package let appliedAt: WallTime
  package let appliedBy: String
  package let document: DirectoryDocument
}

extension Database {
  /// Revisions kept to look back at; older ones are removed.
  private static let revisionsKept: Int64 = 20

  /// The configuration in force; nil before the first apply.
  package func configuration() throws(StoreError) -> StoredConfiguration? {
    try read("reading the configuration") { try configuration(in: $0) }
  }

  /// Puts a compiled document in force, or changes nothing; gives its revision.
  ///
  /// The same transaction writes what changed into the audit trail of each tenant concerned.
  /// `document` has the identities that the compiler gave it; `alerts` are told of it, and of nothing else.
  @discardableResult
  package func adopt(
    _ document: DirectoryDocument, by actor: String, at time: WallTime, telling alerts: [Alert] = []
  ) throws(StoreError) -> Int64 {
    let revision = try write("storing the configuration") { db in
      let writer = try AlertWriter(db)
      for alert in alerts { try writer.insert(alert) }
      return try adopt(document, over: try configuration(in: db), by: actor, at: time, in: db)
    }
    if !alerts.isEmpty { ringAlertBell() }
    return revision
  }

  private func adopt(
    _ document: DirectoryDocument, over before: StoredConfiguration?, by actor: String,
    at time: WallTime, in db: GRDB.Database
  ) throws -> Int64 {
    let revision = (before?.revision ?? 0) + 1
    try store(document, as: revision, by: actor, at: time, in: db)
    try Database.store(document.rates, at: time, in: db)
    try Database.store(Database.subjects(of: document), at: time, in: db)
    let changes = try ConfigurationChanges(from: before?.document, to: document)
    for entry in changes.entries(by: actor, at: time) { try append(entry, in: db) }
    return revision
  }

  private func configuration(in db: GRDB.Database) throws -> StoredConfiguration? {
    guard
      let row = try Row.fetchOne(
        db, sql: "SELECT * FROM configuration ORDER BY revision DESC LIMIT 1")
    else { return nil }
    let revision: Int64 = row["revision"]
    let bytes = try seal.open(row["document"], in: Database.documentPlace(revision))
    var document = try JSONDecoder().decode(DirectoryDocument.self, from: Data(bytes))
    for index in document.rates.indices {
      let csv = try Data.fetchOne(
        db, sql: "SELECT csv FROM rate_deck WHERE name = ?",
        arguments: [document.rates[index].name])
      document.rates[index].table = String(decoding: csv ?? Data(), as: UTF8.self)
    }
    return StoredConfiguration(
      revision: revision, appliedAt: WallTime(unixMilliseconds: row["applied_at_ms"]),
      appliedBy: row["applied_by"], document: document)
  }

  /// The document without its rate tables, which may be many megabytes and have rows of their own.
  private func store(
    _ document: DirectoryDocument, as revision: Int64, by actor: String, at time: WallTime,
    in db: GRDB.Database
  ) throws {
    var slim = document
    for index in slim.rates.indices { slim.rates[index].table = "" }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let bytes = Array(try encoder.encode(slim))
    try db.execute(
      sql: """
        INSERT INTO configuration (revision, applied_at_ms, applied_by, document)
        VALUES (?, ?, ?, ?)
        """,
      arguments: [
        revision, time.unixMilliseconds, actor,
        try seal.close(bytes, in: Database.documentPlace(revision)),
      ])
    try db.execute(
      sql: "DELETE FROM configuration WHERE revision <= ?",
      arguments: [revision - Database.revisionsKept])
  }

  private static func documentPlace(_ revision: Int64) -> Seal.Place {
    Seal.Place("configuration", "document", row: "\(revision)")
  }

  private static func store(
    _ decks: [RateEntry], at time: WallTime, in db: GRDB.Database
  ) throws {
    let known = try Row.fetchAll(db, sql: "SELECT name, sha256 FROM rate_deck")
    let names = Set(decks.map(\.name))
    for row in known where !names.contains(row["name"]) {
      try db.execute(
        sql: "DELETE FROM rate_deck WHERE name = ?", arguments: [row["name"] as String])
    }
    for deck in decks {
      let csv = Data(deck.table.utf8)
      let digest = Data(SHA256.hash(data: csv))
      if known.contains(where: { $0["name"] == deck.name && $0["sha256"] == digest }) { continue }
      try db.execute(
        sql: """
          INSERT OR REPLACE INTO rate_deck (name, sha256, imported_at_ms, csv) VALUES (?, ?, ?, ?)
          """, arguments: [deck.name, digest, time.unixMilliseconds, csv])
    }
  }
}
