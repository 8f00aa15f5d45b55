import Directory
import Elements
import Limits
import SIP
import Switch

/// A customer with a thousand extensions, a carrier and a price: as in `compare.py`.
enum Customer {
  static let domain = "bench.example"
  static let extensions = 1_000

  static func user(_ number: Int) -> String { "\(1_000 + number)" }

  /// HA1 of an extension's only phone.
  static func secret(_ number: Int, _ algorithm: DigestAlgorithm = .md5) -> [UInt8] {
    let user = user(number)
    return DigestSecrets.hash(
      user: Array(user.utf8), realm: Array(domain.utf8), password: Secret("bench-\(user)-secret"),
      algorithm: algorithm)
  }

  static func rulebook() throws -> Rulebook {
    let prices = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      44,United Kingdom,0,0.01,1,1

      """
    var document = DirectoryDocument()
    document.platform.currency = "EUR"
    var tenant = TenantEntry(name: "bench", domain: domain, country: "ES")
    tenant.timezone = "Europe/Madrid"
    tenant.destinations.international = .allow
    tenant.limits = limits
    tenant.extensions = (0..<extensions).map { number in
      var line = ExtensionEntry(number: user(number), name: "Line \(number)")
      line.limits = limits
      line.devices = [
        DeviceEntry(
          username: user(number), name: "Phone \(number)",
          hashes: CredentialHashes(
            md5: Secret(secret(number)), sha256: Secret(secret(number, .sha256)),
            sha512256: Secret(secret(number, .sha512Half))))
      ]
      return line
    }
    tenant.trunks = ["carrier"]
    tenant.rates = TenantRates(sell: "rates")
    document.tenants = [tenant]
    var trunk = TrunkEntry(name: "carrier", address: "sip:192.0.2.50:5060;transport=udp")
    (trunk.channels, trunk.probeSeconds) = (100_000, 0)
    document.trunks = [trunk]
    document.rates = [RateEntry(name: "rates", currency: "EUR", file: "rates.csv", table: prices)]
    let directory = try DirectoryCompiler.compile(&document, revision: 1)
    let deck = try RateDeckParser().parse(Array(prices.utf8))
    return Rulebook(directory: directory, decks: ["rates": deck])
  }

  /// High enough to be in nobody's way.
  private static var limits: LimitEntry {
    var limits = LimitEntry()
    limits.spend = SpendEntry(
      hourMicros: 900_000_000_000, dayMicros: 900_000_000_000, monthMicros: 900_000_000_000)
    limits.international = CountEntry(hour: 900_000, day: 900_000, month: 900_000)
    (limits.attemptsPerHour, limits.concurrent) = (900_000, 100_000)
    return limits
  }
}
