package import API
import Directory
import Elements
import Store
import Switch

extension Administration {
  /// Whether every row of the audit trail is as it was written, of the platform and of each tenant.
  package func auditFinding() throws -> FindingReport {
    var rows = 0
    var complaints: [String] = []
    for tenant in try database.auditedTenants() {
      let verdict = try database.verifyAudit(of: tenant)
      switch verdict {
      case .intact(let count): rows += count
      case .altered, .missing, .cut: complaints.append("\(owner(of: tenant)): \(verdict)")
      }
    }
    guard complaints.isEmpty else {
      return FindingReport(
        .problem, "audit trail", complaints.joined(separator: " "),
        wayOut:
          "Somebody changed the database past this program: compare with a backup, and see who can write to \(folder.path)."
      )
    }
    return FindingReport(.ok, "audit trail", "\(rows) rows, each as it was written.")
  }

  private func owner(of tenant: TenantID?) -> String {
    guard let tenant else { return "Of the platform" }
    return "Of tenant " + (rulebook().directory.tenant(tenant)?.name ?? "\(tenant), which is gone")
  }
}
