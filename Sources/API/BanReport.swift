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
  /// The peer or the file that lists it; nil: it was banned here.
  package var by: String?

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
  /// It is banned for what others say of it.
  package var listed: Bool
  /// What others say of it, whether it is banned for that or only watched.
  package var reports: [ListingReport]

  package init(
    address: String, spared: Bool, phones: Bool, bans: [BanReport], listed: Bool,
    reports: [ListingReport]
  ) {
    (self.address, self.spared, self.phones, self.bans) = (address, spared, phones, bans)
    (self.listed, self.reports) = (listed, reports)
  }
}

/// What may be dropped, as `martinet bans export` writes it.
package struct BarredReport: Codable, Sendable {
  package var network: String
  /// ISO 8601 in UTC; nil: until somebody lifts it.
  package var until: String?

  package init(network: String, until: String?) {
    (self.network, self.until) = (network, until)
  }
}
