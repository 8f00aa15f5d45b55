import Directory
import Elements
import SIP

/// Finds the secrets that a file leaves out: those in force before, or new ones.
struct SecretKeeper {
  private let previous: DirectoryDocument?
  private var dice: any RandomNumberGenerator
  /// Hashes in force, by tenant, domain and user name.
  private var known: [Account: CredentialHashes] = [:]
  private(set) var generated: [GeneratedSecret] = []

  init(previous: DirectoryDocument?, dice: some RandomNumberGenerator) {
    (self.previous, self.dice) = (previous, dice)
    for tenant in previous?.tenants ?? [] {
      let realm = Realm(tenant: tenant.name, domain: tenant.domain.lowercased())
      for device in tenant.devices + tenant.extensions.flatMap(\.devices) {
        known[Account(realm: realm, username: device.username)] = device.hashes
      }
    }
  }

  /// A tenant as far as secrets need it.
  struct Realm: Hashable {
    let tenant: String
    let domain: String
  }

  private struct Account: Hashable {
    let realm: Realm
    let username: String
  }

  /// The hashes of a device: of the given password, those in force, or of a new one.
  mutating func hashes(for username: String, password: Field?, in realm: Realm) -> CredentialHashes
  {
    if let password = password?.text() {
      return Self.hashes(username, password, realm.domain)
    }
    // HA1 holds the realm: another domain needs another hash.
    let folded = Realm(tenant: realm.tenant, domain: realm.domain.lowercased())
    if let hashes = known[Account(realm: folded, username: username)] { return hashes }
    let made = newPassword()
    generated.append(
      GeneratedSecret(
        purpose: .device, tenant: realm.tenant, realm: realm.domain, name: username, value: made))
    return Self.hashes(username, made, realm.domain)
  }

  /// The key of a webhook: the given one, the one in force, or a new one.
  mutating func webhookSecret(_ url: String, given: Field?, tenant: String?) -> SecretText {
    if let given, let text = given.text() {
      if WebhookKey.isBroken(text) {
        given.report(
          "behind \(WebhookKey.prefix) stand \(WebhookKey.fewestBytes) bytes or more as base64; leave it "
            + "out to have one made")
      }
      return SecretText(Secret(text))
    }
    let notices =
      tenant.map { name in previous?.tenants.first { $0.name == name }?.notices }
      ?? previous?.platform.notices
    if let known = notices?.webhooks.first(where: { $0.url == url }) { return known.secret }
    let made = newWebhookSecret()
    generated.append(
      GeneratedSecret(purpose: .webhook, tenant: tenant, realm: "", name: url, value: made))
    return SecretText(Secret(made))
  }

  /// The password for a carrier in force; nobody but the carrier can make one.
  func trunkPassword(_ trunk: String, username: String) -> SecretText? {
    let entry = previous?.trunks.first { $0.name == trunk }
    return [entry?.registration?.credentials, entry?.credentials].lazy.compactMap { $0 }
      .first { $0.username == username }?.password
  }

  func mailPassword(username: String) -> SecretText? {
    previous?.mail.flatMap { $0.username == username ? $0.password : nil }
  }

  private mutating func newPassword() -> String {
    func make(_ dice: inout some RandomNumberGenerator) -> String {
      SecretMaker.password(using: &dice)
    }
    return make(&dice)
  }

  private mutating func newWebhookSecret() -> String {
    func make(_ dice: inout some RandomNumberGenerator) -> String {
      SecretMaker.webhookSecret(using: &dice)
    }
    return make(&dice)
  }

  /// RFC 7616 §3.4.2, in the realm as phones will be told it: the domain in lower case.
  static func hashes(_ username: String, _ password: String, _ domain: String) -> CredentialHashes {
    func hash(_ algorithm: DigestAlgorithm) -> Secret {
      Secret(
        DigestSecrets.hash(
          user: Array(username.utf8), realm: Array(domain.lowercased().utf8),
          password: Secret(password), algorithm: algorithm))
    }
    return CredentialHashes(
      md5: hash(.md5), sha256: hash(.sha256), sha512256: hash(.sha512Half))
  }
}
