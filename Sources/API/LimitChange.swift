/// One limit by the name of its option of `martinet limits set`.
package enum LimitOption: String, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
  case hour, day, month, call
  case internationalHour = "international-hour"
  case internationalDay = "international-day"
  case internationalMonth = "international-month"
  case attemptsPerHour = "attempts-per-hour"
  case concurrent
  case pricePerMinute = "price-per-minute"
  case connectionFee = "connection-fee"
  case prepaid, basis, release, habits
}

/// Limits to be changed, each with what a person wrote behind its option; what is not named stays as it is.
///
/// A value is what the configuration file would have, or one of two words: `none` takes the limit away,
/// `default` puts the one in force that holds where nothing is said.
package struct LimitChange: Codable, Sendable, Hashable {
  package static let none = "none"
  package static let usual = "default"

  package var values: [LimitOption: String]

  package init(_ values: [LimitOption: String] = [:]) {
    self.values = values
  }

  /// Whether nothing would change.
  package var isEmpty: Bool { values.isEmpty }
}
