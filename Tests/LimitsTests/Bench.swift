import Elements

@testable import Limits

/// A ledger on a test bench: one tenant, accounts, a trunk, clocks that the test moves.
struct Bench {
  /// 2026-03-02, a Monday, 12:00 UTC.
  static let noon = WallTime(
    unixSeconds: CivilTime(year: 2026, month: 3, day: 2, hour: 12).secondsSinceEpoch)

  var ledger = Ledger()
  var now = Now(instant: .start + .seconds(1000), wall: Bench.noon)
  var entries: [LedgerEntry] = []
  var notices: [LedgerNotice] = []
  var book = LimitBook()

  static let account = AccountID(1)
  static let tenant = TenantID(1)
  static let trunk = TrunkID(1)

  init(
    account: LimitSet = Bench.day(10), accounts: Int = 1, tenant: LimitSet = Bench.none,
    trunk: LimitSet = Bench.none, platform: LimitSet = Bench.none, zone: TimeZoneRules = .utc,
    at wall: WallTime = Bench.noon
  ) {
    now.wall = wall
    book.lines = [
      LimitBook.Line(.platform, limits: platform, zone: .utc),
      LimitBook.Line(.trunk(Bench.trunk), limits: trunk, zone: .utc),
      LimitBook.Line(.trunk(TrunkID(2)), limits: trunk, zone: .utc),
      LimitBook.Line(.tenant(Bench.tenant), limits: tenant, zone: zone),
    ]
    for number in 1...accounts {
      book.lines.append(
        LimitBook.Line(
          .account(AccountID(UInt64(number))), of: Bench.tenant, limits: account, zone: zone))
    }
    adopt()
  }

  static let none = LimitSet(currency: .eur)

  /// Only a limit of money per day, in whole euros.
  static func day(_ euros: Int64) -> LimitSet {
    var limits = none
    limits.moneyPerDay = euros * 1_000_000
    return limits
  }

  mutating func adopt() {
    ledger.adopt(book, at: now, into: &entries, notices: &notices)
  }

  mutating func change(
    _ subject: LimitSubject = .account(Bench.account), zone: TimeZoneRules? = nil,
    _ body: (inout LimitSet) -> Void = { _ in }
  ) {
    for (index, line) in book.lines.enumerated() where line.subject == subject {
      var limits = line.limits
      body(&limits)
      book.lines[index] = LimitBook.Line(
        subject, of: line.tenant, limits: limits, zone: zone ?? line.zone)
    }
    adopt()
  }

  mutating func wait(_ duration: Duration) { now = now + duration }

  mutating func reserve(
    _ price: Price?, account: AccountID = Bench.account, trunk: TrunkID? = Bench.trunk,
    international: Bool = false
  ) throws(LimitError) -> Reservation {
    try reserve(
      ReservationRequest(
        account: account, trunk: trunk, price: price, isInternational: international))
  }

  mutating func reserve(_ request: ReservationRequest) throws(LimitError) -> Reservation {
    try ledger.reserve(request, at: now, into: &entries, notices: &notices)
  }

  mutating func answer(_ hold: HoldID) throws(LimitError) -> Reservation {
    try ledger.answered(hold, at: now, into: &entries)
  }

  mutating func renew(
    _ hold: HoldID, isUsual: Bool = false
  ) throws(LimitError) -> Reservation {
    try ledger.renew(hold, isUsual: isUsual, at: now, into: &entries, notices: &notices)
  }

  @discardableResult
  mutating func finish(_ hold: HoldID, _ outcome: Outcome? = nil) -> Charge? {
    ledger.finish(
      hold, outcome ?? .ended(at: now.instant), at: now, into: &entries, notices: &notices)
  }

  @discardableResult
  mutating func unblock(
    _ subject: LimitSubject = .account(Bench.account),
    _ allowance: Ledger.Allowance = .oneMoreLimit
  ) -> Bool {
    ledger.unblock(
      subject, by: "anna", allowance: allowance, at: now, into: &entries, notices: &notices)
  }

  /// A call that is answered at once and lasts `duration`, renewed as the switch would; what it cost.
  @discardableResult
  mutating func call(
    _ price: Price, lasting duration: Duration, account: AccountID = Bench.account,
    international: Bool = false
  ) throws(LimitError) -> (cost: Int64, talked: Duration) {
    let reserved = try reserve(price, account: account, international: international)
    let start = now.instant
    var reservation = try answer(reserved.hold)
    while let expiry = reservation.expiry, expiry < start + duration,
      let renewAt = reservation.renewAt
    {
      wait(max(.zero, renewAt - now.instant))
      do {
        reservation = try renew(reserved.hold)
      } catch {
        wait(expiry - now.instant)
        return (finish(reserved.hold)?.sell.micros ?? 0, now.instant - start)
      }
    }
    wait(start + duration - now.instant)
    return (finish(reserved.hold)?.sell.micros ?? 0, duration)
  }

  /// A new process that read the journal.
  mutating func crash() throws {
    var reborn = Ledger()
    for entry in entries { try reborn.replay(entry) }
    ledger = reborn
    now.instant = .start + .seconds(5)
    adopt()
  }

  func standing(_ subject: LimitSubject = .account(Bench.account)) -> Standing? {
    ledger.standing(of: subject, at: now)
  }

  func window(
    _ meter: Meter, _ kind: WindowKind = .calendar,
    of subject: LimitSubject = .account(Bench.account)
  ) -> Standing.Window? {
    standing(subject)?.windows.first { $0.meter == meter && $0.kind == kind }
  }

  var blocks: Int {
    notices.count {
      if case .blocked = $0 { true } else { false }
    }
  }
}

extension Price {
  /// Prices in thousandths of a euro.
  static func perMinute(
    _ mills: Int64, fee: Int64 = 0, minimum: Int = 0, increment: Int = 1, free: Int = 0,
    steps: [Tariff.Step] = []
  ) throws -> Price {
    Price(
      both: try Tariff(
        currency: .eur, connectionFee: fee * 1000, pricePerMinute: mills * 1000,
        minimumSeconds: minimum, incrementSeconds: increment, freeSeconds: free, steps: steps))
  }
}
