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

  /// What was changed and by whom, newest first; without a tenant of all there were, and of the platform.
  package func changes(tenant name: String?, limit: Int) throws -> [ChangeReport] {
    let directory = rulebook().directory
    let owners =
      if let name { [try SwitchReports(directory).tenant(named: name).id as TenantID?] } else {
        try database.auditedTenants()
      }
    let entries = try owners.flatMap { owner in
      let scope =
        owner.map { TenantScope($0, as: .operator, in: database) } ?? .platform(in: database)
      return try scope.audit(limit: max(0, limit))
    }
    return entries.sorted { $0.at > $1.at }.prefix(max(0, limit)).map { entry in
      ChangeReport(
        at: entry.at.iso8601, tenant: entry.tenant.map { directory.tenant($0)?.name ?? "\($0)" },
        by: entry.actor, action: entry.action, subject: entry.subject, detail: entry.detail)
    }
  }

  /// How it is with the countries of addresses; nothing where no file is named.
  package func countryFindings() -> [FindingReport] {
    guard let paths = document().platform.countries else { return [] }
    let copy = CountryCopy(in: folder)
    if let complaint = countriesComplaint {
      return [
        FindingReport(
          .problem, "countries", complaint,
          wayOut: "Put the file back, and `martinet apply` the configuration again.")
      ]
    }
    let directory = rulebook().directory
    let found = directory.countries.words + "."
    if !directory.countries.isWhole, directory.devices.contains(where: \.sources.isByCountry) {
      return [
        FindingReport(
          .warning, "countries",
          "\(found) Phones with `source_countries` never come in by the other family.",
          wayOut:
            "Name a file of the other family, too, in platform.countries, and `martinet apply`.")
      ]
    }
    if let kept = copy.readAt,
      let newer = paths.first(where: { CountryCopy.isNewer($0, than: kept) })
    {
      return [
        FindingReport(
          .warning, "countries", "\(found) \(newer) is newer.",
          wayOut: "`martinet apply` reads it.")
      ]
    }
    guard !copy.isOld else {
      return [
        FindingReport(
          .warning, "countries", "\(found) It was read more than a year ago, and addresses move.",
          wayOut: "Get a newer file to \(paths.joined(separator: ", ")), and `martinet apply`.")
      ]
    }
    return [FindingReport(.ok, "countries", found)]
  }

  private func owner(of tenant: TenantID?) -> String {
    guard let tenant else { return "Of the platform" }
    return "Of tenant " + (rulebook().directory.tenant(tenant)?.name ?? "\(tenant), which is gone")
  }
}
