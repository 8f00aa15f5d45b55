package import Elements

/// The limits of all subjects, as the directory has them: what ``Ledger/adopt(_:at:into:notices:)`` takes over.
package struct LimitBook: Sendable {
  /// One subject with its terms.
  package struct Line: Sendable {
    package let subject: LimitSubject
    /// The tenant of an account; nil for the other levels.
    package let tenant: TenantID?
    package let limits: LimitSet
    /// Where its days and months begin.
    package let zone: TimeZoneRules

    package init(
      _ subject: LimitSubject, of tenant: TenantID? = nil, limits: LimitSet, zone: TimeZoneRules
    ) {
      (self.subject, self.tenant, self.limits, self.zone) = (subject, tenant, limits, zone)
    }
  }

  /// Each subject once; one that is missing here pays for nothing any more.
  package var lines: [Line]

  package init(lines: [Line] = []) {
    self.lines = lines
  }
}
