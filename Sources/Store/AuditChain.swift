import Crypto
package import Elements
import Foundation
import GRDB

/// Something a person or the program changed, before it is a row.
package struct AuditEntry: Hashable, Sendable {
  /// Nil for the platform.
  package let tenant: TenantID?
  package let at: WallTime
  /// Who: a person, or "martinet" for the program itself.
  package let actor: String
  /// What, in two words: "configuration.applied", "unblock.ordered".
  package let action: String
  /// On what: "extension 101".
  package let subject: String
  /// The rest in words, never a secret.
  package let detail: String

  package init(
    tenant: TenantID?, at: WallTime, actor: String, action: String, subject: String, detail: String
  ) {
    (self.tenant, self.at, self.actor) = (tenant, at, actor)
    (self.action, self.subject, self.detail) = (action, subject, detail)
  }
}

/// What a walk over a tenant's audit trail found.
package enum AuditVerdict: Hashable, Sendable, CustomStringConvertible {
  case intact(rows: Int)
  case altered(sequence: Int64)
  case missing(sequence: Int64)
  /// Rows were cut off at the end, or the head was put back.
  case cut(found: Int64, expected: Int64)

  package var description: String {
    switch self {
    case .intact(let rows): "The audit trail is intact: \(rows) rows."
    case .altered(let sequence): "Row \(sequence) of the audit trail was altered."
    case .missing(let sequence): "Row \(sequence) of the audit trail is missing."
    case .cut(let found, let expected):
      "The audit trail ends with row \(found), but \(expected) were written."
    }
  }
}

/// Chains audit rows with a keyed hash: whoever alters the file without the key cannot mend the chain.
struct AuditChain: Sendable {
  private let key: MasterKey

  init(_ key: MasterKey) {
    self.key = key
  }

  func hash(_ entry: AuditEntry, sequence: Int64, after previous: Data) -> Data {
    var writer = ByteWriter()
    writer.write(Array(previous))
    writer.write(entry.tenant?.number ?? 0)
    writer.write(sequence)
    writer.write(entry.at)
    for field in [entry.actor, entry.action, entry.subject, entry.detail] { writer.write(field) }
    return authenticate(writer.bytes)
  }

  /// Always the first key of the ring, so that a rotation does not break old chains.
  private func authenticate(_ bytes: [UInt8]) -> Data {
    guard let first = key.numbers.first, let chainKey = key.derived(for: "audit", from: first)
    else { return Data() }
    return Data(HMAC<SHA256>.authenticationCode(for: bytes, using: chainKey))
  }
}

extension Database {
  /// Appends to the trail in a transaction of its own.
  package func audit(_ entries: [AuditEntry]) throws(StoreError) {
    try write("writing the audit trail") { db in
      for entry in entries { try append(entry, in: db) }
    }
  }

  /// Appends within the transaction of the change itself.
  func append(_ entry: AuditEntry, in db: GRDB.Database) throws {
    let tenant = Int64(entry.tenant?.number ?? 0)
    let head = try Row.fetchOne(
      db, sql: "SELECT sequence, hash FROM audit_head WHERE tenant_id = ?", arguments: [tenant])
    let sequence: Int64 = (head?["sequence"] ?? 0) + 1
    let hash = chain.hash(entry, sequence: sequence, after: head?["hash"] ?? Data())
    let detail = try seal.close(Array(entry.detail.utf8), in: auditPlace(tenant, sequence))
    try db.execute(
      sql: """
        INSERT INTO audit (tenant_id, sequence, at_ms, actor, action, subject, detail, hash)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        tenant, sequence, entry.at.unixMilliseconds, entry.actor, entry.action, entry.subject,
        detail, hash,
      ])
    try db.execute(
      sql: """
        INSERT INTO audit_head (tenant_id, sequence, hash) VALUES (?, ?, ?)
        ON CONFLICT (tenant_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
        """, arguments: [tenant, sequence, hash])
  }

  /// The entry of a row, or nil when its sealed part does not open.
  func auditEntry(_ row: Row) -> AuditEntry? {
    let (tenant, sequence): (Int64, Int64) = (row["tenant_id"], row["sequence"])
    guard let detail = try? seal.open(row["detail"], in: auditPlace(tenant, sequence)) else {
      return nil
    }
    return auditEntry(row, detail: String(decoding: detail, as: UTF8.self))
  }

  /// The entry of a row, for people: where its sealed part does not open, it says so in place of that.
  func shownAuditEntry(_ row: Row) -> AuditEntry {
    auditEntry(row)
      ?? auditEntry(row, detail: "it cannot be read: `martinet doctor` says what is wrong")
  }

  private func auditEntry(_ row: Row, detail: String) -> AuditEntry {
    let tenant: Int64 = row["tenant_id"]
    return AuditEntry(
      tenant: tenant == 0 ? nil : TenantID(UInt64(tenant)),
      at: WallTime(unixMilliseconds: row["at_ms"]), actor: row["actor"], action: row["action"],
      subject: row["subject"], detail: detail)
  }

  private func auditPlace(_ tenant: Int64, _ sequence: Int64) -> Seal.Place {
    Seal.Place("audit", "detail", row: "\(tenant)/\(sequence)")
  }

  /// Whose chains there are; nil is the platform's, which every installation has.
  package func auditedTenants() throws(StoreError) -> [TenantID?] {
    try read("looking for audit trails") { db in
      let rows = try Int64.fetchAll(
        db,
        sql: """
          SELECT 0 UNION SELECT tenant_id FROM audit UNION SELECT tenant_id FROM audit_head
          """)
      return rows.map { TenantID(row: $0) }
    }
  }

  /// Walks one chain from its beginning; nil is the platform's.
  package func verifyAudit(of tenant: TenantID?) throws(StoreError) -> AuditVerdict {
    let number = Int64(tenant?.number ?? 0)
    return try read("verifying the audit trail") { db in
      var (sequence, hash): (Int64, Data) = (0, Data())
      let rows = try Row.fetchCursor(
        db, sql: "SELECT * FROM audit WHERE tenant_id = ? ORDER BY sequence", arguments: [number])
      while let row = try rows.next() {
        let found: Int64 = row["sequence"]
        guard found == sequence + 1 else { return .missing(sequence: sequence + 1) }
        guard let entry = auditEntry(row),
          chain.hash(entry, sequence: found, after: hash) == row["hash"]
        else { return .altered(sequence: found) }
        (sequence, hash) = (found, row["hash"])
      }
      let head = try Row.fetchOne(
        db, sql: "SELECT sequence, hash FROM audit_head WHERE tenant_id = ?", arguments: [number])
      let (last, sealed): (Int64, Data) = (head?["sequence"] ?? 0, head?["hash"] ?? Data())
      guard last == sequence, sealed == hash else { return .cut(found: sequence, expected: last) }
      return .intact(rows: Int(sequence))
    }
  }
}
