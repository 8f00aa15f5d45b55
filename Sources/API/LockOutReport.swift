/// Somebody who is there now, and whom a changed configuration keeps out.
package struct LockOutReport: Codable, Sendable, Hashable {
  /// Of a registered phone.
  package var tenant: String?
  package var `extension`: String?
  /// Of a carrier whose calls come from there.
  package var trunk: String?
  package var address: String
  /// Since when it has been there, ISO 8601 in UTC.
  package var since: String
  /// The list that keeps it out, as the new configuration has it.
  package var rule: String

  package init(
    tenant: String?, extension number: String?, trunk: String?, address: String, since: String,
    rule: String
  ) {
    (self.tenant, self.extension, self.trunk) = (tenant, number, trunk)
    (self.address, self.since, self.rule) = (address, since, rule)
  }

  /// "extension 101 of office", "trunk carrier".
  package var who: String {
    trunk.map { "trunk \($0)" } ?? "extension \(self.extension ?? "?") of \(tenant ?? "?")"
  }

  /// One line for people.
  package var words: String { "\(who) at \(address), there since \(since): \(rule)" }
}
