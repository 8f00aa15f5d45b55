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
    let standing = try database.journalStanding(in: folder)
    guard let complaint = standing.complaint else {
      return RecoveryReport(complaint: nil, lost: [], accepted: false, aside: nil)
    }
    let lost = try lostWithJournal()
    guard accepts else {
      return RecoveryReport(complaint: complaint, lost: lost, accepted: false, aside: nil)
    }
    let aside = try database.giveUpJournal(in: folder, by: person, at: Clocks.wall())
    return RecoveryReport(complaint: complaint, lost: lost, accepted: true, aside: aside)
  }

  private func lostWithJournal() throws -> [String] {
    let directory = rulebook().directory
    var lost = [
      "What was spent is forgotten: every limit begins at zero. `martinet records` shows what is known of it.",
      "Calls that ran have no record, and some may still be up at the carriers.",
      "Phones can be called again after they have registered, within two hours.",
      "Countries and networks of each account are new again, and told again.",
    ]
    lost.append(liftedBlocks(try blockedBefore(directory), directory))
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

  /// What is known of the blocks that go, since when, and what to do about them; nobody can be blocked by hand.
  private func liftedBlocks(_ blocked: [String], _ directory: DirectorySnapshot) -> String {
    let known =
      blocked.isEmpty
      ? "Blocks are lifted; the alerts that are kept name none."
      : "Blocks are lifted. Give the phones of these new passwords (`password` in the YAML, then "
        + "`martinet apply`), and lower their limits (`martinet limits set`) until that is done: "
        + blocked.joined(separator: ", ") + "."
    let owners = directory.tenants.map { Optional($0.id) } + [nil]
    guard let days = owners.compactMap({ daysKept(.notice, of: $0) }).min() else { return known }
    return known + " Older blocks may be missing: alerts are kept for \(days) days."
  }

  /// Who was blocked by what their tenants were told last.
  private func blockedBefore(_ directory: DirectorySnapshot) throws -> [String] {
    let scopes =
      directory.tenants.map { TenantScope($0.id, as: .operator, in: database) }
      + [.platform(in: database)]
    var last: [String: Alert.Kind] = [:]
    for alert in try scopes.flatMap({ try $0.alerts(limit: 10_000) }).map(\.alert)
      .sorted(by: { $0.at < $1.at })
    where alert.kind == .accountBlocked || alert.kind == .accountUnblocked {
      guard let subject = alert.facts.first(where: { $0.name == "subject" })?.value else {
        continue
      }
      last[subject] = alert.kind
    }
    return last.filter { $0.value == .accountBlocked }.keys.sorted()
  }
}
