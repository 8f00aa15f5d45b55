package import Elements
import GRDB
package import Switch

/// The only door to rows of tenants: names whose rows, and for whom they are read.
///
/// There is no query over a tenant's table that does not start here, so no query can forget the
/// tenant.
package struct TenantScope: Sendable {
  package enum Role: Hashable, Sendable {
    /// Runs the platform.
    case `operator`
    /// Keeps one tenant's settings and sees all of that tenant.
    case administrator
    /// Sees the calls and registrations of one extension.
    case user(ExtensionID)
  }

  /// Nil: rows of the platform itself, for the operator.
  package let tenant: TenantID?
  package let role: Role
  private let database: Database

  private init(_ tenant: TenantID?, _ role: Role, _ database: Database) {
    (self.tenant, self.role, self.database) = (tenant, role, database)
  }

  /// The rows of one tenant.
  package init(_ tenant: TenantID, as role: Role, in database: Database) {
    self.init(tenant, role, database)
  }

  /// The rows that belong to no tenant: alerts of the platform, calls refused before anybody was known.
  package static func platform(in database: Database) -> TenantScope {
    TenantScope(nil, .operator, database)
  }

  private var row: Int64 { tenant?.row ?? 0 }
  private var onlyExtension: ExtensionID? {
    if case .user(let `extension`) = role { `extension` } else { nil }
  }

  /// Calls, newest first.
  package func callRecords(
    _ query: CallRecordQuery = CallRecordQuery()
  ) throws(StoreError) -> [CallDetailRecord] {
    try database.callRecords(tenant: row, extension: onlyExtension, query)
  }

  /// Registrations as far as the journal has been followed; some of them may have expired.
  package func bindings() throws(StoreError) -> [BindingRow] {
    try database.bindings(tenant: row, extension: onlyExtension)
  }

  /// Until when each extension is or was registered; when it was made where it never was.
  ///
  /// As far as the journal has been followed; a user sees none of it.
  package func registeredUntil() throws(StoreError) -> [ExtensionID: WallTime] {
    guard onlyExtension == nil else { return [:] }
    return try database.registeredUntil(tenant: row)
  }

  /// Alerts with their way to their recipients, newest first; a user has none.
  package func alerts(limit: Int = 100) throws(StoreError) -> [AlertStanding] {
    guard onlyExtension == nil else { return [] }
    return try database.alerts(tenant: row, limit: limit)
  }

  /// Who was told to be blocked and who not to be any more, oldest first; a user has none.
  package func blockAlerts() throws(StoreError) -> [Alert] {
    guard onlyExtension == nil else { return [] }
    return try database.blockAlerts(tenant: row)
  }

  /// The audit trail, newest first and as it stands there, whether its chain is whole or not; a user sees none of it.
  package func audit(limit: Int = 100) throws(StoreError) -> [AuditEntry] {
    guard onlyExtension == nil else { return [] }
    return try database.read("reading the audit trail") { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM audit WHERE tenant_id = ? ORDER BY sequence DESC LIMIT ?",
        arguments: [row, limit]
      ).map(database.shownAuditEntry)
    }
  }
}
