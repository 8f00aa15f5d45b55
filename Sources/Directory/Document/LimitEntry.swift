/// The ceilings of one account, tenant, trunk or of the platform.
///
/// Nil: none.  Money is in millionths of the currency of the tenant (of the platform for trunk and
/// platform).
package struct LimitEntry: Codable, Hashable, Sendable {
  package var spend = SpendEntry()
  package var international = CountEntry()
  /// International calls tried in any hour, answered or not.
  package var internationalAttemptsPerHour: Int?
  /// Paid calls at the same time.
  package var concurrent: Int?
  /// Dearest price per minute that may be called at all.
  package var pricePerMinuteMicros: Int64?
  /// Most that a single call may cost.
  package var callMicros: Int64?
  /// Prepaid credit; spending ends where it is used up.
  package var balanceMicros: Int64?
  /// Which price counts; nil: the platform's choice, the dearer of both.
  package var basis: PriceBasis?
  /// How a block ends.
  package var release = BlockRelease.byHand
  /// Percentages at which somebody is told.
  package var noticeShares = [50, 80, 100]

  package init() {}

  /// What an account has from its first minute: 10 a day, 100 a month, 10/30/100 international calls.
  package static var account: LimitEntry {
    var limits = LimitEntry()
    limits.spend = SpendEntry(hourMicros: nil, dayMicros: 10_000_000, monthMicros: 100_000_000)
    limits.international = CountEntry(hour: 10, day: 30, month: 100)
    return limits
  }
}

package struct SpendEntry: Codable, Hashable, Sendable {
  package var hourMicros: Int64?
  package var dayMicros: Int64?
  package var monthMicros: Int64?

  package init(hourMicros: Int64? = nil, dayMicros: Int64? = nil, monthMicros: Int64? = nil) {
    (self.hourMicros, self.dayMicros, self.monthMicros) = (hourMicros, dayMicros, monthMicros)
  }
}

package struct CountEntry: Codable, Hashable, Sendable {
  package var hour: Int?
  package var day: Int?
  package var month: Int?

  package init(hour: Int? = nil, day: Int? = nil, month: Int? = nil) {
    (self.hour, self.day, self.month) = (hour, day, month)
  }
}

package enum PriceBasis: String, Codable, Hashable, Sendable, CaseIterable {
  case sell, purchase
  /// The dearer of both.
  case highest
}

package enum BlockRelease: String, Codable, Hashable, Sendable, CaseIterable {
  /// Until a person unblocks: the password may still be in the wrong hands.
  case byHand
  /// When the window that was full has rolled on.
  case window
}
