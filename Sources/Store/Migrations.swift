import Foundation
import GRDB

/// The numbered steps from an empty file to this program's schema; forward only.
enum Migrations {
  /// In order: step N makes schema N.
  ///
  /// The SQL is compiled in, so that the program needs no files beside it.
  static let all: [[UInt8]] = [
    PackageResources._001_foundation_sql, PackageResources._002_payments_sql,
    PackageResources._003_booked_payments_sql, PackageResources._004_answered_legs_sql,
    PackageResources._005_seen_extensions_sql, PackageResources._006_shared_list_sql,
  ]

  /// Applies the steps that are missing, each in a transaction of its own.
  static func run(on pool: DatabasePool) throws(StoreError) {
    let found = try number(of: pool)
    for (index, sql) in all.enumerated().dropFirst(found) {
      try StoreError.wrap("bringing the schema to \(index + 1)") {
        try pool.write { db in
          try db.execute(sql: String(decoding: sql, as: UTF8.self))
          try db.execute(sql: "PRAGMA user_version = \(index + 1)")
        }
      }
    }
  }

  /// Refuses a schema that is not this program's, and changes nothing.
  static func check(_ pool: DatabasePool) throws(StoreError) {
    let found = try number(of: pool)
    guard found == all.count else { throw .olderSchema(found: found, known: all.count) }
  }

  private static func number(of pool: DatabasePool) throws(StoreError) -> Int {
    let found = try StoreError.wrap("reading the schema's number") {
      try pool.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
    }
    guard found <= all.count else { throw .newerSchema(found: found, known: all.count) }
    return found
  }
}
