import Guard

/// What a minute to a country costs in the simulated companies, and how near and how usual the countries are.
enum CallPrices {
  typealias Destination = PaidCall.Destination

  static let home = Destination(country: code("ES"))
  /// Shared cost numbers at home: switchboards, hotlines.
  static let hotlines = Destination(country: code("ES"), isSpecial: true)

  static let near = destinations("FR PT DE GB IT NL BE CH AT PL RO SE IE DK NO CZ AD")
  static let far = destinations("US CN IN MX BR AR JP AU CO PE CL CA AE TR SA EG ZA MA RU UA")
  /// Where honest people call, too, now and then, and where a minute is dear.
  static let remote = destinations("DZ SN NG GH CM CI TN KE PK BD VN PH DO BO EC VE")
  /// Ranges that thieves share the income of.
  static let hired = destinations("SO CU GM SL MV TO NR PG MG GN TD CF LV ZW BY AZ")

  private static func code(_ letters: some StringProtocol) -> UInt16 {
    letters.utf8.reduce(0) { $0 << 8 | UInt16($1) }
  }

  private static func destinations(_ codes: String) -> [Destination] {
    codes.split(separator: " ").map { Destination(country: code($0)) }
  }

  static func pricePerMinute(_ destination: Destination) -> Int64 {
    if destination == home { return 25_000 }
    if destination == hotlines { return 120_000 }
    // Each country its own price within its kind, the same in every run.
    let spread = Int64(destination.country) * 7_919 % 100
    if near.contains(destination) { return 40_000 + spread * 600 }
    if far.contains(destination) { return 60_000 + spread * 2_000 }
    if remote.contains(destination) { return 250_000 + spread * 3_500 }
    return 450_000 + spread * 8_000
  }

  static func letters(_ destination: Destination) -> String {
    let code = destination.country
    let bytes = [UInt8(truncatingIfNeeded: code >> 8), UInt8(truncatingIfNeeded: code)]
    return String(decoding: bytes, as: UTF8.self) + (destination.isSpecial ? " special" : "")
  }
}
