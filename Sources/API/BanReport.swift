/// One ban in force, as `martinet bans` shows it.
package struct BanReport: Codable, Sendable {
  /// "203.0.113.7", "2001:db8:1:2::/64".
  package var network: String
  /// The one user that is closed out from there, "office 101"; nil: everything from there is.
  package var user: String?
  /// "5 users that do not exist".
  package var why: String
  /// ISO 8601 in UTC.
  package var since: String
  /// Nil: until somebody lifts it.
  package var until: String?
  /// How often it was banned before, less what has decayed.
  package var rung: Int

  package init(
    network: String, user: String?, why: String, since: String, until: String?, rung: Int
  ) {
    (self.network, self.user, self.why) = (network, user, why)
    (self.since, self.until, self.rung) = (since, until, rung)
  }
}

/// How the server stands to one address, as `martinet bans explain` shows it.
package struct BanExplanationReport: Codable, Sendable {
  package var address: String
  /// It is a carrier's, or listed as never to be banned.
  package var spared: Bool
  /// A phone has proven itself from there within a day: only who is new is slowed.
  package var phones: Bool
  package var bans: [BanReport]

  package init(address: String, spared: Bool, phones: Bool, bans: [BanReport]) {
    (self.address, self.spared, self.phones, self.bans) = (address, spared, phones, bans)
  }
}
