import Elements
import Numbering

extension Compilation {
  static func badCurrency(_ text: String) -> String {
    "\"\(text)\" is not a currency; write three capital letters of ISO 4217, such as EUR"
  }

  /// Letters, digits, dots and hyphens, labels of 1 to 63 characters (RFC 1123 §2.1).
  static func isHostName(_ text: some StringProtocol) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return text.utf8.count <= 253
      && labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
          && label.utf8.allSatisfy {
            (48...57).contains($0) || (97...122).contains($0 | 0x20) || $0 == 45 || $0 == 95
          }
      }
  }

  mutating func checkName(
    _ name: String, _ seen: inout Set<String>, at path: FieldPath, what: String
  ) {
    if name.isEmpty {
      report(path, "the \(what) needs a name")
    } else if name.utf8.count > 64 || name.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
      report(path, "a name has up to 64 characters, and none that cannot be printed")
    } else if !seen.insert(name).inserted {
      report(path, "there are two of \(what) \"\(name)\"; rename one")
    }
  }

  mutating func checkRange(_ value: Int?, _ range: ClosedRange<Int>, at path: FieldPath) {
    guard let value, !range.contains(value) else { return }
    report(path, "\(value) is not from \(range.lowerBound) to \(range.upperBound)")
  }

  mutating func check(_ limits: LimitEntry, at path: FieldPath) {
    let money: [(Int64?, FieldPath)] = [
      (limits.spend.hourMicros, path.key("spend").key("hour")),
      (limits.spend.dayMicros, path.key("spend").key("day")),
      (limits.spend.monthMicros, path.key("spend").key("month")),
      (limits.spend.callMicros, path.key("spend").key("call")),
      (limits.pricePerMinuteMicros, path.key("price_per_minute")),
      (limits.connectionFeeMicros, path.key("connection_fee")),
    ]
    for case (let amount?, let path) in money where !(0...1_000_000_000_000_000).contains(amount) {
      report(path, "an amount is from 0 to 1000000000")
    }
    let counts: [(Int64?, FieldPath)] = [
      (limits.international.hour, path.key("international").key("hour")),
      (limits.international.day, path.key("international").key("day")),
      (limits.international.month, path.key("international").key("month")),
      (limits.attemptsPerHour, path.key("attempts_per_hour")),
      (limits.concurrent, path.key("concurrent")),
    ]
    for case (let count?, let path) in counts where !(0...1_000_000).contains(count) {
      report(path, "\(count) is not from 0 to 1000000")
    }
  }

  mutating func check(_ notices: NoticeEntry, at path: FieldPath) {
    for (index, address) in notices.mail.enumerated() where !Self.isMailAddress(address) {
      report(path.key("mail").item(index), "\"\(address)\" is not a mail address")
    }
    for (index, webhook) in notices.webhooks.enumerated() {
      let path = path.key("webhooks").item(index)
      if !webhook.url.hasPrefix("https://"), !webhook.url.hasPrefix("http://") {
        report(path.key("url"), "\"\(webhook.url)\" does not begin with https:// or http://")
      } else if !isInForce, Self.namesUser(webhook.url) {
        // It would be exported, logged and written into the audit trail.
        report(path.key("url"), "takes no user and password; who calls is proven by the signature")
      }
      if webhook.secret.value.exposed.count < 16 {
        report(
          path.key("secret"), "a secret has 16 characters or more; leave it out to have one made")
      }
    }
  }

  /// Whether somebody and his password stand before the host of a URL.
  private static func namesUser(_ url: String) -> Bool {
    guard let start = url.firstRange(of: "://")?.upperBound else { return false }
    return url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.contains("@")
  }

  /// One `@` between printable characters, and a host name behind it; no line break gets into a header.
  static func isMailAddress(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && parts[0].utf8.count <= 64
      && parts[0].utf8.allSatisfy { (33...126).contains($0) && !"<>()[],;:\\\"".utf8.contains($0) }
      && isHostName(parts[1])
  }

  mutating func check(_ mail: MailEntry, at path: FieldPath) {
    let schemes = ["smtp://", "smtps://"]
    if !isInForce, Self.namesUser(mail.server) {
      report(path.key("server"), "takes no user and password; write them as username and password")
    } else if !schemes.contains(where: { mail.server.hasPrefix($0) && mail.server.count > $0.count }
    ) {
      report(path.key("server"), "write smtp://HOST[:PORT] or smtps://HOST[:PORT]")
    }
    if !Self.isMailAddress(mail.from) {
      report(path.key("from"), "\"\(mail.from)\" is not a mail address")
    }
    if (mail.username == nil) != (mail.password == nil) {
      report(path, "username and password come together")
    }
  }

  mutating func check(_ media: MediaEntry, at path: FieldPath) {
    var seen: Set<String> = []
    for (index, codec) in media.codecs.enumerated() {
      let path = path.key("codecs").item(index)
      let isToken = codec.utf8.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0 | 0x20) || "-._+".utf8.contains($0)
      }
      if codec.isEmpty || codec.utf8.count > 32 || !isToken {
        report(path, "\"\(codec)\" is not the name of a codec")
      } else if !seen.insert(codec.lowercased()).inserted {
        report(path, "\(codec) stands there twice")
      }
    }
  }

  mutating func check(_ retention: RetentionEntry?, at path: FieldPath) {
    guard let retention else { return }
    if let days = retention.callRecordDays {
      checkRange(days, 1...3650, at: path.key("call_records"))
    }
    if let days = retention.alertDays { checkRange(days, 1...3650, at: path.key("alerts")) }
  }

  mutating func check(_ timer: SessionTimerEntry, at path: FieldPath) {
    checkRange(timer.minimum, 90...86_400, at: path.key("minimum"))
    checkRange(timer.expires, min(max(90, timer.minimum), 86_400)...86_400, at: path.key("expires"))
  }

  /// The plan of a country; reports a wrong one.
  mutating func country(_ text: String, at path: FieldPath) -> CountryPlan? {
    if let plan = Region(text).flatMap(CountryPlan.init) { return plan }
    report(path, "\"\(text)\" is not a country; write its two letters of ISO 3166, such as ES")
    return nil
  }

  mutating func networks(_ texts: [String], at path: FieldPath) -> [IPNetwork] {
    var networks: [IPNetwork] = []
    guard texts.count <= Self.mostNetworks else {
      report(
        path,
        "\(texts.count) networks are listed, \(Self.mostNetworks) at most can be; write the wider networks that they are in"
      )
      return []
    }
    for (index, text) in texts.enumerated() {
      if let network = IPNetwork(text) {
        networks.append(network)
      } else {
        report(
          path.item(index), "\"\(text)\" is neither an address nor a network such as 192.0.2.0/24")
      }
    }
    return networks
  }

  /// Each of them is looked at for each request of a phone that has the list.
  private static let mostNetworks = 1_000

  /// The deck must be there, and in `currency` where one is given.
  mutating func checkRate(_ name: String, currency: String?, at path: FieldPath) {
    guard let rate = document.rates.first(where: { $0.name == name }) else {
      report(
        path, "there are no rates \"\(name)\"\(Self.suggestion(name, document.rates.map(\.name)))")
      return
    }
    if let currency, rate.currency != currency {
      report(path, "rates \"\(name)\" are in \(rate.currency), the tenant pays in \(currency)")
    }
  }

  mutating func check(_ entry: DestinationEntry, at path: FieldPath) {
    let names = DestinationClass.allCases.filter { $0 != .emergency }.map(\.name)
    for name in entry.classes.keys.sorted() where !names.contains(name) {
      report(path.key(name), "there is no class \"\(name)\"\(Self.suggestion(name, names))")
    }
    for (name, list) in [("allow", entry.allow), ("deny", entry.deny)] {
      for (index, text) in list.enumerated() {
        let known = PhoneNumber(text) != nil || Region(text).flatMap(CountryPlan.init) != nil
        if !known {
          report(
            path.key(name).item(index),
            "\"\(text)\" is neither a prefix such as \"+44\" nor a country such as GB")
        } else if name == "deny", entry.allow.contains(text) {
          report(path.key(name).item(index), "\"\(text)\" is allowed and denied; keep one")
        }
      }
    }
  }

  /// "; did you mean …?" where a known name is near.
  package static func suggestion(_ name: String, _ known: [String]) -> String {
    guard let nearest = SpellingHint.nearest(to: name, among: known) else {
      return known.isEmpty || known.count > 12 ? "" : "; there is \(known.joined(separator: ", "))"
    }
    return "; did you mean \"\(nearest)\"?"
  }
}
