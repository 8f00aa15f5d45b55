/// What kind of number it is: decides, with the country, whether it may be called.
///
/// The raw values are those of the generated table (Scripts/numbering.py).
package enum DestinationClass: UInt8, Hashable, Sendable, CaseIterable {
  /// In no numbering plan: unallocated, too short or too long. The classic range of fraud.
  case invalid = 0
  case geographic = 1
  case mobile = 2
  /// Plans that do not tell the two apart: North America and some islands.
  case geographicOrMobile = 3
  case tollFree = 4
  case premium = 5
  case sharedCost = 6
  case voip = 7
  case personal = 8
  case pager = 9
  /// Universal access number: a company under one number in the whole country.
  case universalAccess = 10
  case voicemail = 11
  /// Satellite and the networks of no country: +870, +881, +882, +883.
  case satellite = 12
  /// A short number of the country at an ordinary or unknown price; free and premium ones have those classes.
  case shortCode = 13
  case emergency = 14

  /// As configuration and records write it.
  package var name: String {
    switch self {
    case .invalid: "invalid"
    case .geographic: "geographic"
    case .mobile: "mobile"
    case .geographicOrMobile: "geographic_or_mobile"
    case .tollFree: "toll_free"
    case .premium: "premium"
    case .sharedCost: "shared_cost"
    case .voip: "voip"
    case .personal: "personal"
    case .pager: "pager"
    case .universalAccess: "universal_access"
    case .voicemail: "voicemail"
    case .satellite: "satellite"
    case .shortCode: "short_code"
    case .emergency: "emergency"
    }
  }

  /// Dear by its kind, or of a kind that nobody can price: such numbers are a habit of their own in each country.
  package var isDear: Bool {
    switch self {
    case .premium, .sharedCost, .satellite, .invalid, .personal: true
    case .geographic, .mobile, .geographicOrMobile, .tollFree, .voip, .pager, .universalAccess,
      .voicemail, .shortCode, .emergency:
      false
    }
  }
}
