/// The keys of one mapping of the file.
struct KeySet: Sendable {
  /// How messages and the manual call the mapping.
  let name: String
  let keys: [String]

  init(_ name: String, _ keys: String...) {
    (self.name, self.keys) = (name, keys)
  }

  init(_ name: String, _ keys: [String]) {
    (self.name, self.keys) = (name, keys)
  }
}

/// Every key of version 1; docs/administrator/configuration.md explains each, and a test compares.
enum ConfigurationKeys {
  static let root = KeySet(
    "the file", "version", "tenants", "trunks", "rates", "platform", "mail")
  static let tenant = KeySet(
    "a tenant", "name", "domain", "timezone", "country", "currency", "limits", "extension_limits",
    "destinations", "outside_line", "emergency", "extensions", "devices", "numbers", "trunks",
    "emergency_trunks", "rates", "notices", "caller_id", "srtp", "codecs", "session_timer",
    "retention", "sources", "source_countries")
  static let line = KeySet(
    "an extension", "number", "name", "username", "password", "sources", "source_countries",
    "devices", "limits", "destinations", "forwards", "caller_id", "ring", "srtp", "codecs")
  static let lineDevice = KeySet(
    "a device", "username", "name", "password", "sources", "source_countries")
  static let tenantDevice = KeySet(
    "a device", "username", "name", "password", "sources", "source_countries", "extensions")
  static let number = KeySet(
    "a number", "number", "first", "last", "to", "order", "ring", "last_digits")
  static let step = KeySet("a step", "extensions", "ring")
  static let forwards = KeySet(
    "forwards", "always", "busy", "no_answer", "no_answer_after", "not_registered", "by_phone")
  static let tenantCallerID = KeySet("caller_id", "number", "withhold", "foreign")
  static let lineCallerID = KeySet("caller_id", "number", "withhold", "allowed")
  static let limits = KeySet(
    "limits", "spend", "international", "attempts_per_hour", "concurrent", "price_per_minute",
    "connection_fee", "prepaid", "basis", "release", "habits")
  static let spend = KeySet("spend", "hour", "day", "month", "call")
  static let international = KeySet("international", "hour", "day", "month")
  static let destinations = KeySet(
    "destinations",
    ["international", "allow", "deny"] + DestinationReader.classNames)
  static let tenantRates = KeySet("rates", "sell", "purchase")
  static let trunkRates = KeySet("rates", "purchase")
  static let notices = KeySet("notices", "mail", "webhooks")
  static let webhook = KeySet("a webhook", "url", "secret")
  static let sessionTimer = KeySet("session_timer", "expires", "minimum")
  static let trunk = KeySet(
    "a trunk", "name", "address", "channels", "register", "credentials", "sources",
    "client_certificate", "present_certificate", "number_format", "prefix", "country", "identity",
    "probe", "timeout_ms", "progress_timeout",
    "rates", "limits", "srtp", "codecs", "session_timer")
  static let register = KeySet(
    "register", "username", "password", "realm", "address_of_record", "expires")
  static let credentials = KeySet("credentials", "username", "password", "realm")
  static let rates = KeySet("rates", "name", "file", "currency", "timezone")
  static let platform = KeySet(
    "platform", "limits", "currency", "notices", "retention", "never_ban", "countries",
    "edge")
  static let edge = KeySet(
    "edge", "wrong_users", "wrong_passwords", "probes", "ban_seconds", "strangers_per_second",
    "calls_per_second", "known_hours")
  static let retention = KeySet("retention", "call_records", "alerts")
  static let mail = KeySet(
    "mail", "server", "from", "username", "password", "require_tls", "tls_authorities")

  static let all = [
    root, tenant, line, lineDevice, tenantDevice, number, step, forwards, tenantCallerID,
    lineCallerID, limits, spend, international, destinations, tenantRates, trunkRates, notices,
    webhook, sessionTimer, trunk, register, credentials, rates, platform, mail, retention,
    edge,
  ]
}
