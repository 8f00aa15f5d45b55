/// What one peer, or one file that was read in, says of a network.
package struct ListingReport: Codable, Sendable {
  package var network: String
  /// The name of the peer or of the file.
  package var by: String
  package var isFile: Bool
  /// "5 users with wrong credentials"; "listed" in a file.
  package var why: String
  /// It is banned for what is said of it; else it is watched.
  package var banned: Bool
  /// ISO 8601 in UTC: when it was heard, and when it is over.
  package var since: String
  package var until: String
  /// The number of the peer's entry, and the digest of the evidence that it keeps; nil of a file.
  package var sequence: UInt64?
  package var evidence: String?

  enum CodingKeys: String, CodingKey {
    case network, by, why, banned, since, until, sequence, evidence
    case isFile = "is_file"
  }

  package init(
    network: String, by: String, isFile: Bool, why: String, banned: Bool, since: String,
    until: String
  ) {
    (self.network, self.by, self.isFile, self.why) = (network, by, isFile, why)
    (self.banned, self.since, self.until) = (banned, since, until)
  }
}

/// How it is with the list of one peer, as `martinet bans peers` shows it.
package struct PeerReport: Codable, Sendable {
  package var name: String
  package var url: String
  /// "node", "ban" or "watch".
  package var trust: String
  /// The number of the last entry that was heard.
  package var sequence: UInt64
  /// Networks that it lists now.
  package var listings: Int
  /// Entries since the start that should not have been there, and what was wrong with the last one.
  package var ignored: Int
  package var lastIgnored: String?
  /// ISO 8601 in UTC; nil: it has not answered since the start.
  package var answeredAt: String?
  /// Why it is not heard; nil while all is well.
  package var complaint: String?

  enum CodingKeys: String, CodingKey {
    case name, url, trust, sequence, listings, ignored, complaint
    case lastIgnored = "last_ignored"
    case answeredAt = "answered_at"
  }

  package init(
    name: String, url: String, trust: String, sequence: UInt64, listings: Int, ignored: Int
  ) {
    (self.name, self.url, self.trust) = (name, url, trust)
    (self.sequence, self.listings, self.ignored) = (sequence, listings, ignored)
  }
}

/// What others know this server's list by.
package struct IdentityReport: Codable, Sendable {
  /// Public key in base64.
  package var key: String
  /// The number of its last entry.
  package var sequence: UInt64
  /// Where it is read, "HOST:PORT"; nil: nowhere.
  package var listen: String?

  package init(key: String, sequence: UInt64, listen: String?) {
    (self.key, self.sequence, self.listen) = (key, sequence, listen)
  }
}
