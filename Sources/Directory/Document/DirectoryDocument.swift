/// The whole configuration as plain values: what `apply` reads, the database keeps and `export` writes.
///
/// Its encoded form holds secrets (HA1 values, passwords for carriers, keys of webhooks): whoever stores it
/// seals it as a whole. It may be wrong; ``DirectoryCompiler`` says where.
package struct DirectoryDocument: Codable, Hashable, Sendable {
  /// The shape of the document, not of its content.
  package var version = 1
  package var tenants: [TenantEntry] = []
  package var trunks: [TrunkEntry] = []
  package var rates: [RateEntry] = []
  package var platform = PlatformEntry()
  package var mail: MailEntry?
  /// Which number belongs to which name; kept over every change, so that money and records keep their owner.
  package var identities = IdentityMap()

  package init() {}
}

/// What holds for all tenants together.
package struct PlatformEntry: Codable, Hashable, Sendable {
  package var limits = LimitEntry()
  /// The currency of `limits`, and the one of tenants and rates that name none.
  package var currency = "EUR"
  /// Where alerts for the operator go.
  package var notices = NoticeEntry()
  /// Of its own rows, and of tenants that say nothing else; nil: the usual times.
  package var retention: RetentionEntry?
  /// Addresses and networks that are never banned, besides the carriers'; nil: none.
  package var neverBan: [String]?
  /// Files that say which country an address is in.
  package var countries: [String]?
  /// What the edge takes for too much; nil: what is usual.
  package var edge: EdgeEntry?

  package init() {}
}

/// The server that takes mail from us.
package struct MailEntry: Codable, Hashable, Sendable {
  /// `smtp://host:port` (STARTTLS when offered), `smtps://host:port`.
  package var server: String
  package var from: String
  package var username: String?
  package var password: SecretText?
  /// Refuse to send without TLS.
  ///
  /// Off only for a server on this machine.
  package var requireTLS: Bool
  /// A PEM file of authorities beside the system's, for a server with one of its own; nil: none.
  package var tlsAuthorities: String?

  package init(
    server: String, from: String, username: String? = nil, password: SecretText? = nil,
    requireTLS: Bool = false, tlsAuthorities: String? = nil
  ) {
    (self.server, self.from, self.username) = (server, from, username)
    (self.password, self.requireTLS) = (password, requireTLS)
    self.tlsAuthorities = tlsAuthorities
  }
}

/// A rate deck: prices by prefix, as the text of its CSV file.
package struct RateEntry: Codable, Hashable, Sendable {
  package var name: String
  package var currency: String
  /// Where it was read from, as written; for messages.
  package var file: String
  /// The content of the file.
  package var table: String
  /// An IANA name: where its dates and hours are counted; nil: UTC.
  package var timezone: String?

  package init(
    name: String, currency: String, file: String, table: String, timezone: String? = nil
  ) {
    (self.name, self.currency, self.file, self.table) = (name, currency, file, table)
    self.timezone = timezone
  }
}

/// Who is told when something happens.
package struct NoticeEntry: Codable, Hashable, Sendable {
  package var mail: [String] = []
  package var webhooks: [WebhookEntry] = []

  package init() {}
}

/// An address of the customer that hears of alerts.
package struct WebhookEntry: Codable, Hashable, Sendable {
  package var url: String
  /// Signs each delivery (HMAC-SHA-256).
  package var secret: SecretText

  package init(url: String, secret: SecretText) {
    (self.url, self.secret) = (url, secret)
  }
}
