import Directory
import Elements
import Limits
import SIP
import Switch

/// The customers, phones, trunks, prices and limits of one world, drawn from its seed.
struct Town {
  static let domains = ["office.example", "shop.example"]
  static let password = "only in a simulated world"
  static let switchEndpoint = Endpoint(IPAddress(v4: 0xC000_0201), 5060)

  /// What a carrier takes for a prefix, and what we ask for it.
  struct Price {
    let prefix: String
    let sell: CarrierTariff
    /// By trunk.
    let purchase: [CarrierTariff]
  }

  var document = DirectoryDocument()
  var prices: [Price]
  /// Extension numbers of both tenants: the first half belongs to the office.
  let lines: [(tenant: Int, number: String)]
  private var revision: UInt64 = 0
  private let decks: [String: RateDeck]

  init(_ options: Options, dice: inout SplitMix) throws {
    prices = Self.prices(dice: &dice)
    // Behind the customers' lines two that nothing happens to until everything has healed.
    lines = (0..<options.extensions + 2).map { index in
      (index % 3 == 2 && index < options.extensions ? 1 : 0, String(101 + index))
    }
    decks = [
      "retail": try Self.deck(prices.map { ($0.prefix, $0.sell) }),
      "first": try Self.deck(prices.map { ($0.prefix, $0.purchase[0]) }),
      "second": try Self.deck(prices.map { ($0.prefix, $0.purchase[1]) }),
    ]
    document.platform.currency = "EUR"
    document.rates = decks.keys.sorted().map {
      RateEntry(name: $0, currency: "EUR", file: "\($0).csv", table: "")
    }
    document.tenants = Self.domains.indices.map { tenant($0, dice: &dice) }
    document.trunks = [trunk("first", 50, dice: &dice), trunk("second", 51, dice: &dice)]
  }

  private func tenant(_ index: Int, dice: inout SplitMix) -> TenantEntry {
    var tenant = TenantEntry(
      name: index == 0 ? "office" : "shop", domain: Self.domains[index], country: "ES")
    tenant.destinations.international = .allow
    tenant.destinations.allow = ["+882"]
    tenant.destinations.classes = ["satellite": .allow]
    tenant.rates = TenantRates(sell: "retail")
    tenant.trunks = dice.chance(1, in: 2) ? ["first", "second"] : ["second", "first"]
    tenant.limits.basis = [nil, .sell, .purchase, .max].randomElement(using: &dice) ?? nil
    if dice.chance(1, in: 3) {
      tenant.limits.spend.dayMicros = Int64.random(in: 3...30, using: &dice) * 1_000_000
    }
    for (line, entry) in lines.enumerated() where entry.tenant == index {
      tenant.extensions.append(self.line(line, entry.number, Self.domains[index], dice: &dice))
      tenant.numbers.append(
        NumberEntry(
          first: Self.ownNumber(line),
          steps: [RingStepEntry(extensions: [entry.number], seconds: 20)]))
    }
    return tenant
  }

  private func line(
    _ index: Int, _ number: String, _ domain: String, dice: inout SplitMix
  ) -> ExtensionEntry {
    var line = ExtensionEntry(number: number, name: "Line \(number)")
    line.ringSeconds = Int.random(in: 10...40, using: &dice)
    line.limits = index < lines.count - 2 ? Self.limits(dice: &dice) : LimitEntry()
    line.callerID.number = Self.ownNumber(index)
    line.devices = [
      DeviceEntry(username: number, name: "Phone", hashes: Self.hashes(number, domain))
    ]
    line.forwards.byPhone = dice.chance(1, in: 4)
    if dice.chance(1, in: 8) { line.forwards.notRegistered = Self.forwardNumber(index) }
    return line
  }

  /// The limits of an account: money always, the rest in some worlds.
  static func limits(dice: inout SplitMix) -> LimitEntry {
    var limits = LimitEntry()
    limits.spend = SpendEntry(dayMicros: Int64.random(in: 1...20, using: &dice) * 500_000)
    if dice.chance(1, in: 3) {
      limits.spend.hourMicros = Int64.random(in: 1...10, using: &dice) * 500_000
    }
    if dice.chance(1, in: 3) {
      limits.international = CountEntry(hour: Int64.random(in: 1...10, using: &dice), day: 30)
    }
    if dice.chance(1, in: 3) { limits.concurrent = Int64.random(in: 1...8, using: &dice) }
    if dice.chance(1, in: 4) { limits.attemptsPerHour = Int64.random(in: 5...40, using: &dice) }
    if dice.chance(1, in: 6) { limits.spend.callMicros = 2_000_000 }
    if dice.chance(1, in: 5) { limits.releases = [.hour, .day] }
    return limits
  }

  private func trunk(_ name: String, _ host: Int, dice: inout SplitMix) -> TrunkEntry {
    var trunk = TrunkEntry(name: name, address: "sip:192.0.2.\(host):5060;transport=udp")
    trunk.channels = dice.chance(1, in: 4) ? Int.random(in: 1...6, using: &dice) : 100
    trunk.probeSeconds = dice.chance(1, in: 2) ? 30 : 0
    trunk.purchase = name
    if dice.chance(1, in: 5) {
      trunk.limits.spend.dayMicros = Int64.random(in: 5...40, using: &dice) * 1_000_000
    }
    return trunk
  }

  /// The number from outside that rings a line.
  static func ownNumber(_ line: Int) -> String { "+34976111\(200 + line)" }

  /// Where the calls of a line go when no phone of it is there, and where a phone that redirects wants them.
  static func forwardNumber(_ line: Int) -> String { "+44207946\(1000 + line)" }
  static func redirectNumber(_ line: Int) -> String { "+8821234566\(100 + line)" }

  /// What the journal may call a number by: itself, or the line that forwards to it.
  func names(of number: String) -> [String] {
    for line in lines.indices
    where number == Self.forwardNumber(line) || number == Self.redirectNumber(line) {
      return [number, lines[line].number, Self.ownNumber(line)]
    }
    return [number]
  }

  private static func hashes(_ user: String, _ domain: String) -> CredentialHashes {
    func hash(_ algorithm: DigestAlgorithm) -> Secret {
      Secret(
        DigestSecrets.hash(
          user: Array(user.utf8), realm: Array(domain.utf8), password: Secret(password),
          algorithm: algorithm))
    }
    return CredentialHashes(
      md5: hash(.md5), sha256: hash(.sha256), sha512256: hash(.sha512Half))
  }

  // MARK: - Prices

  private static func prices(dice: inout SplitMix) -> [Price] {
    var prices = ["34", "44", "882"].map { prefix in
      let dear = prefix == "882"
      let sell = CarrierTariff(dear: dear, dice: &dice)
      // A dearer purchase than sale happens; so does a second carrier that is much dearer.
      return Price(
        prefix: prefix, sell: sell,
        purchase: [
          dice.chance(1, in: 3) ? sell : CarrierTariff(dear: dear, dice: &dice),
          CarrierTariff(dear: dear, dice: &dice),
        ])
    }
    // By dice of its own: the worlds without stay as they are.
    var aside = dice
    if aside.chance(1, in: 4), let flat = CarrierTariff.flat.randomElement(using: &aside) {
      prices[0] = Price(prefix: prices[0].prefix, sell: flat, purchase: [flat, flat])
    }
    return prices
  }

  private static func deck(_ rows: [(String, CarrierTariff)]) throws -> RateDeck {
    var table = "prefix,destination,connection_fee,price_per_minute"
    table += ",minimum_s,increment_s,rounding\n"
    for (prefix, tariff) in rows {
      table += "\(prefix),somewhere,\(decimal(tariff.fee)),\(decimal(tariff.perMinute))"
      table += ",\(tariff.minimumSeconds),\(tariff.incrementSeconds)"
      table += ",\(decimal(tariff.roundingMicros))\n"
    }
    return try RateDeckParser().parse(Array(table.utf8))
  }

  private static func decimal(_ micros: Int64) -> String {
    let fraction = String(micros % 1_000_000)
    return "\(micros / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
  }

  /// What a call to a number costs by either price; nil for numbers without one.
  func price(of number: String) -> Price? {
    prices.first { number.dropFirst().hasPrefix($0.prefix) }
  }

  // MARK: - In force

  /// An operator gives one account other limits.
  mutating func changeLimits(dice: inout SplitMix) {
    let tenant = Int.random(in: 0..<document.tenants.count, using: &dice)
    let lines = document.tenants[tenant].extensions.count - (tenant == 0 ? 2 : 0)
    guard lines > 0 else { return }
    let line = Int.random(in: 0..<lines, using: &dice)
    document.tenants[tenant].extensions[line].limits = Self.limits(dice: &dice)
  }

  /// What customers share may be used up; for the proof that everything works again it is lifted.
  mutating func liftSharedLimits() {
    for index in document.tenants.indices { document.tenants[index].limits.spend = SpendEntry() }
    for index in document.trunks.indices { document.trunks[index].limits = LimitEntry() }
  }

  /// The directory as it is now, under a new revision.
  mutating func rulebook() throws -> Rulebook {
    revision += 1
    let directory = try DirectoryCompiler.compile(&document, revision: revision)
    return Rulebook(directory: directory, decks: decks)
  }
}
