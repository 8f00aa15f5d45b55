package import Elements

/// Which price a level counts.
package enum Basis: UInt8, Hashable, Sendable, CaseIterable {
  /// What the customer pays.
  case sell
  /// What the carrier takes.
  case purchase
  /// The dearer of both at each moment: the safe default.
  case max
}

/// The limits of one subject; nil is no limit.
///
/// Amounts of money are in micro-units of `currency`: 10_000_000 is ten euros.
package struct LimitSet: Hashable, Sendable {
  package var currency: Currency
  package var basis: Basis
  package var moneyPerHour: Int64?
  package var moneyPerDay: Int64?
  package var moneyPerMonth: Int64?
  package var internationalPerHour: Int64?
  package var internationalPerDay: Int64?
  package var internationalPerMonth: Int64?
  package var attemptsPerHour: Int64?
  /// Paid calls at a time, ringing ones included.
  package var concurrentCalls: Int64?
  package var pricePerMinute: Int64?
  package var connectionFee: Int64?
  package var costPerCall: Int64?
  /// Spends a balance that was paid in before (``Ledger/deposit(_:to:reference:at:into:)``).
  package var isPrepaid = false
  /// The block of a limit ends by itself as soon as its windows have room again.
  ///
  /// Off by default: after a theft the credential is still stolen when the day is over.
  package var releasesAtRoll: PeriodSet = []

  /// No limits at all; those of accounts begin with ``standard(_:)``.
  package init(currency: Currency, basis: Basis = .max) {
    (self.currency, self.basis) = (currency, basis)
  }

  /// What every account has from its first minute (docs/decisions/0006-default-limits.md).
  package static func standard(_ currency: Currency = .eur) -> LimitSet {
    var limits = LimitSet(currency: currency)
    limits.moneyPerDay = 10_000_000
    limits.moneyPerMonth = 100_000_000
    limits.internationalPerHour = 10
    limits.internationalPerDay = 30
    limits.internationalPerMonth = 100
    limits.attemptsPerHour = 120
    limits.concurrentCalls = 10
    limits.pricePerMinute = 2_000_000
    limits.connectionFee = 1_000_000
    return limits
  }

  /// The limit on `meter`, nil for none; attempts have one per hour only.
  package subscript(meter: Meter) -> Int64? {
    get {
      switch (meter.quantity, meter.period) {
      case (.money, .hour): moneyPerHour
      case (.money, .day): moneyPerDay
      case (.money, .month): moneyPerMonth
      case (.international, .hour): internationalPerHour
      case (.international, .day): internationalPerDay
      case (.international, .month): internationalPerMonth
      case (.attempts, .hour): attemptsPerHour
      case (.attempts, .day), (.attempts, .month): nil
      }
    }
    set {
      switch (meter.quantity, meter.period) {
      case (.money, .hour): moneyPerHour = newValue
      case (.money, .day): moneyPerDay = newValue
      case (.money, .month): moneyPerMonth = newValue
      case (.international, .hour): internationalPerHour = newValue
      case (.international, .day): internationalPerDay = newValue
      case (.international, .month): internationalPerMonth = newValue
      case (.attempts, .hour): attemptsPerHour = newValue
      case (.attempts, .day), (.attempts, .month): break
      }
    }
  }

  package subscript(name: LimitName) -> Int64? {
    get {
      switch name {
      case .meter(let meter): self[meter]
      case .concurrentCalls: concurrentCalls
      case .pricePerMinute: pricePerMinute
      case .connectionFee: connectionFee
      case .costPerCall: costPerCall
      }
    }
    set {
      switch name {
      case .meter(let meter): self[meter] = newValue
      case .concurrentCalls: concurrentCalls = newValue
      case .pricePerMinute: pricePerMinute = newValue
      case .connectionFee: connectionFee = newValue
      case .costPerCall: costPerCall = newValue
      }
    }
  }

  /// The limits that can be set, in the order of the journal: new ones go at the end.
  static let stored: [LimitName] =
    Meter.all.filter { $0.quantity != .attempts || $0.period == .hour }.map { .meter($0) }
    + [.concurrentCalls, .pricePerMinute, .connectionFee, .costPerCall]

  /// Whether money matters here: then a price in another currency is refused.
  var limitsMoney: Bool {
    moneyPerHour != nil || moneyPerDay != nil || moneyPerMonth != nil || pricePerMinute != nil
      || connectionFee != nil || costPerCall != nil || isPrepaid
  }
}

/// A set of periods.
package struct PeriodSet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  package init(_ period: Period) {
    self.init(rawValue: 1 << period.rawValue)
  }

  package static let hour = PeriodSet(.hour)
  package static let day = PeriodSet(.day)
  package static let month = PeriodSet(.month)
}
