package import Foundation

/// What the theft came to, as `martinet demo --json` ends with it; money in units of the currency.
package struct DemoReport: Codable, Sendable {
  package var currency = "EUR"
  package var limit: Decimal
  /// By the server's ledger, at the end.
  package var spent: Decimal
  /// By the carrier's own records and prices.
  package var carrierBill: Decimal
  /// What the same calls cost in an hour where only finished calls are counted.
  package var otherwise: Decimal
  /// From the block to the mail in the owner's mail server.
  package var alertMilliseconds: Int64
  package var callsAttempted: Int
  /// Those that reached the carrier.
  package var callsAdmitted: Int

  enum CodingKeys: String, CodingKey {
    case currency, limit, spent, otherwise
    case carrierBill = "carrier_bill"
    case alertMilliseconds = "alert_ms"
    case callsAttempted = "calls_attempted"
    case callsAdmitted = "calls_admitted"
  }

  /// Cents as units.
  static func units(_ cents: Int) -> Decimal { Decimal(cents) / 100 }
}
