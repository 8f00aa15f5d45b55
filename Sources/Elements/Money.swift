/// An ISO 4217 currency code: three capital letters.
package struct Currency: Hashable, Sendable, CustomStringConvertible {
  /// The three letters, the first in the highest byte.
  package let code: UInt32

  /// Returns nil unless `text` is three letters A to Z.
  package init?(_ text: some StringProtocol) {
    let letters = Array(text.utf8)
    guard letters.count == 3, letters.allSatisfy({ (65...90).contains($0) }) else { return nil }
    code = letters.reduce(0) { $0 << 8 | UInt32($1) }
  }

  package init(code: UInt32) {
    self.code = code
  }

  package static let eur = Currency(code: 0x45_55_52)

  /// Without a smaller unit (ISO 4217, exponent 0).
  private static let withoutDecimals: Set<String> = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
  ]

  /// Whether amounts of it are whole units, as of the yen.
  package var isWithoutDecimals: Bool { Self.withoutDecimals.contains(description) }

  package var description: String {
    String(
      decoding: [
        UInt8(truncatingIfNeeded: code >> 16), UInt8(truncatingIfNeeded: code >> 8),
        UInt8(truncatingIfNeeded: code),
      ], as: UTF8.self)
  }
}

/// An amount of money in whole micro-units of a currency: 1_000_000 is one euro.
///
/// Sums of two currencies and sums beyond the range are our bugs and stop the process; amounts from
/// outside are checked where they enter (``adding(_:)``).
package struct Money: Hashable, Sendable, CustomStringConvertible {
  package var micros: Int64
  package let currency: Currency

  package init(micros: Int64, _ currency: Currency) {
    (self.micros, self.currency) = (micros, currency)
  }

  package static func zero(_ currency: Currency) -> Money { Money(micros: 0, currency) }

  package static func + (left: Money, right: Money) -> Money {
    invariant(left.currency == right.currency, "added \(left) and \(right)")
    return Money(micros: left.micros + right.micros, left.currency)
  }

  package static func - (left: Money, right: Money) -> Money {
    invariant(left.currency == right.currency, "subtracted \(right) from \(left)")
    return Money(micros: left.micros - right.micros, left.currency)
  }

  package static func += (left: inout Money, right: Money) { left = left + right }
  package static func -= (left: inout Money, right: Money) { left = left - right }

  /// The sum, or nil where it does not fit or the currencies differ.
  package func adding(_ other: Money) -> Money? {
    let (sum, overflow) = micros.addingReportingOverflow(other.micros)
    return overflow || currency != other.currency ? nil : Money(micros: sum, currency)
  }

  /// "12.34 EUR": two decimals, more only where they are not zero.
  package var description: String {
    let magnitude = micros.magnitude
    var fraction = String(magnitude % 1_000_000)
    fraction = String(repeating: "0", count: 6 - fraction.count) + fraction
    while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
    return "\(micros < 0 ? "-" : "")\(magnitude / 1_000_000).\(fraction) \(currency)"
  }
}
