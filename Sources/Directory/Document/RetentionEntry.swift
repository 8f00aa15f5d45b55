/// How long what is written of calls and of notices is kept, in days.
package struct RetentionEntry: Codable, Hashable, Sendable {
  /// Nil: as the platform says, else ``usualCallRecordDays``.
  package var callRecordDays: Int?
  /// Alerts that everybody has taken; nil: as the platform says, else ``usualAlertDays``.
  package var alertDays: Int?

  /// Long enough to answer a year's bills.
  package static let usualCallRecordDays = 365
  package static let usualAlertDays = 90

  package init(callRecordDays: Int? = nil, alertDays: Int? = nil) {
    (self.callRecordDays, self.alertDays) = (callRecordDays, alertDays)
  }
}

extension DirectoryDocument {
  /// The days that hold for the rows of a tenant, or of the platform and of tenants that are gone.
  package func retention(of tenant: String?) -> (callRecordDays: Int, alertDays: Int) {
    let own = tenant.flatMap { name in tenants.first { $0.name == name }?.retention }
    return (
      own?.callRecordDays ?? platform.retention?.callRecordDays
        ?? RetentionEntry.usualCallRecordDays,
      own?.alertDays ?? platform.retention?.alertDays ?? RetentionEntry.usualAlertDays
    )
  }
}
