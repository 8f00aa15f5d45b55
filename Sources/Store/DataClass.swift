/// What kind of data a table holds; retention, erasure, backup and export follow from it.
package enum DataClass: String, Hashable, Sendable, CaseIterable {
  /// What an operator or customer has set; kept until changed.
  case configuration
  /// Who called whom and when: personal data, kept as long as the tenant says.
  case callRecord
  /// What people were told.
  case notice
  /// Who changed what; append-only, kept longest.
  case audit
  /// Can be rebuilt by the program; not in a backup.
  case operational
  /// Tells keys apart, or is sealed under one.
  case key
  /// What operators tell each other of malicious sources; kept until it is over, by ``Database/pruneLists(own:at:limit:)``.
  case sharedList

  /// What becomes of rows of this kind with time.
  package enum Ageing: Hashable, Sendable {
    case stays
    /// Removed so many days after the call began.
    case callRecordDays
    /// Removed so many days after it was raised, once everybody has taken it.
    case alertDays
  }

  package var ageing: Ageing {
    switch self {
    case .callRecord: .callRecordDays
    case .notice: .alertDays
    case .configuration, .audit, .operational, .key, .sharedList: .stays
    }
  }
}

/// What is declared of every table; a test finds a table without a line here.
package struct TableDeclaration: Hashable, Sendable {
  package enum Scope: Hashable, Sendable {
    /// Rows belong to tenants and are read through ``TenantScope`` only.
    case tenant
    case platform
  }

  package let name: String
  package let scope: Scope
  package let dataClass: DataClass

  package static let all: [TableDeclaration] = [
    .init(name: "alert", scope: .tenant, dataClass: .notice),
    .init(name: "audit", scope: .tenant, dataClass: .audit),
    .init(name: "audit_head", scope: .tenant, dataClass: .audit),
    .init(name: "binding", scope: .tenant, dataClass: .operational),
    .init(name: "call_leg", scope: .tenant, dataClass: .callRecord),
    .init(name: "call_record", scope: .tenant, dataClass: .callRecord),
    .init(name: "configuration", scope: .platform, dataClass: .configuration),
    .init(name: "extension_seen", scope: .tenant, dataClass: .operational),
    .init(name: "journal_position", scope: .platform, dataClass: .operational),
    .init(name: "key_check", scope: .platform, dataClass: .key),
    .init(name: "list_entry", scope: .platform, dataClass: .sharedList),
    .init(name: "list_identity", scope: .platform, dataClass: .key),
    .init(name: "list_import", scope: .platform, dataClass: .sharedList),
    .init(name: "list_report", scope: .platform, dataClass: .sharedList),
    .init(name: "list_reporter", scope: .platform, dataClass: .sharedList),
    .init(name: "outbox", scope: .tenant, dataClass: .notice),
    .init(name: "payment", scope: .tenant, dataClass: .audit),
    .init(name: "rate_deck", scope: .platform, dataClass: .configuration),
    .init(name: "subject", scope: .tenant, dataClass: .configuration),
  ]
}
