package import API
import Directory
import Elements
import Net
import Store
import Switch

extension Administration {
  /// Looks whether journal and database belong together, and gives a lost journal up where a person says so.
  ///
  /// Nothing is changed without `accepts`, nor where nothing is lost.
  package func recover(accepts: Bool, by person: String) throws -> RecoveryReport {
    guard let complaint = try journalComplaint() else {
      return RecoveryReport(complaint: nil, lost: [], accepted: false, aside: nil)
    }
    let lost = try lostWithJournal()
    guard accepts else {
      return RecoveryReport(complaint: complaint, lost: lost, accepted: false, aside: nil)
    }
    let aside = try database.giveUpJournal(in: folder, by: person, at: Clocks.wall())
    return RecoveryReport(complaint: complaint, lost: lost, accepted: true, aside: aside)
  }

  /// Why the server does not start on the journal, which is read as the start does; nil when it does.
  func journalComplaint() throws -> String? {
    var core = SwitchCore(configuration: switchConfiguration(listeners: []), dice: .system)
    return try database.journalStanding(in: folder) { try core.replay($0) }.complaint
  }

  private func lostWithJournal() throws -> [String] {
    let directory = rulebook().directory
    var lost = [
      "What was spent is forgotten: every limit begins at zero. `martinet records` shows what is known of it.",
      "Calls that ran have no record, and some may still be up at the carriers.",
      "Phones can be called again after they have registered, within two hours.",
      "Countries and networks of each account are new again, and told again.",
    ]
    lost.append(liftedBlocks(try blockedBefore(directory)))
    let prepaid = directory.extensions.filter(\.limits.isPrepaid).map { line in
      "\(line.tenant.name) \(line.digits)"
    }
    let tenants = directory.tenants.filter(\.limits.isPrepaid).map(\.name)
    if !(prepaid + tenants).isEmpty {
      lost.append(
        "Prepaid balances are zero: pay them in again for "
          + (tenants + prepaid).joined(separator: ", "))
    }
    return lost
  }

  /// Whose blocks go, and what to do about them before and after the start.
  private func liftedBlocks(_ blocked: [String]) -> String {
    blocked.isEmpty
      ? "Blocks are lifted; nobody was blocked as far as the alerts say."
      : "Blocks are lifted. Before the start give the phones of these new passwords (`password` in the "
        + "YAML, then `martinet apply`), after it block them again (`martinet limits block`): "
        + blocked.joined(separator: ", ") + "."
  }

  /// Who was blocked by what their tenants were told last.
  private func blockedBefore(_ directory: DirectorySnapshot) throws -> [String] {
    let scopes =
      directory.tenants.map { TenantScope($0.id, as: .operator, in: database) }
      + [.platform(in: database)]
    var last: [String: Alert.Kind] = [:]
    for alert in try scopes.flatMap({ try $0.blockAlerts() }) {
      guard let subject = alert.facts.first(where: { $0.name == "subject" })?.value else {
        continue
      }
      last[subject] = alert.kind
    }
    return last.filter { $0.value == .accountBlocked }.keys.sorted()
  }
}
