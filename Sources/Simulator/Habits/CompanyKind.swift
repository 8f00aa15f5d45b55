import Guard

/// Eleven kinds of company, as different in their calling as customers of a telephone system are.
package enum CompanyKind: String, Sendable, CaseIterable {
  case office
  case lawFirm = "law firm"
  case callCentre = "call centre"
  case hotel
  case school
  case hospital
  case shopChain = "shop chain"
  case exporter
  case nightLogistics = "night logistics"
  case holidayBusiness = "holiday business"
  case flatRate = "flat rate"

  /// The numbers that make a kind what it is.
  struct Profile {
    var staff: Int
    /// Hours of a working day, and of Saturday and Sunday; an hour above 24 is of the next day.
    var hours: Range<Int>
    var saturday: Range<Int>?
    var sunday: Range<Int>?
    /// Paid calls of one person in a working hour, in hundredths.
    var callsPerHour: Int
    /// Of a thousand calls so many go abroad.
    var abroad: Int
    var partners: [CallPrices.Destination]
    /// Median of the talking, in seconds.
    var talk: Int
    /// New countries that somebody begins to work with, in hundredths a month.
    var newPartners: Int
    /// Calls of people to anywhere, in hundredths a month for each.
    var curiosity: Int
    /// Of a hundred people so many travel in a month, and so many have a forward of their own.
    var travelling: Int
    var forwarding: Int
    /// Percent of usual for each month of the year.
    var season: [Int]
    var limitPerDay: Int64
    var keepsHolidays: Bool
    /// Minutes at home cost nothing.
    var hasFlatRate = false
  }

  var profile: Profile {
    let even = [100, 100, 100, 95, 100, 100, 85, 45, 100, 105, 105, 90]
    let near = CallPrices.near
    let far = CallPrices.far
    switch self {
    case .office:
      return Profile(
        staff: 25, hours: 9..<18, callsPerHour: 90, abroad: 30, partners: Array(near.prefix(4)),
        talk: 120, newPartners: 30, curiosity: 8, travelling: 5, forwarding: 12, season: even,
        limitPerDay: 10_000_000, keepsHolidays: true)
    case .lawFirm:
      return Profile(
        staff: 12, hours: 9..<20, callsPerHour: 110, abroad: 80,
        partners: Array(near[..<6] + far[..<2]), talk: 280, newPartners: 90, curiosity: 12,
        travelling: 12, forwarding: 25, season: even, limitPerDay: 20_000_000, keepsHolidays: true)
    case .callCentre:
      return Profile(
        staff: 20, hours: 9..<21, saturday: 10..<15, callsPerHour: 800, abroad: 2,
        partners: Array(near.prefix(2)), talk: 60, newPartners: 10, curiosity: 2, travelling: 0,
        forwarding: 0, season: [100, 110, 100, 100, 100, 95, 85, 60, 105, 120, 140, 120],
        limitPerDay: 40_000_000, keepsHolidays: true)
    case .hotel:
      return Profile(
        staff: 70, hours: 7..<25, saturday: 7..<25, sunday: 7..<25, callsPerHour: 6, abroad: 420,
        partners: near + Array(far[..<8]), talk: 200, newPartners: 0, curiosity: 25, travelling: 0,
        forwarding: 2, season: [60, 65, 85, 110, 110, 130, 170, 180, 130, 100, 65, 80],
        limitPerDay: 20_000_000, keepsHolidays: false)
    case .school:
      return Profile(
        staff: 30, hours: 8..<17, callsPerHour: 40, abroad: 8, partners: Array(near.prefix(3)),
        talk: 110, newPartners: 8, curiosity: 3, travelling: 1, forwarding: 3,
        season: [100, 105, 100, 70, 105, 90, 12, 4, 140, 105, 100, 70], limitPerDay: 10_000_000,
        keepsHolidays: true)
    case .hospital:
      return Profile(
        staff: 60, hours: 0..<24, saturday: 0..<24, sunday: 0..<24, callsPerHour: 35, abroad: 6,
        partners: Array(near.prefix(3)), talk: 100, newPartners: 15, curiosity: 3, travelling: 1,
        forwarding: 15, season: [115, 110, 100, 100, 100, 95, 90, 85, 95, 100, 105, 110],
        limitPerDay: 10_000_000, keepsHolidays: false)
    case .shopChain:
      return Profile(
        staff: 35, hours: 10..<21, saturday: 10..<21, callsPerHour: 50, abroad: 10,
        partners: Array(near.prefix(3)) + [CallPrices.far[1]], talk: 80, newPartners: 15,
        curiosity: 4, travelling: 2, forwarding: 6,
        season: [130, 80, 90, 95, 100, 105, 120, 80, 95, 100, 150, 190], limitPerDay: 10_000_000,
        keepsHolidays: true)
    case .exporter:
      return Profile(
        staff: 20, hours: 8..<20, callsPerHour: 120, abroad: 450, partners: near + far,
        talk: 240, newPartners: 150, curiosity: 15, travelling: 20, forwarding: 20, season: even,
        limitPerDay: 60_000_000, keepsHolidays: true)
    case .nightLogistics:
      return Profile(
        staff: 24, hours: 21..<31, saturday: 21..<27, callsPerHour: 160, abroad: 250,
        partners: Array(near[..<8]) + [far[17], far[13]], talk: 70,
        newPartners: 60, curiosity: 4, travelling: 2, forwarding: 10,
        season: [90, 95, 100, 100, 100, 100, 100, 80, 105, 115, 130, 140],
        limitPerDay: 30_000_000, keepsHolidays: false)
    case .holidayBusiness:
      return Profile(
        staff: 30, hours: 8..<22, saturday: 8..<22, sunday: 9..<20, callsPerHour: 60, abroad: 300,
        partners: Array(near.prefix(10)), talk: 150, newPartners: 20, curiosity: 8, travelling: 3,
        forwarding: 10, season: [10, 15, 40, 90, 130, 180, 240, 250, 150, 60, 12, 15],
        limitPerDay: 20_000_000, keepsHolidays: false)
    case .flatRate:
      return Profile(
        staff: 25, hours: 9..<18, callsPerHour: 90, abroad: 8, partners: Array(near.prefix(4)),
        talk: 120, newPartners: 30, curiosity: 8, travelling: 5, forwarding: 12, season: even,
        limitPerDay: 10_000_000, keepsHolidays: true, hasFlatRate: true)
    }
  }
}
