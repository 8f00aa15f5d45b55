/// The ceilings of one account, tenant, trunk or of the platform; nil is none.
///
/// Money is in millionths of the currency of the tenant (of the platform for trunk and platform). The ledger
/// gives each of them its meaning (Limits/README.md).
package struct LimitEntry: Codable, Hashable, Sendable {
  package var spend = SpendEntry()
  package var international = CountEntry()
  /// Paid calls tried in any hour, answered or not, refused ones included.
  package var attemptsPerHour: Int64?
  /// Paid calls at the same time, ringing ones included.
  package var concurrent: Int64?
  /// Dearest price per minute that may be called at all.
  package var pricePerMinuteMicros: Int64?
  /// Dearest connection fee that may be called at all.
  package var connectionFeeMicros: Int64?
  /// Spends credit that was paid in before, and nothing else.
  package var isPrepaid = false
  /// Which price counts; nil: as the tenant, and for the tenant the dearer of both.
  package var basis: PriceBasis?
  /// Windows whose block ends by itself as they roll; for all others a person unblocks.
  package var releases: [LimitPeriod] = []
  /// What happens where an account departs from its habits; nil: as its tenant, as the platform, and at last `stop`.
  package var habits: HabitRule?

  package init() {}

  /// Whether any of them is about money.
  var limitsMoney: Bool {
    spend != SpendEntry() || pricePerMinuteMicros != nil || connectionFeeMicros != nil || isPrepaid
  }

  /// What an account has from its first minute: 10 a day, 100 a month, 10/30/100 international calls.
  package static var account: LimitEntry {
    var limits = LimitEntry()
    limits.spend = SpendEntry(dayMicros: 10_000_000, monthMicros: 100_000_000)
    limits.international = CountEntry(hour: 10, day: 30, month: 100)
    limits.attemptsPerHour = 120
    limits.concurrent = 10
    limits.pricePerMinuteMicros = 2_000_000
    limits.connectionFeeMicros = 1_000_000
    return limits
  }
}

/// Money in each window, and for one call.
package struct SpendEntry: Codable, Hashable, Sendable {
  package var hourMicros: Int64?
  package var dayMicros: Int64?
  package var monthMicros: Int64?
  /// Most that a single call may cost.
  package var callMicros: Int64?

  package init(
    hourMicros: Int64? = nil, dayMicros: Int64? = nil, monthMicros: Int64? = nil,
    callMicros: Int64? = nil
  ) {
    (self.hourMicros, self.dayMicros) = (hourMicros, dayMicros)
    (self.monthMicros, self.callMicros) = (monthMicros, callMicros)
  }
}

/// International calls in each window.
package struct CountEntry: Codable, Hashable, Sendable {
  package var hour: Int64?
  package var day: Int64?
  package var month: Int64?

  package init(hour: Int64? = nil, day: Int64? = nil, month: Int64? = nil) {
    (self.hour, self.day, self.month) = (hour, day, month)
  }
}

/// The length of a window.
package enum LimitPeriod: String, Codable, Hashable, Sendable, CaseIterable {
  case hour, day, month
}

/// What happens where an account departs from its habits.
package enum HabitRule: String, Codable, Hashable, Sendable, CaseIterable {
  /// Its paid calls are blocked, and its owner is told.
  case stop
  /// Its owner is told.
  case tell
  case off
}

/// Which price a limit counts.
package enum PriceBasis: String, Codable, Hashable, Sendable, CaseIterable {
  /// What the customer pays.
  case sell
  /// What the carrier takes.
  case purchase
  /// The dearer of both at each moment.
  case max
}
