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

  /// Does what follows from others' lists; of a piece that cannot be taken one line is written, whatever is in it.
  mutating func hear(_ changes: [ListChange], at now: Now) {
    var objections: [ListObjection] = []
    for change in changes {
      if let objection = admission.hear(change, at: now) { objections.append(objection) }
      reconcile(change.network, at: now)
    }
    if logs(.debug) {
      log(.debug, "others' list changed", Alert.Fact("networks", "\(changes.count)"))
    }
    guard let first = objections.first else { return }
    log(
      .warning, "others' listing not taken", Alert.Fact("why", "\(first)"),
      Alert.Fact("listings", "\(objections.count)"))
  }

  /// Tells those who share our bans of one, where it is about scanning.
  mutating func share(_ ban: Ban, at now: Now) {
    guard configuration.sharesBans else { return }
    let finding = admission.findings(ban, at: now).first {
      $0.offence != .wrongCredentials || isSearch($0.users)
    }
    if let finding { output.publications.append(.found(finding)) }
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
