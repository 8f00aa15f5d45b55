package import Directory
package import Elements
package import Store

/// The server that takes our mail.
package struct MailServer: Hashable, Sendable {
  /// `smtp://host:port` (STARTTLS when offered) or `smtps://host:port`.
  package var url: String
  /// The address mails come from.
  package var from: String
  package var username: String?
  package var password: Secret?
  /// Refuse to send without TLS.
  package var requiresTLS: Bool
  /// A file of certificates to trust beside the system's, for a server with one of its own.
  package var trustedCertificates: String?

  package init(
    url: String, from: String, username: String? = nil, password: Secret? = nil,
    requiresTLS: Bool = false, trustedCertificates: String? = nil
  ) {
    (self.url, self.from, self.username, self.password) = (url, from, username, password)
    (self.requiresTLS, self.trustedCertificates) = (requiresTLS, trustedCertificates)
  }

  /// A password goes over a wire only under TLS; the wire to ourselves is none.
  var needsTLS: Bool { requiresTLS || (username != nil && !isOnThisMachine) }

  /// Whether the server has to prove its name.
  ///
  /// Not where the mail would go in clear if the server offered no TLS: whoever can put himself in between
  /// can take the offer away, and a mail that nobody gets is worse (RFC 7435). Naming TLS or an authority asks for it.
  var provesItsName: Bool {
    needsTLS || trustedCertificates != nil || url.hasPrefix("smtps://")
  }

  private var isOnThisMachine: Bool {
    let rest = url.drop { $0 != ":" }.dropFirst(3)
    return ["127.0.0.1", "localhost", "[::1]"].contains { host in
      rest == host || rest.hasPrefix(host + ":") || rest.hasPrefix(host + "/")
    }
  }
}

/// Who is told, and by which server: replaced as a whole when a configuration comes into force.
package struct NoticeSettings: Hashable, Sendable {
  /// The people of one tenant, or of the platform.
  package struct Audience: Hashable, Sendable {
    /// How the tenant is called in the text.
    package var name: String
    package var mail: [String]
    /// Keys for signing, by address.
    package var webhooks: [String: Secret]

    package init(name: String, mail: [String] = [], webhooks: [String: Secret] = [:]) {
      (self.name, self.mail, self.webhooks) = (name, mail, webhooks)
    }

    init(name: String, _ entry: NoticeEntry) {
      self.init(
        name: name, mail: entry.mail,
        webhooks: Dictionary(
          entry.webhooks.map { ($0.url, $0.secret.value) }, uniquingKeysWith: { $1 }))
    }

    var recipients: [Recipient] {
      mail.map { Recipient(.mail, $0) } + webhooks.keys.sorted().map { Recipient(.webhook, $0) }
    }
  }

  package var mail: MailServer?
  package var platform: Audience
  package var tenants: [TenantID: Audience]

  package init(
    mail: MailServer? = nil, platform: Audience = Audience(name: "platform"),
    tenants: [TenantID: Audience] = [:]
  ) {
    (self.mail, self.platform, self.tenants) = (mail, platform, tenants)
  }

  /// What a configuration says.
  package init(_ document: DirectoryDocument, _ snapshot: DirectorySnapshot) {
    let mail = document.mail.map { entry in
      MailServer(
        url: entry.server, from: entry.from, username: entry.username,
        password: entry.password?.value, requiresTLS: entry.requireTLS,
        trustedCertificates: entry.tlsAuthorities)
    }
    let tenants = snapshot.tenants.map { ($0.id, Audience(name: $0.name, $0.notices)) }
    self.init(
      mail: mail, platform: Audience(name: "platform", document.platform.notices),
      tenants: Dictionary(uniqueKeysWithValues: tenants))
  }

  /// The tenant's people and the operator's; nobody twice.
  package func recipients(for tenant: TenantID?) -> [Recipient] {
    var seen: Set<Recipient> = []
    let all = (tenant.flatMap { tenants[$0] }?.recipients ?? []) + platform.recipients
    return all.filter { recipient in
      (recipient.channel == .webhook || mail != nil) && seen.insert(recipient).inserted
    }
  }

  /// Whether the configuration still names this recipient.
  func names(_ recipient: Recipient, for tenant: TenantID?) -> Bool {
    platform.recipients.contains(recipient)
      || tenant.flatMap { tenants[$0] }?.recipients.contains(recipient) ?? false
  }

  /// The key to sign with; nil when the webhook is not in the configuration any more.
  func secret(of webhook: String, for tenant: TenantID?) -> Secret? {
    tenant.flatMap { tenants[$0]?.webhooks[webhook] } ?? platform.webhooks[webhook]
  }

  func name(of tenant: TenantID?) -> String {
    tenant.flatMap { tenants[$0]?.name } ?? platform.name
  }
}
