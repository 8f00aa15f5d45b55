/// One weakness that `martinet audit` found.
package struct AuditFindingReport: Codable, Hashable, Sendable {
  /// Which rule found it: docs/operator/audit.md has the list.
  package var id: String
  package var severity: Severity
  /// Where it is, as far as each fits.
  package var tenant: String?
  /// The number of the extension, several with commas between.
  package var `extension`: String?
  package var trunk: String?
  /// "UDP 192.0.2.1:5060".
  package var address: String?
  package var file: String?
  package var finding: String
  /// Why it matters.
  package var why: String
  package var wayOut: String

  /// How bad it is.
  package enum Severity: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    case low, medium, high, critical

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

    private var rank: Int {
      switch self {
      case .low: 0
      case .medium: 1
      case .high: 2
      case .critical: 3
      }
    }
  }

  package init(
    id: String, severity: Severity, tenant: String? = nil, extension number: String? = nil,
    trunk: String? = nil, address: String? = nil, file: String? = nil, finding: String,
    why: String, wayOut: String
  ) {
    (self.id, self.severity) = (id, severity)
    (self.tenant, self.extension, self.trunk) = (tenant, number, trunk)
    (self.address, self.file, self.finding) = (address, file, finding)
    (self.why, self.wayOut) = (why, wayOut)
  }

  enum CodingKeys: String, CodingKey {
    case id, severity, tenant, `extension`, trunk, address, file, finding, why
    case wayOut = "way_out"
  }
}

/// What an audit comes to.
package struct AuditSummaryReport: Codable, Hashable, Sendable {
  /// "A" to "F".
  package var grade: String
  package var critical: Int
  package var high: Int
  package var medium: Int
  package var low: Int
  /// How many of them say only that something could not be seen.
  package var unseen: Int
  /// What was asked as a stranger would: "UDP 192.0.2.1:5060".
  package var probed: [String]
  /// How the passwords were tried; nil where there was no data folder to look into.
  package var passwords: PasswordTrialReport?

  package init(
    grade: String, critical: Int, high: Int, medium: Int, low: Int, unseen: Int,
    probed: [String], passwords: PasswordTrialReport?
  ) {
    (self.grade, self.critical, self.high) = (grade, critical, high)
    (self.medium, self.low, self.unseen) = (medium, low, unseen)
    (self.probed, self.passwords) = (probed, passwords)
  }
}

/// How many passwords were tried on how many phones.
package struct PasswordTrialReport: Codable, Hashable, Sendable {
  package var phones: Int
  package var guesses: Int
  package var guessesPerSecond: Int
  /// Whether every phone had every guess before time was up.
  package var complete: Bool

  package init(phones: Int, guesses: Int, guessesPerSecond: Int, complete: Bool) {
    (self.phones, self.guesses) = (phones, guesses)
    (self.guessesPerSecond, self.complete) = (guessesPerSecond, complete)
  }

  enum CodingKeys: String, CodingKey {
    case phones, guesses, complete
    case guessesPerSecond = "guesses_per_s"
  }
}

/// What the running server says of itself for an audit: it alone may read the database.
package struct AuditedStoreReport: Codable, Sendable {
  package var findings: [AuditFindingReport]
  package var passwords: PasswordTrialReport
  /// "UDP 192.0.2.1:5060", as it was told to listen.
  package var listeners: [String]
  package var http: String
  /// What a stranger is to know, and what he is not.
  package var target: AuditTargetReport

  package init(
    findings: [AuditFindingReport], passwords: PasswordTrialReport, listeners: [String],
    http: String, target: AuditTargetReport
  ) {
    (self.findings, self.passwords) = (findings, passwords)
    (self.listeners, self.http, self.target) = (listeners, http, target)
  }
}

/// Whom a stranger asks for.
package struct AuditTargetReport: Codable, Hashable, Sendable {
  /// A domain of a tenant; nil where there is none.
  package var domain: String?
  /// A user who exists there.
  package var user: String?
  /// One as long who does not.
  package var absentUser: String?
  /// The domains of all tenants, for the certificate.
  package var domains: [String]

  package init(domain: String?, user: String?, absentUser: String?, domains: [String]) {
    (self.domain, self.user) = (domain, user)
    (self.absentUser, self.domains) = (absentUser, domains)
  }

  enum CodingKeys: String, CodingKey {
    case domain, user, domains
    case absentUser = "absent_user"
  }
}
