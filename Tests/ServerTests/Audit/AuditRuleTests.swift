import API
import Foundation
import Server
import Testing

@Suite struct AuditRuleTests {
  private func report(_ severity: AuditFindingReport.Severity) -> AuditFindingReport {
    AuditFindingReport(id: "x", severity: severity, finding: "", why: "", wayOut: "")
  }

  @Test("The worst findings make the grade, and how many there are of them")
  func grades() {
    let table: [([AuditFindingReport.Severity], AuditGrade)] = [
      ([], .a), ([.low, .low, .low, .low], .a), ([.medium], .b), ([.medium, .medium, .low], .b),
      ([.medium, .medium, .medium], .c), ([.high], .d), ([.high, .high, .medium], .d),
      ([.high, .high, .high], .e), ([.critical], .f), ([.low, .critical, .high], .f),
    ]
    for (severities, grade) in table {
      #expect(AuditGrade(severities.map(report)) == grade, "\(severities)")
    }
  }

  @Test("What was not seen keeps the grade from the best, and is counted")
  func unseen() {
    let missing = AuditFinding(.unseenTLS, at: .platform, "").report
    #expect(AuditGrade([missing]) == .b)
    #expect(AuditGrade([missing, report(.medium), report(.medium), report(.medium)]) == .c)
    #expect(AuditGrade([AuditFinding(.passwordsUntried, at: .platform, "").report]) == .b)
    for rule in AuditRule.allCases where rule.rawValue.hasPrefix("unseen.") {
      #expect(rule.isUnseen && rule.severity == .low)
    }
  }

  @Test("The manual has every rule with its severity, and no other")
  func manual() throws {
    let page = try String(
      contentsOf: repositoryFolder.appending(path: "docs/operator/audit.md"), encoding: .utf8)
    let rows = page.split(separator: "\n").compactMap { line -> String? in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 3, cells[0].hasPrefix("`"), cells[0].contains(".") else { return nil }
      return "\(cells[0]) \(cells[1])"
    }
    #expect(rows.sorted() == AuditRule.allCases.map { "`\($0.rawValue)` \($0.severity)" }.sorted())
  }

  @Test("Each rule says why it matters and what to do, as a sentence")
  func words() {
    for rule in AuditRule.allCases {
      #expect(rule.why.hasSuffix("."), "\(rule)")
      #expect(rule.wayOut.count > 5, "\(rule)")
    }
  }
}
