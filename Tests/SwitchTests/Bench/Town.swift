import Directory
import Elements
import Limits
import SIP

@testable import Switch

/// The customers, phones, trunks and prices of the tests, as an operator would have applied them.
struct Town {
  static let domain = "office.example"
  static let otherDomain = "shop.example"
  static let password = "only in tests"
  static let ddi = "+34976111222"
  static let groupDDI = "+34976111333"

  var document = DirectoryDocument()
  /// What customers pay.
  var retail = """
    prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
    34,Spain,0,0.06,0,1
    44,United Kingdom,0.10,0.60,0,60
    882,Satellite,0.50,2,60,60

    """
  var wholesale: String?
  var countries = CountryTable.empty

  init() {
    document.platform.currency = "EUR"
    var office = TenantEntry(name: "office", domain: Self.domain, country: "ES")
    office.timezone = "UTC"
    office.destinations.international = .allow
    office.destinations.allow = ["+882"]
    office.destinations.classes = ["satellite": .allow]
    office.extensions = ["101", "102", "103", "104"].map { line($0, Self.domain) }
    office.extensions[0].callerID.number = Self.ddi
    office.numbers = [
      NumberEntry(first: Self.ddi, steps: [RingStepEntry(extensions: ["101"], seconds: 30)]),
      NumberEntry(
        first: Self.groupDDI,
        steps: [
          RingStepEntry(extensions: ["101", "102"], seconds: 10),
          RingStepEntry(extensions: ["103"], seconds: 10),
        ]),
    ]
    office.trunks = ["carrier", "spare"]
    office.rates = TenantRates(sell: "retail")
    var shop = TenantEntry(name: "shop", domain: Self.otherDomain, country: "ES")
    shop.extensions = ["101", "102"].map { line($0, Self.otherDomain) }
    shop.trunks = ["carrier"]
    shop.rates = TenantRates(sell: "retail")
    document.tenants = [office, shop]
    var carrier = TrunkEntry(name: "carrier", address: "sip:192.0.2.50:5060;transport=udp")
    carrier.channels = 100
    carrier.probeSeconds = 0
    var spare = TrunkEntry(name: "spare", address: "sip:192.0.2.51:5060;transport=udp")
    spare.probeSeconds = 0
    document.trunks = [carrier, spare]
    document.rates = [
      RateEntry(name: "retail", currency: "EUR", file: "retail.csv", table: "")
    ]
  }

  func line(_ number: String, _ domain: String) -> ExtensionEntry {
    var line = ExtensionEntry(number: number, name: "Line \(number)")
    let user = Array(number.utf8)
    let hash = { (algorithm: DigestAlgorithm) in
      Secret(
        DigestSecrets.hash(
          user: user, realm: Array(domain.utf8), password: Secret(Self.password),
          algorithm: algorithm))
    }
    line.devices = [
      DeviceEntry(
        username: number, name: "Phone \(number)",
        hashes: CredentialHashes(
          md5: hash(.md5), sha256: hash(.sha256), sha512256: hash(.sha512Half)))
    ]
    return line
  }

  /// Changes one extension of the office.
  mutating func office(_ number: String, _ change: (inout ExtensionEntry) -> Void) {
    guard let index = document.tenants[0].extensions.firstIndex(where: { $0.number == number })
    else { return }
    change(&document.tenants[0].extensions[index])
  }

  mutating func rulebook(revision: UInt64 = 1) throws -> Rulebook {
    var decks = ["retail": try RateDeckParser().parse(Array(retail.utf8))]
    document.rates = [
      RateEntry(name: "retail", currency: "EUR", file: "retail.csv", table: retail)
    ]
    if let wholesale {
      decks["wholesale"] = try RateDeckParser().parse(Array(wholesale.utf8))
      document.rates.append(
        RateEntry(name: "wholesale", currency: "EUR", file: "wholesale.csv", table: wholesale))
    }
    document.platform.countries = countries.isEmpty ? nil : ["countries.csv"]
    let directory = try DirectoryCompiler.compile(
      &document, revision: revision, countries: countries)
    return Rulebook(directory: directory, decks: decks, appliedBy: "anna")
  }
}
