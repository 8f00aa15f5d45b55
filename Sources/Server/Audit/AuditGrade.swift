package import API

/// What findings come to: the worst decides, and how many there are of it.
package enum AuditGrade: String, Hashable, Sendable {
  case a = "A"
  case b = "B"
  case c = "C"
  case d = "D"
  case e = "E"
  case f = "F"

  /// So many of a severity are still the better grade of the two that it can lead to.
  private static let few = 2

  /// A: nothing above low, and all was seen: what was not cannot be called well.
  ///
  /// B, C: medium, two at most or more. D, E: high, likewise. F: anything critical.
  package init(_ findings: [AuditFindingReport]) {
    func count(_ severity: AuditFindingReport.Severity) -> Int {
      findings.count { $0.severity == severity }
    }
    self =
      switch (count(.critical), count(.high), count(.medium)) {
      case (1..., _, _): .f
      case (_, (Self.few + 1)..., _): .e
      case (_, 1..., _): .d
      case (_, _, (Self.few + 1)...): .c
      case (_, _, 1...): .b
      case _: findings.contains(where: \.isUnseen) ? .b : .a
      }
  }
}

extension AuditFindingReport {
  fileprivate var isUnseen: Bool { AuditRule(rawValue: id)?.isUnseen ?? false }
}

extension AuditSummaryReport {
  init(_ findings: [AuditFindingReport], probed: [String], passwords: PasswordTrialReport?) {
    func count(_ severity: AuditFindingReport.Severity) -> Int {
      findings.count { $0.severity == severity }
    }
    self.init(
      grade: AuditGrade(findings).rawValue, critical: count(.critical), high: count(.high),
      medium: count(.medium), low: count(.low), unseen: findings.count(where: \.isUnseen),
      probed: probed, passwords: passwords)
  }
}
