import Directory
package import Elements
package import Guard

// What others say of malicious sources, and what they are told.

extension SwitchCore {
  /// Takes back, before the first event, what was banned for what others say.
  ///
  /// Doors are closed when the first directory has said who is never banned.
  package mutating func restore(listed changes: [ListChange], at now: Now) {
    for change in changes { _ = admission.hear(change, at: now) }
  }

  mutating func hear(_ change: ListChange, at now: Now) {
    let objection = admission.hear(change, at: now)
    reconcile(change.network, at: now)
    guard let objection else {
      if logs(.debug) {
        log(.debug, "others' list changed", Alert.Fact("network", "\(change.network)"))
      }
      return
    }
    log(.warning, "others' listing not taken", Alert.Fact("why", "\(objection)"))
  }

  /// Tells those who share our bans of one, where it is about scanning.
  mutating func share(_ ban: Ban, at now: Now) {
    guard configuration.sharesBans, let finding = admission.finding(ban, at: now),
      finding.offence != .wrongCredentials || isSearch(finding.users)
    else { return }
    output.publications.append(.found(finding))
  }

  /// Whether somebody looks for users, and not some phones of one tenant have old passwords: that is its own affair.
  private func isSearch(_ users: [UserKey]) -> Bool {
    var strangers = 0
    var tenants: [TenantID: Int] = [:]
    for user in users {
      if let device = rules.directory.device(DeviceID(user.number)) {
        tenants[device.tenant, default: 0] += 1
      } else {
        strangers += 1
      }
    }
    let guessed = tenants.count > 1 ? tenants.values.reduce(0, +) : 0
    return strangers + guessed >= Self.usersOfSearch
  }

  /// Fewer may be mistakes of one who sets up phones.
  private static let usersOfSearch = 3
}
