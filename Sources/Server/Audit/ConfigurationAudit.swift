package import Directory
package import Elements
import Numbering

/// Looks for weaknesses in the configuration in force; what it needs of the store comes along.
package struct ConfigurationAudit {
  let document: DirectoryDocument
  let directory: DirectorySnapshot
  /// Until when each extension was registered, or when it was made; those of whom nobody knows are left out.
  let registeredUntil: [ExtensionID: WallTime]
  let now: WallTime

  package init(
    _ document: DirectoryDocument, _ directory: DirectorySnapshot,
    registeredUntil: [ExtensionID: WallTime], at now: WallTime
  ) {
    (self.document, self.directory) = (document, directory)
    (self.registeredUntil, self.now) = (registeredUntil, now)
  }

  package func findings() -> [AuditFinding] {
    spending() + forwards() + origins() + people() + secrets()
  }

  /// Extensions of a tenant that may call out for money.
  func payers(of tenant: Tenant) -> [Extension] {
    guard !tenant.trunks.isEmpty else { return [] }
    return directory.extensions.filter { $0.tenant.id == tenant.id }
  }

  /// One finding about all of the extensions; none where there is none.
  func finding(
    _ rule: AuditRule, _ lines: [Extension], of tenant: Tenant, _ text: (LineGroup) -> String
  ) -> [AuditFinding] {
    guard !lines.isEmpty else { return [] }
    let group = LineGroup(tenant: tenant.name, numbers: lines.map(\.digits.description))
    return [AuditFinding(rule, at: .lines(group), text(group))]
  }
}
