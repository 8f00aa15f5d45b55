package import Elements

/// Why numbers are not a tariff: for the reader of a rate deck.
package struct TariffError: Error, Hashable, CustomStringConvertible {
  package let field: String
  package let reason: String

  package var description: String { "\(field) \(reason)" }
}

/// What a call costs, step by step: whole micro-units and whole seconds, nothing is ever rounded down.
///
/// ```
///  answer        free            + minimum         + increment … (each begun one counts in full)
///    ├────────────┼─────────────────┼──────────┼──────────┼──▶ seconds
///    connection fee at once         prices per minute, by the moment a step begins
/// ```
package struct Tariff: Hashable, Sendable {
  /// Another price per minute from a moment on: time of day, weekend, new price list.
  package struct Step: Hashable, Sendable {
    package let from: WallTime
    package let pricePerMinute: Int64

    package init(from: WallTime, pricePerMinute: Int64) {
      (self.from, self.pricePerMinute) = (from, pricePerMinute)
    }
  }

  /// A million units a minute: above it is a mistake, below it no sum over a month overflows.
  package static let highestAmount: Int64 = 1_000_000_000_000
  package static let longestStep = 86_400
  /// Calls longer than 31 days are not priced.
  package static let longestTalk = Duration.seconds(31 * 86_400)

  package let currency: Currency
  package let connectionFee: Int64
  /// From the start to the first of `steps`.
  package let pricePerMinute: Int64
  package let minimumSeconds: Int
  package let incrementSeconds: Int
  package let freeSeconds: Int
  /// The total of a call is rounded up to a multiple of this; 10_000 is a cent.
  package let roundingMicros: Int64
  /// Ascending.
  package let steps: [Step]

  package init(
    currency: Currency, connectionFee: Int64 = 0, pricePerMinute: Int64, minimumSeconds: Int = 0,
    incrementSeconds: Int = 1, freeSeconds: Int = 0, roundingMicros: Int64 = 1, steps: [Step] = []
  ) throws(TariffError) {
    let amounts = [
      ("connection_fee", connectionFee), ("price_per_minute", pricePerMinute),
      ("rounding", roundingMicros),
    ]
    for (field, micros) in amounts + steps.map({ ("price_per_minute", $0.pricePerMinute) }) {
      guard micros >= 0 else { throw TariffError(field: field, reason: "may not be negative") }
      guard micros <= Self.highestAmount else {
        throw TariffError(field: field, reason: "is above 1000000, which no call costs")
      }
    }
    guard roundingMicros >= 1 else { throw TariffError(field: "rounding", reason: "may not be 0") }
    let lengths = [
      ("minimum_s", minimumSeconds, 0), ("increment_s", incrementSeconds, 1),
      ("free_s", freeSeconds, 0),
    ]
    for (field, seconds, lowest) in lengths
    where !(lowest...Self.longestStep).contains(seconds) {
      throw TariffError(field: field, reason: "must be from \(lowest) to \(Self.longestStep)")
    }
    for (earlier, later) in zip(steps, steps.dropFirst()) where earlier.from >= later.from {
      throw TariffError(field: "steps", reason: "must ascend in time")
    }
    (self.currency, self.connectionFee) = (currency, connectionFee)
    (self.pricePerMinute, self.steps) = (pricePerMinute, steps)
    (self.minimumSeconds, self.incrementSeconds) = (minimumSeconds, incrementSeconds)
    (self.freeSeconds, self.roundingMicros) = (freeSeconds, roundingMicros)
  }
}

/// Both prices of one call: what the customer pays and what the carrier takes.
package struct Price: Hashable, Sendable {
  package let sell: Tariff
  package let purchase: Tariff

  package init(sell: Tariff, purchase: Tariff) {
    (self.sell, self.purchase) = (sell, purchase)
  }

  /// One rate deck only: both prices are the same.
  package init(both tariff: Tariff) {
    self.init(sell: tariff, purchase: tariff)
  }
}
