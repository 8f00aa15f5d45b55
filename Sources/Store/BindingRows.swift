package import Elements
import GRDB
import SIP
import Switch

/// A registration as the database shows it.
package struct BindingRow: Hashable, Sendable {
  package let `extension`: ExtensionID
  package let contact: String
  package let transport: String
  package let remote: String
  package let userAgent: String
  package let registeredAt: WallTime
  package let expiresAt: WallTime
}

/// Writes bindings as they are now, within one transaction.
struct BindingWriter {
  private let put: RowWriter
  private let removal: RowWriter
  private let memory: RowWriter

  init(_ db: GRDB.Database) throws {
    put = try RowWriter(
      """
      INSERT OR REPLACE INTO binding (tenant_id, extension_id, binding_key, contact, transport,
        local_address, remote_address, user_agent, registered_at_ms, expires_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, in: db)
    memory = try RowWriter(
      """
      INSERT INTO extension_seen (tenant_id, extension_id, registered_until_ms)
      SELECT tenant_id, extension_id, expires_at_ms FROM binding
      WHERE extension_id = ? AND binding_key = ?
      ON CONFLICT DO UPDATE
      SET registered_until_ms = max(registered_until_ms, excluded.registered_until_ms)
      """, in: db)
    removal = try RowWriter(
      "DELETE FROM binding WHERE extension_id = ? AND binding_key = ?", in: db)
  }

  func apply(_ change: BindingChange) throws {
    switch change {
    case .put(let binding):
      try put.write([
        .number(binding.tenant.row), .number(binding.extension.row), .text(text(binding.key)),
        .text(binding.contact), .text("\(binding.flow.transport)"),
        .text("\(binding.flow.local)"), .text("\(binding.flow.remote)"),
        .text(binding.userAgent), .number(binding.registeredAt.unixMilliseconds),
        .number(binding.expiresAt.unixMilliseconds),
      ])
    case .removed(let `extension`, let key):
      let place = [ColumnValue.number(`extension`.row), .text(text(key))]
      try memory.write(place)
      try removal.write(place)
    }
  }

  private func text(_ key: Binding.Key) -> String {
    switch key {
    case .contact(let contact): contact
    case .instance(let instance, let registration): "\(instance);reg-id=\(registration)"
    }
  }
}

extension Database {
  /// Until when each extension of a tenant is or was registered; when it was made where it never was.
  func registeredUntil(tenant: Int64) throws(StoreError) -> [ExtensionID: WallTime] {
    try read("looking up who was registered") { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT number, max(made_at_ms, coalesce(registered_until_ms, 0), coalesce((
            SELECT max(expires_at_ms) FROM binding
            WHERE binding.tenant_id = subject.tenant_id AND binding.extension_id = number), 0)) AS until_ms
          FROM subject LEFT JOIN extension_seen
            ON extension_seen.tenant_id = subject.tenant_id AND extension_id = number
          WHERE subject.tenant_id = ? AND kind = 'extension'
          """, arguments: [tenant])
      return Dictionary(
        rows.map {
          (
            ExtensionID(UInt64($0["number"] as Int64)),
            WallTime(unixMilliseconds: $0["until_ms"])
          )
        }, uniquingKeysWith: { max($0, $1) })
    }
  }

  func bindings(tenant: Int64, extension only: ExtensionID?) throws(StoreError) -> [BindingRow] {
    try read("looking up registrations") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT * FROM binding WHERE tenant_id = ?1 AND (?2 IS NULL OR extension_id = ?2)
          ORDER BY extension_id, registered_at_ms
          """, arguments: [tenant, only?.row]
      ).map { row in
        BindingRow(
          extension: ExtensionID(UInt64(row["extension_id"] as Int64)), contact: row["contact"],
          transport: row["transport"], remote: row["remote_address"], userAgent: row["user_agent"],
          registeredAt: WallTime(unixMilliseconds: row["registered_at_ms"]),
          expiresAt: WallTime(unixMilliseconds: row["expires_at_ms"]))
      }
    }
  }
}
