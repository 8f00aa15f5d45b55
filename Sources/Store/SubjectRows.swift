import Directory
package import Elements
import GRDB

/// A named thing of the configuration and the number that money and records know it by.
package struct SubjectRow: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case tenant, `extension`, trunk
  }

  package let kind: Kind
  /// Nil for tenants and trunks.
  package let tenant: TenantID?
  package let name: String
  package let number: UInt64
}

extension Database {
  /// Every tenant, extension and trunk that ever was, by kind and number: names for old records.
  package func subjects() throws(StoreError) -> [SubjectRow] {
    try read("reading the numbers of tenants, extensions and trunks") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM subject ORDER BY kind, number").compactMap { row in
        SubjectRow.Kind(rawValue: row["kind"]).map { kind in
          SubjectRow(
            kind: kind, tenant: TenantID(row: row["tenant_id"]), name: row["name"],
            number: UInt64(row["number"] as Int64))
        }
      }
    }
  }

  static func subjects(of document: DirectoryDocument) -> [SubjectRow] {
    var identities = document.identities
    var rows: [SubjectRow] = []
    for entry in document.tenants {
      let tenant = identities.tenant(entry.name)
      rows.append(
        SubjectRow(kind: .tenant, tenant: nil, name: entry.name, number: tenant.number))
      for line in entry.extensions {
        let number = identities.line(line.number, of: tenant).number
        rows.append(
          SubjectRow(kind: .extension, tenant: tenant, name: line.number, number: number))
      }
    }
    for trunk in document.trunks {
      let number = identities.trunk(trunk.name).number
      rows.append(SubjectRow(kind: .trunk, tenant: nil, name: trunk.name, number: number))
    }
    return rows
  }

  static func store(
    _ subjects: [SubjectRow], at time: WallTime, in db: GRDB.Database
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
        subject.tenant?.row ?? 0, subject.kind.rawValue, subject.name, Int64(subject.number),
        time.unixMilliseconds,
      ])
      guard db.changesCount == 1 else {
        // Another number would be another account: what was spent would be forgotten.
        throw StoreError.database(
          doing: "storing the configuration",
          reason: "\(subject.kind.rawValue) \(subject.name) has another number already")
      }
    }
  }
}
