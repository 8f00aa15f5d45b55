package import API

/// What a rule has found, and where.
package struct AuditFinding: Hashable, Sendable {
  package let rule: AuditRule
  package let place: Place
  package let text: String

  /// Where a weakness is.
  package enum Place: Hashable, Sendable {
    case platform
    case tenant(String)
    case lines(LineGroup)
    case trunk(String)
    /// "UDP 192.0.2.1:5060".
    case address(String)
    case file(String)
  }

  package init(_ rule: AuditRule, at place: Place, _ text: String) {
    (self.rule, self.place, self.text) = (rule, place, text)
  }

  package var report: AuditFindingReport {
    var report = AuditFindingReport(
      id: rule.rawValue, severity: rule.severity, finding: text, why: rule.why,
      wayOut: rule.wayOut)
    switch place {
    case .platform: break
    case .tenant(let name): report.tenant = name
    case .lines(let group):
      report.tenant = group.tenant
      report.extension = group.numbers.joined(separator: ", ")
    case .trunk(let name): report.trunk = name
    case .address(let address): report.address = address
    case .file(let path): report.file = path
    }
    return report
  }
}

/// Extensions of one tenant that have the same weakness.
package struct LineGroup: Hashable, Sendable {
  package let tenant: String
  package let numbers: [String]

  package init(tenant: String, numbers: [String]) {
    (self.tenant, self.numbers) = (tenant, numbers)
  }

  /// "Extension 101 of office", "Extensions 101, 102 and 14 more of office".
  package var subject: String {
    let shown = 8
    guard numbers.count > 1 else { return "Extension \(numbers.first ?? "") of \(tenant)" }
    let names = numbers.prefix(shown).joined(separator: ", ")
    let rest = numbers.count > shown ? " and \(numbers.count - shown) more" : ""
    return "Extensions \(names)\(rest) of \(tenant)"
  }

  /// What the subject does: "101 may call", "101, 102 may call" read alike; "has" does not.
  package func has(_ single: String = "has", _ several: String = "have") -> String {
    numbers.count > 1 ? several : single
  }
}
