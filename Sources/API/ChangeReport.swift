/// One change that a person or the program made, as `martinet changes` shows it: a row of the audit trail.
package struct ChangeReport: Codable, Sendable {
  /// ISO 8601 in UTC.
  package var at: String
  /// Whose settings or state it was; nil: the platform's.
  package var tenant: String?
  /// Who did it: a person, or "martinet" for the program itself.
  package var by: String
  /// What, in two words: "configuration.applied", "unblock.ordered".
  package var action: String
  /// On what: "extension 101".
  package var subject: String
  /// The rest in words: the reason given, the amount.
  package var detail: String

  package init(
    at: String, tenant: String?, by: String, action: String, subject: String, detail: String
  ) {
    (self.at, self.tenant, self.by) = (at, tenant, by)
    (self.action, self.subject, self.detail) = (action, subject, detail)
  }
}
