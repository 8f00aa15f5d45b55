package import Elements

/// The price for one number at one moment.
package struct RateQuote: Hashable, Sendable {
  /// The prefix that matched.
  package let prefix: String
  /// The name that the deck gives the destination.
  package let destination: String
  package let tariff: Tariff
}

/// Prices by longest prefix of the E.164 number, immutable; made by ``RateDeckParser``.
package struct RateDeck: Sendable {
  package static let empty = RateDeck()

  /// Rows in the deck.
  package let count: Int

  init() { count = 0 }

  /// The price of `digits` (E.164 without plus) at `time`; nil where no row matches.
  ///
  /// Hours of the rows with times of day are counted in `zone`.
  package func quote(
    for digits: Span<UInt8>, at time: WallTime, zone: TimeZoneRules = .utc
  ) -> RateQuote? { nil }

  /// The same for text.
  package func quote(
    for number: some StringProtocol, at time: WallTime, zone: TimeZoneRules = .utc
  ) -> RateQuote? { nil }
}

/// What is wrong with one field of a rate deck, and how to mend it.
package struct RateDeckError: Error, Hashable, CustomStringConvertible {
  /// From 1; the header line is line 1.
  package let line: Int
  package let field: String
  package let reason: String

  package init(line: Int, field: String, reason: String) {
    (self.line, self.field, self.reason) = (line, field, reason)
  }

  package var description: String { "line \(line), \(field): \(reason)" }
}

/// All that is wrong with a rate deck, up to ``RateDeckParser/mostErrors``.
package struct RateDeckErrors: Error, Hashable, CustomStringConvertible {
  package let errors: [RateDeckError]
  /// How many there are in all.
  package let total: Int

  package var description: String {
    let more = total > errors.count ? ["… and \(total - errors.count) more"] : []
    return (errors.map(\.description) + more).joined(separator: "\n")
  }
}

/// Reads a rate deck from CSV bytes; the header line names the columns, in any order.
///
/// Needed: `prefix`, `price_per_minute`. Taken: `destination`, `connection_fee`, `minimum_s`,
/// `increment_s`, `free_s`, `rounding`, `currency`, `valid_from`, `valid_until`, `days`, `from_time`,
/// `to_time`.
package struct RateDeckParser: Sendable {
  package static let mostErrors = 50

  /// Currency of rows that name none.
  package let currency: Currency

  package init(currency: Currency = .eur) {
    self.currency = currency
  }

  package func parse(_ bytes: [UInt8]) throws(RateDeckErrors) -> RateDeck { .empty }
}
