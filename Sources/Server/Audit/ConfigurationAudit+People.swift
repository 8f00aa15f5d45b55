import Directory
import Elements
import Notices

// Who is told, and accounts that nobody looks after.

extension ConfigurationAudit {
  /// After so long without a registration nobody uses an extension.
  package static let staleDays: Int64 = 90

  func people() -> [AuditFinding] {
    let notices = NoticeSettings(document, directory)
    return directory.tenants.flatMap { tenant -> [AuditFinding] in
      var findings: [AuditFinding] = []
      if notices.recipients(for: tenant.id).isEmpty {
        findings.append(
          AuditFinding(
            .nobodyTold, at: .tenant(tenant.name),
            "Of what happens to \(tenant.name) nobody is told: \(reason(tenant))."))
      }
      return findings + stale(of: tenant)
    }
  }

  private func reason(_ tenant: Tenant) -> String {
    let isMailMeant = !tenant.notices.mail.isEmpty || !document.platform.notices.mail.isEmpty
    return isMailMeant
      ? "there are addresses, and no mail server" : "neither it nor the platform has notices"
  }

  private func stale(of tenant: Tenant) -> [AuditFinding] {
    let old = payers(of: tenant).filter { line in
      guard !line.devices.isEmpty, let last = registeredUntil[line.id] else { return false }
      return last + .seconds(86_400 * Self.staleDays) < now
    }
    let unknown = payers(of: tenant).filter { !$0.devices.isEmpty && registeredUntil[$0.id] == nil }
    return finding(.stale, old, of: tenant) { group in
      "\(group.subject) may call out, and \(group.has("was", "were")) not registered for \(Self.staleDays) days."
    }
      + finding(.unseenUse, unknown, of: tenant) { group in
        "\(group.subject) may call out, and nobody knows when \(group.has("it was", "they were")) last registered."
      }
  }
}
