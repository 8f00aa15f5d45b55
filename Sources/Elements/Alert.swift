/// Something a person must be told: written to the outbox with what caused it, and never dropped.
package struct Alert: Hashable, Sendable {
  /// What happened; decides the words, and with `key` what counts as the same alert.
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case accountBlocked, accountUnblocked, limitShare, limitChanged, callRefused, possiblyStillUp,
      chargedLate, chargedAboveHold
    case unknownRate, emergencyCall, trunkDown, trunkUp, journalFailed, databaseFailed, clockBehind
    case internalFault
    case newCountry, newNetwork, forwardAbroad, passwordElsewhere
    case passwordGuessed, passwordGuessedWhereSpared, callFlood, unusualCalls
    case certificateTrouble
  }

  package enum Severity: String, Hashable, Sendable {
    case information, warning, critical
  }

  package let kind: Kind
  package let severity: Severity
  /// The tenant concerned; nil for the platform itself.
  package let tenant: TenantID?
  package let at: WallTime
  /// Idempotency key: two alerts with the same key are the same event.
  package let key: String
  /// Facts by name, in the order to show them: ("from", "203.0.113.7:5060"), never a secret.
  package let facts: [Fact]

  package struct Fact: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      (self.name, self.value) = (name, value)
    }
  }

  package init(
    _ kind: Kind, _ severity: Severity, tenant: TenantID?, at: WallTime, key: String, facts: [Fact]
  ) {
    (self.kind, self.severity, self.tenant) = (kind, severity, tenant)
    (self.at, self.key, self.facts) = (at, key, facts)
  }
}
