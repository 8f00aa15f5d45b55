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

extension Database {
  static func apply(_ change: BindingChange, in db: GRDB.Database) throws {
    switch change {
    case .put(let binding):
      try db.cachedStatement(
        sql: """
          INSERT OR REPLACE INTO binding (tenant_id, extension_id, binding_key, contact, transport,
            local_address, remote_address, user_agent, registered_at_ms, expires_at_ms)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """
      ).execute(arguments: [
        binding.tenant.row, binding.extension.row, text(binding.key), binding.contact,
        "\(binding.flow.transport)", "\(binding.flow.local)", "\(binding.flow.remote)",
        binding.userAgent, binding.registeredAt.unixMilliseconds,
        binding.expiresAt.unixMilliseconds,
      ])
    case .removed(let `extension`, let key):
      try db.cachedStatement(
        sql: "DELETE FROM binding WHERE extension_id = ? AND binding_key = ?"
      ).execute(arguments: [`extension`.row, text(key)])
    }
  }

  private static func text(_ key: Binding.Key) -> String {
    switch key {
    case .contact(let contact): contact
    case .instance(let instance, let registration): "\(instance);reg-id=\(registration)"
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
