import Elements
import Testing

@testable import Limits

/// The hard cases of the specification that concern money, each by its number.
@Suite struct GuardCaseTests {
  private let money = Meter(.money, per: .day)

  /// What `body` was refused with; nil when it was not.
  private func error<Result>(_ body: () throws -> Result) -> LimitError? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? LimitError
    }
  }

  @Test("F01: a thousand INVITEs in one tick get what the limit pays, and one alert goes out")
  func burst() throws {
    var bench = Bench(account: Bench.day(10))
    let price = try Price.perMinute(1000)  // 12 s at the start: 0.20 EUR.
    let granted = (0..<1000).compactMap { _ in try? bench.reserve(price) }
    #expect(granted.count == 50)
    #expect(bench.standing()?.reserved.micros == 10_000_000)
    #expect(bench.blocks == 1)
  }

  @Test("F03: ringing for ever holds, and releases when it definitely failed")
  func ringing() throws {
    var bench = Bench(account: Bench.day(1))
    let price = try Price.perMinute(4000)
    let reservation = try bench.reserve(price, international: true)
    #expect(reservation.expiry == nil)
    #expect(reservation.ringUntil == bench.now.instant + .seconds(180))
    bench.wait(.seconds(179))
    #expect(error { try bench.reserve(price) } != nil)
    #expect(bench.standing()?.reserved.micros == 800_000)
    let charge = bench.finish(reservation.hold, .neverAnswered)
    #expect(charge?.sell.micros == 0)
    #expect(bench.standing()?.reserved.micros == 0)
    #expect(bench.window(Meter(.international, per: .day))?.posted == 0)
    #expect(bench.window(Meter(.attempts, per: .hour))?.posted == 1)
  }

  @Test("F04, F37: an answer of a hold that is gone, or never was, starts nothing")
  func lateAnswer() throws {
    var bench = Bench()
    let hold = try bench.reserve(.perMinute(100)).hold
    bench.finish(hold, .neverAnswered)
    let entries = bench.entries.count
    #expect(error { try bench.answer(hold) } == .unknownHold(hold))
    #expect(error { try bench.renew(hold) } == .unknownHold(hold))
    #expect(error { try bench.answer(HoldID(99)) } == .unknownHold(HoldID(99)))
    #expect(bench.finish(HoldID(99), .unknown) == nil)
    #expect(bench.entries.count == entries)
  }

  @Test("F06: ten thousand calls of one second with a fee cost exactly the limit at most")
  func shortCalls() throws {
    var bench = Bench(account: Bench.day(10))
    let price = try Price.perMinute(60, fee: 100)
    var carrier: Int64 = 0
    for _ in 0..<10_000 {
      guard let call = try? bench.call(price, lasting: .seconds(1)) else { break }
      carrier += call.cost
    }
    #expect(carrier <= 10_000_000)
    #expect(carrier > 9_800_000)
    #expect(bench.window(money)?.posted == carrier)
  }

  @Test(
    "F07: whatever the increments, a call that runs for ever ends under the limit",
    arguments: [(0, 60, 0), (0, 1, 0), (30, 6, 0), (60, 1, 0), (0, 60, 30), (1, 1, 5)])
  func increments(minimum: Int, increment: Int, free: Int) throws {
    var bench = Bench(account: Bench.day(3))
    let price = try Price.perMinute(
      700, fee: 90, minimum: minimum, increment: increment, free: free)
    let call = try bench.call(price, lasting: .seconds(86_400))
    #expect(call.cost <= 3_000_000)
    #expect(call.cost > 3_000_000 - 800_000)
    #expect(bench.window(money)?.posted == call.cost)
  }

  @Test("F08: the hold of a ringing call pays the dear hours that may begin before its answer")
  func peakBeforeAnswer() throws {
    var bench = Bench(account: Bench.day(100))
    let peak = Tariff.Step(from: bench.now.wall + .seconds(60), pricePerMinute: 3_000_000)
    let reservation = try bench.reserve(.perMinute(300, steps: [peak]))
    #expect(reservation.held.micros == 600_000)  // 12 s at 3 EUR/min.
    bench.wait(.seconds(90))
    _ = try bench.answer(reservation.hold)
    bench.wait(.seconds(10))
    #expect(bench.finish(reservation.hold)?.sell.micros == 500_000)
  }

  @Test("F08: a limit holds when the price rises thirtyfold in the middle of the call")
  func peakMidCall() throws {
    var bench = Bench(account: Bench.day(5))
    let peak = Tariff.Step(from: bench.now.wall + .seconds(300), pricePerMinute: 3_000_000)
    let call = try bench.call(.perMinute(100, steps: [peak]), lasting: .seconds(3600))
    #expect(call.cost <= 5_000_000)
    #expect(call.cost > 4_800_000)
  }

  @Test("F09: a dearer route needs room before its INVITE; refused, the hold stays as it was")
  func dearerRoute() throws {
    var bench = Bench(account: Bench.day(1))
    let reservation = try bench.reserve(.perMinute(100))
    #expect(reservation.held.micros == 20_000)
    let dearer = try bench.ledger.reprice(
      reservation.hold, to: .perMinute(2000), over: TrunkID(2), at: bench.now,
      into: &bench.entries, notices: &bench.notices)
    #expect(dearer.held.micros == 400_000)
    #expect(bench.standing(.trunk(Bench.trunk))?.openCalls == 0)
    #expect(bench.standing(.trunk(TrunkID(2)))?.reserved.micros == 400_000)
    let cheaper = try bench.ledger.reprice(
      reservation.hold, to: .perMinute(50), over: Bench.trunk, at: bench.now,
      into: &bench.entries, notices: &bench.notices)
    #expect(cheaper.held.micros == 400_000)
    #expect(throws: LimitError.self) {
      try bench.ledger.reprice(
        reservation.hold, to: .perMinute(6000), over: TrunkID(2), at: bench.now,
        into: &bench.entries, notices: &bench.notices)
    }
    #expect(bench.standing()?.reserved.micros == 400_000)
    #expect(bench.standing(.trunk(Bench.trunk))?.openCalls == 1)
  }

  @Test(
    "F09: a failover that does not fit beside the first hold is refused; nothing is blocked or counted"
  )
  func failoverBesideHold() throws {
    var limits = Bench.day(1)
    limits.attemptsPerHour = 50
    var bench = Bench(account: limits)
    _ = try bench.reserve(.perMinute(4000))
    var request = ReservationRequest(
      account: Bench.account, trunk: TrunkID(2), price: try .perMinute(4000), isInternational: false
    )
    request.isFailover = true
    #expect(!bench.ledger.fits(request, at: bench.now, into: &bench.entries))
    #expect(throws: LimitError.self) { try bench.reserve(request) }
    #expect(bench.blocks == 0)
    #expect(bench.window(Meter(.attempts, per: .hour))?.posted == 1)
    request.price = try .perMinute(500)
    #expect(bench.ledger.fits(request, at: bench.now, into: &bench.entries))
    let beside = try bench.reserve(request)
    #expect(beside.held.micros == 100_000)
    // Handed on to a dearer trunk while the first may still be charged.
    #expect(throws: LimitError.self) {
      try bench.ledger.reprice(
        beside.hold, to: .perMinute(4000), over: Bench.trunk, isFailover: true, at: bench.now,
        into: &bench.entries, notices: &bench.notices)
    }
    #expect(bench.blocks == 0)
    #expect(throws: LimitError.self) { try bench.reserve(.perMinute(4000)) }
    #expect(bench.blocks == 1)
    #expect(!bench.ledger.fits(request, at: bench.now, into: &bench.entries))
  }

  @Test("F10: no rate, no call; told at the third time, and attempts are counted")
  func unknownRate() throws {
    var limits = Bench.day(10)
    limits.attemptsPerHour = 50
    var bench = Bench(account: limits)
    for _ in 0..<35 {
      #expect(error { try bench.reserve(nil) } == .unknownRate(Bench.account))
    }
    let told = bench.notices.compactMap {
      if case .unknownRate(_, let count) = $0 { count } else { nil }
    }
    #expect(told == [3, 30])
    #expect(bench.window(Meter(.attempts, per: .hour))?.posted == 35)
    for _ in 0..<20 { _ = try? bench.reserve(nil) }
    #expect(bench.blocks == 1)
    #expect(bench.standing()?.block?.reason == .reached(Meter(.attempts, per: .hour), .calendar))
  }

  @Test("F12: the account that caused a chain over tenants pays at its own tenant")
  func payers() throws {
    var bench = Bench(account: Bench.day(10), accounts: 2, tenant: Bench.day(15))
    bench.book.lines.append(LimitBook.Line(.tenant(TenantID(2)), limits: Bench.day(5), zone: .utc))
    bench.book.lines.append(
      LimitBook.Line(
        .account(AccountID(9)), of: TenantID(2), limits: Bench.day(10), zone: .utc))
    bench.adopt()
    _ = try bench.reserve(.perMinute(5000), account: AccountID(9))
    #expect(bench.standing(.tenant(TenantID(2)))?.reserved.micros == 1_000_000)
    #expect(bench.standing(.tenant(Bench.tenant))?.reserved.micros == 0)
  }

  @Test("F20: early media without an answer holds its first slice and ends at the ring limit")
  func earlyMedia() throws {
    var bench = Bench(account: Bench.day(10))
    let reservation = try bench.reserve(.perMinute(1000))
    bench.wait(.seconds(100))
    let again = try bench.renew(reservation.hold)
    #expect(again == reservation)
  }

  @Test("F21: a second answer, or renewing again and again, does not restart the clock")
  func noRestart() throws {
    var bench = Bench(account: Bench.day(10))
    let hold = try bench.reserve(.perMinute(600)).hold
    let first = try bench.answer(hold)
    bench.wait(.seconds(5))
    #expect(try bench.answer(hold) == first)
    for _ in 0..<1000 { _ = try? bench.renew(hold) }
    #expect(bench.finish(hold)?.sell.micros == 50_000)
  }

  @Test("F22: BYE glare posts once; a late end is posted in full and told")
  func glare() throws {
    var bench = Bench(account: Bench.day(10))
    let hold = try bench.reserve(.perMinute(600)).hold
    let reservation = try bench.answer(hold)
    #expect(reservation.talkTime == .seconds(10))
    bench.wait(.seconds(32))
    #expect(bench.finish(hold)?.sell.micros == 320_000)
    #expect(bench.finish(hold) == nil)
    #expect(bench.window(money)?.posted == 320_000)
    #expect(
      bench.notices.contains(
        .overrun(Bench.account, hold, excess: Money(micros: 200_000, .eur))))
  }

  @Test("F22, F37: an outcome nobody knows is charged in full")
  func unknownOutcome() throws {
    var bench = Bench(account: Bench.day(10))
    let hold = try bench.reserve(.perMinute(600)).hold
    let charge = bench.finish(hold, .unknown)
    #expect(charge?.sell.micros == 120_000)
    #expect(charge?.isAssumed == true)
    let early = try bench.reserve(.perMinute(600)).hold  // BYE before any answer was seen.
    #expect(bench.finish(early, .ended(at: bench.now.instant))?.isAssumed == true)
    let answered = try bench.reserve(.perMinute(600)).hold
    _ = try bench.answer(answered)
    #expect(bench.finish(answered, .neverAnswered)?.sell.micros == 120_000)
  }

  @Test(
    "F22: an end that nobody proves costs no less than one that is proven a moment before",
    arguments: [5, 12, 300])
  func unknownEnd(seconds: Int64) throws {
    var bench = Bench(account: Bench.day(10))
    let holds = try (0..<2).map { _ in try bench.reserve(.perMinute(600)).hold }
    for hold in holds { _ = try bench.answer(hold) }
    bench.wait(.seconds(seconds))
    let settled = (bench.finish(holds[0]), bench.finish(holds[1], .unknown))
    let (proven, charge) = (try #require(settled.0).sell.micros, try #require(settled.1))
    #expect(proven == seconds * 10_000)
    #expect(charge.sell.micros == max(proven, 120_000) && charge.isAssumed)
    let overruns = bench.notices.count { if case .overrun = $0 { true } else { false } }
    #expect(overruns == (seconds > 12 ? 2 : 0), "both are told")
  }

  @Test("F23, F24: holds of before a restart count in full until reconciled")
  func restart() throws {
    var bench = Bench(account: Bench.day(1))
    let hold = try bench.reserve(.perMinute(4000)).hold
    _ = try bench.answer(hold)
    try bench.crash()
    #expect(bench.ledger.openHolds == [hold])
    #expect(bench.standing()?.reserved.micros == 800_000)
    #expect(error { try bench.renew(hold) } == .interrupted(hold))
    #expect(error { try bench.reserve(.perMinute(4000)) } != nil)
    #expect(bench.finish(hold, .unknown)?.sell.micros == 800_000)
    #expect(bench.window(money)?.posted == 800_000)
    bench.unblock()
    let next = try bench.reserve(.perMinute(100))
    #expect(next.hold > hold)
  }

  @Test("F29: all accounts stolen together meet the limits of tenant and platform")
  func allStolen() throws {
    var bench = Bench(
      account: Bench.day(10), accounts: 20, tenant: Bench.day(30), platform: Bench.day(25))
    let price = try Price.perMinute(5000)
    for number in 1...20 as ClosedRange<UInt64> {
      for _ in 0..<20 { _ = try? bench.reserve(price, account: AccountID(number)) }
    }
    #expect(bench.standing(.tenant(Bench.tenant))?.reserved.micros == 25_000_000)
    #expect(bench.standing(.platform)?.reserved.micros == 25_000_000)
    #expect(bench.standing(.platform)?.block != nil)
    #expect(bench.blocks == 3)  // Two accounts at their own limits, then the platform.
  }

  @Test("F30: hung calls count at the limit of calls at a time, and block nothing")
  func concurrent() throws {
    var limits = Bench.none
    limits.concurrentCalls = 2
    var bench = Bench(account: limits)
    let first = try bench.reserve(.perMinute(10))
    _ = try bench.reserve(.perMinute(0))
    #expect(
      error { try bench.reserve(.perMinute(10)) }
        == .tooManyCalls(.account(Bench.account), limit: 2))
    #expect(bench.standing()?.block == nil)
    bench.finish(first.hold, .neverAnswered)
    _ = try bench.reserve(.perMinute(10))
  }

  @Test(
    "F36: a free destination holds nothing and is counted; amounts beyond the range are refused")
  func amounts() throws {
    var limits = Bench.day(10)
    limits.internationalPerHour = 1
    var bench = Bench(account: limits)
    #expect(try bench.reserve(.perMinute(0), international: true).held.micros == 0)
    #expect(error { try bench.reserve(.perMinute(0), international: true) } != nil)
    bench.unblock()
    bench.change { $0.moneyPerDay = .max }
    let dear = try Tariff(currency: .eur, pricePerMinute: Tariff.highestAmount)
    for _ in 0..<3 { _ = try bench.reserve(Price(both: dear)) }
    #expect(bench.standing()?.reserved.micros == 600_000_000_000)
  }

  @Test("F36: a price in another currency is refused, never converted and never a trap")
  func currencies() throws {
    var bench = Bench(account: Bench.day(10))
    let usd = try #require(Currency("USD"))
    let price = Price(both: try Tariff(currency: usd, pricePerMinute: 1000))
    #expect(
      error { try bench.reserve(price) }
        == .currency(.account(Bench.account), counted: .eur, price: usd))
    bench.change { $0.currency = usd }
    _ = try bench.reserve(price)
    bench.change { $0.currency = .eur }  // Dollars are held: euros must wait.
    #expect(bench.standing()?.limits.currency == usd)
  }

  @Test("A block lets calls go out and on that cost nothing, by either price; others it does not")
  func freeBesideBlock() throws {
    var bench = Bench(account: Bench.day(10))
    let free = try Price.perMinute(0)
    let running = try bench.reserve(free).hold
    _ = try bench.answer(running)
    bench.ledger.block(
      .account(Bench.account), by: "anna", reason: "stolen", at: bench.now, into: &bench.entries,
      notices: &bench.notices)
    bench.wait(.seconds(8))
    _ = try bench.renew(running)
    let other = try bench.reserve(free).hold
    _ = try bench.ledger.reprice(
      other, to: free, over: TrunkID(2), at: bench.now, into: &bench.entries,
      notices: &bench.notices)
    #expect(throws: LimitError.self) {
      try bench.ledger.reprice(
        other, to: .perMinute(60), over: TrunkID(2), at: bench.now, into: &bench.entries,
        notices: &bench.notices)
    }
    for price in [
      try Price.perMinute(60), try .perMinute(0, fee: 1),
      Price(sell: free.sell, purchase: try Price.perMinute(60).purchase),
    ] {
      #expect(throws: LimitError.self) { try bench.reserve(price) }
    }
  }
}
