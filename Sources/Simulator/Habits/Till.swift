import Elements
import Limits

/// The fixed limits of one account: the ledger itself, in virtual time.
struct Till: Sendable {
  let account: AccountID
  private var ledger = Ledger()

  /// Limits with `limitPerDay` micro-units; the others are to it as the usual ones are to ten euros.
  init(_ account: AccountID, limitPerDay: Int64, at now: Now) {
    self.account = account
    var limits = LimitSet.standard()
    limits.moneyPerDay = limitPerDay
    limits.moneyPerMonth = limitPerDay * 10
    let times = max(1, limitPerDay / 10_000_000)
    limits.internationalPerHour = 10 * times
    limits.internationalPerDay = 30 * times
    limits.internationalPerMonth = 100 * times
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    ledger.adopt(
      LimitBook(lines: [LimitBook.Line(.account(account), limits: limits, zone: .utc)]),
      at: now, into: &entries, notices: &notices)
  }

  var isBlocked: Bool { !ledger.blockedSubjects.isEmpty }

  /// Holds the first slice; nil where a limit refuses.
  mutating func begin(
    pricePerMinute: Int64, isInternational: Bool, isAnswered: Bool, at now: Now
  ) -> Reservation? {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    guard let tariff = try? Tariff(currency: .eur, pricePerMinute: pricePerMinute),
      let reservation = try? ledger.reserve(
        ReservationRequest(
          account: account, price: Price(both: tariff), isInternational: isInternational),
        at: now, into: &entries, notices: &notices)
    else { return nil }
    guard isAnswered else { return reservation }
    return try? ledger.answered(reservation.hold, at: now, into: &entries)
  }

  mutating func goOn(_ hold: HoldID, at now: Now) -> Reservation? {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    return try? ledger.renew(hold, at: now, into: &entries, notices: &notices)
  }

  mutating func end(_ hold: HoldID, isAnswered: Bool, at now: Now) {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    _ = ledger.finish(
      hold, isAnswered ? .ended(at: now.instant) : .neverAnswered, at: now, into: &entries,
      notices: &notices)
  }
}
