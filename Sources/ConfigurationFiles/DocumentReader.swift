import Directory
import Elements
import Foundation
import Yams

/// Reads the top of the file.
struct DocumentReader {
  let file: ConfigurationFile
  let root: Field
  /// Rate decks in force, for those whose file is left out.
  let decks: [RateEntry]

  /// The document, and what the files say that its `countries` name.
  func read(_ secrets: inout SecretKeeper) -> (DirectoryDocument, CountryTable) {
    var document = DirectoryDocument()
    var countries = CountryTable.empty
    guard let mapping = root.mapping(ConfigurationKeys.root) else { return (document, countries) }
    if let version = mapping.required("version")?.wholeNumber(), version != 1 {
      mapping["version"]?.report("this program reads version 1, found \(version)")
    }
    let currency = mapping["platform"]?.node["currency"]?.scalar?.string ?? "EUR"
    let rates = RateReader(file: file, currency: currency, inForce: decks)
    for field in mapping["rates"]?.list(namedBy: "name") ?? [] {
      if let rate = rates.read(field) { document.rates.append(rate) }
    }
    for field in mapping["trunks"]?.list(namedBy: "name") ?? [] {
      if let trunk = TrunkReader.read(field, secrets) { document.trunks.append(trunk) }
    }
    for field in mapping["tenants"]?.list(namedBy: "name") ?? [] {
      if let tenant = TenantReader.read(field, currency, &secrets) {
        document.tenants.append(tenant)
      }
    }
    if let platform = mapping["platform"]?.mapping(ConfigurationKeys.platform) {
      document.platform.currency = currency
      document.platform.limits =
        LimitReader(base: LimitEntry(), level: .platform).read(platform["limits"])
      document.platform.notices = NoticeReader.read(
        platform["notices"], tenant: nil, &secrets)
      document.platform.retention = RetentionReader.read(platform["retention"])
      let spared = platform.texts("never_ban")
      document.platform.neverBan = spared.isEmpty ? nil : spared
      document.platform.edge = EdgeReader.read(platform["edge"])
      (document.platform.countries, countries) = CountriesReader.read(platform["countries"])
    }
    document.mail = mail(mapping["mail"], secrets)
    return (document, countries)
  }

  private func mail(_ field: Field?, _ secrets: SecretKeeper) -> MailEntry? {
    guard let mapping = field?.mapping(ConfigurationKeys.mail),
      let server = mapping.required("server")?.text(), let from = mapping.required("from")?.text()
    else { return nil }
    let username = mapping.text("username")
    var password = mapping.text("password").map { SecretText(Secret($0)) }
    if let username, password == nil { password = secrets.mailPassword(username: username) }
    return MailEntry(
      server: server, from: from, username: username, password: password,
      requireTLS: mapping["require_tls"]?.truth() ?? false,
      tlsAuthorities: mapping["tls_authorities"].flatMap(certificates))
  }

  /// The path of a PEM file, as it is opened again for each mail.
  private func certificates(_ field: Field) -> String? {
    guard let path = field.text() else { return nil }
    guard path.hasPrefix("/") else {
      field.report("write the whole path, from / on: the server reads it, wherever it runs")
      return nil
    }
    let text = FileManager.default.contents(atPath: path).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard let text, text.contains("-----BEGIN CERTIFICATE-----") else {
      field.report("there is no readable PEM file with a certificate at \(path)")
      return nil
    }
    return path
  }
}

/// Reads who is told.
enum NoticeReader {
  static func read(
    _ field: Field?, tenant: String?, _ secrets: inout SecretKeeper
  ) -> NoticeEntry {
    var notices = NoticeEntry()
    guard let mapping = field?.mapping(ConfigurationKeys.notices) else { return notices }
    notices.mail = mapping.texts("mail")
    for field in mapping["webhooks"]?.list(namedBy: "url") ?? [] {
      guard let webhook = field.mapping(ConfigurationKeys.webhook),
        let url = webhook.required("url")?.text()
      else { continue }
      let secret = secrets.webhookSecret(url, given: webhook["secret"], tenant: tenant)
      notices.webhooks.append(WebhookEntry(url: url, secret: secret))
    }
    return notices
  }
}
