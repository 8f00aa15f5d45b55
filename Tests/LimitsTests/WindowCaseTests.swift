import Elements
import Testing

@testable import Limits

/// The hard cases of windows, blocks and people.
@Suite struct WindowCaseTests {
  private let money = Meter(.money, per: .day)

  private func spend(_ bench: inout Bench, euros: Int64) throws {
    let price = try Price.perMinute(0, fee: euros * 1000)
    try bench.call(price, lasting: .seconds(1))
  }

  private static func wall(
    _ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0
  ) -> WallTime {
    WallTime(
      unixSeconds: CivilTime(
        year: year, month: month, day: day, hour: hour, minute: minute, second: second
      ).secondsSinceEpoch)
  }

  @Test("F26: the clock goes back an hour, or a day: nothing is forgotten")
  func clockBack() throws {
    for step in [-3600, -86_400] {
      var bench = Bench(account: Bench.day(10))
      try spend(&bench, euros: 8)
      bench.now.wall = bench.now.wall + .seconds(step)
      #expect(throws: LimitError.self) { try spend(&bench, euros: 3) }
      #expect(bench.window(money)?.posted == 8_000_000)
      #expect(
        bench.notices.contains {
          if case .clockBehind = $0 { true } else { false }
        })
    }
  }

  @Test("F26: a leap second, repeated or left out at midnight, gives no second allowance")
  func leapSecond() throws {
    for step in [-1, 1] {
      var bench = Bench(account: Bench.day(10), at: Self.wall(2026, 12, 31, 23, 59, 59))
      try spend(&bench, euros: 8)
      bench.wait(.seconds(1))  // Midnight.
      #expect(throws: LimitError.self) { try spend(&bench, euros: 3) }
      bench.unblock(.account(Bench.account), .none)
      bench.now.wall = bench.now.wall + .seconds(step)
      #expect(throws: LimitError.self) { try spend(&bench, euros: 3) }
      #expect(bench.window(money, .rolling)?.posted == 8_000_000)
      #expect(
        !bench.notices.contains { if case .clockBehind = $0 { true } else { false } },
        "a second is nothing to tell people of")
    }
  }

  @Test("F26: the clock leaps ahead a day: the rolling window, on the monotonic clock, still holds")
  func clockAhead() throws {
    var bench = Bench(account: Bench.day(10))
    try spend(&bench, euros: 8)
    bench.now.wall = bench.now.wall + .seconds(86_400)
    #expect(bench.window(money)?.posted == 0)
    #expect(bench.window(money, .rolling)?.posted == 8_000_000)
    #expect(throws: LimitError.self) { try spend(&bench, euros: 3) }
  }

  @Test("F26: the clock leaps ahead a day and the process dies: no day has passed")
  func clockAheadAndDeath() throws {
    var bench = Bench(account: Bench.day(10))
    try spend(&bench, euros: 8)
    bench.ledger.noteLeap(at: bench.now, into: &bench.entries)
    bench.wait(.seconds(3600))
    let before = bench.entries.count
    bench.ledger.noteLeap(at: bench.now, into: &bench.entries)
    bench.now.wall = bench.now.wall + .seconds(59)
    bench.ledger.noteLeap(at: bench.now, into: &bench.entries)
    #expect(bench.entries.count == before, "an hour is none, and a minute's drift neither")
    bench.now.wall = bench.now.wall + .seconds(86_400)
    bench.ledger.noteLeap(at: bench.now, into: &bench.entries)
    bench.ledger.noteLeap(at: bench.now, into: &bench.entries)
    #expect(bench.entries.count == before + 1)
    try bench.crash()
    #expect(bench.window(money, .rolling)?.posted == 8_000_000)
    #expect(throws: LimitError.self) { try spend(&bench, euros: 3) }
  }

  @Test("F26: after a clock that stood years ahead a person accepts the right one")
  func acceptClock() throws {
    var bench = Bench(account: Bench.day(10))
    let right = bench.now.wall
    bench.now.wall = right + .seconds(30 * 365 * 86_400)
    try spend(&bench, euros: 8)
    bench.now.wall = right + .seconds(60)
    bench.ledger.acceptClock(at: bench.now, into: &bench.entries)
    #expect(bench.window(money)?.posted == 8_000_000)
    bench.wait(.seconds(86_400 + 1800))
    #expect(bench.window(money)?.posted == 0)
    try spend(&bench, euros: 8)
    try bench.crash()
    #expect(bench.window(money)?.posted == 8_000_000)
  }

  @Test("F26: a day of 25 hours has one allowance, and one of 23 does not add any")
  func daylightSaving() throws {
    let madrid = try TestZones.load("Europe/Madrid")
    var bench = Bench(account: Bench.day(10), zone: madrid)
    bench.now.wall = Self.wall(2026, 10, 24, 22, 0)  // Local midnight, 25 hours to go.
    try spend(&bench, euros: 9)
    bench.wait(.seconds(24 * 3600 + 1800))
    // The rolling day has let go by now; the local one has half an hour to go.
    #expect(bench.window(money)?.posted == 9_000_000)
    #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
    #expect(bench.standing()?.block?.reason == .reached(money, .calendar))
    bench.now.wall = Self.wall(2027, 3, 27, 23, 0)
    bench.wait(.seconds(1))
    let window = try #require(bench.window(money))
    #expect(try #require(window.until) - window.from == .seconds(23 * 3600))
  }

  @Test(
    "F26: months of 31 and 29 days: the calendar month ends at its own end",
    arguments: [
      (2026, 1, 31), (2028, 2, 29), (2026, 2, 28), (2026, 4, 30),
    ])
  func months(year: Int, month: Int, days: Int) throws {
    var limits = Bench.none
    limits.moneyPerMonth = 10_000_000
    var bench = Bench(account: limits, at: Self.wall(year, month, days, 23, 59, 0))
    try spend(&bench, euros: 6)
    let window = try #require(bench.window(Meter(.money, per: .month)))
    #expect(window.posted == 6_000_000)
    #expect(window.until == bench.now.wall + .seconds(59))
    bench.wait(.seconds(60))
    #expect(bench.window(Meter(.money, per: .month))?.posted == 0)
    #expect(bench.window(Meter(.money, per: .month), .rolling)?.posted == 6_000_000)
  }

  @Test("F27: a zone changed in the middle of the day gives no second day")
  func zoneChange() throws {
    var bench = Bench(account: Bench.day(10))
    try spend(&bench, euros: 8)
    for name in ["Pacific/Apia", "America/Havana", "Asia/Kathmandu", "Europe/Madrid"] {
      bench.change(zone: try TestZones.load(name))
      let error = #expect(throws: LimitError.self) { try spend(&bench, euros: 3) }
      #expect(error != nil)
      bench.unblock(.account(Bench.account), .none)
    }
    #expect(bench.standing()?.windows.count { $0.meter == money } ?? 0 >= 3)
  }

  @Test("F27: a limit lowered in the middle of a call cuts it when its slice ends, and counts on")
  func lowered() throws {
    var bench = Bench(account: Bench.day(10))
    let hold = try bench.reserve(.perMinute(600)).hold
    let slice = try bench.answer(hold)
    var lowered = Bench.day(10)
    lowered.moneyPerDay = 50_000
    bench.change { $0 = lowered }
    #expect(
      bench.notices.contains(
        .limitsChanged(.account(Bench.account), from: Bench.day(10), to: lowered)))
    bench.wait(try #require(slice.renewAt) - bench.now.instant)
    #expect(throws: LimitError.self) { try bench.renew(hold) }
    bench.wait(.seconds(2))
    #expect(bench.finish(hold)?.sell.micros == 100_000)
    #expect(bench.window(money)?.posted == 100_000)
  }

  @Test(
    "F27: a limit raised leaves the counters, and the block, as they are; unblocking needs no grant"
  )
  func raised() throws {
    var bench = Bench(account: Bench.day(10))
    try spend(&bench, euros: 9)
    #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
    bench.change { $0.moneyPerDay = 20_000_000 }
    #expect(bench.window(money)?.posted == 9_000_000)
    #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
    bench.unblock()
    try spend(&bench, euros: 2)
    #expect(bench.window(money)?.granted == 0)
    #expect(bench.window(money)?.posted == 11_000_000)
  }

  @Test("An account that is taken out gets no further slice; one that comes back goes on")
  func withdrawn() throws {
    var bench = Bench(account: Bench.day(10))
    let holds = try (0..<2).map { _ in try bench.reserve(.perMinute(60)).hold }
    for hold in holds { _ = try bench.answer(hold) }
    bench.wait(.seconds(8))
    let line = bench.book.lines.removeLast()
    bench.adopt()
    #expect(throws: LimitError.unknownAccount(Bench.account)) { try bench.renew(holds[0]) }
    bench.wait(.seconds(2))
    #expect(bench.finish(holds[0])?.sell.micros == 10_000, "what was talked is charged")
    #expect(bench.blocks == 0)
    bench.book.lines.append(line)
    bench.adopt()
    _ = try bench.renew(holds[1])
  }

  @Test("F28: a burst at 23:59:59 leaves nothing for the minutes after midnight")
  func midnight() throws {
    var bench = Bench(account: Bench.day(10))
    bench.now.wall = Self.wall(2026, 3, 2, 23, 59, 58)
    try spend(&bench, euros: 9)
    bench.wait(.seconds(5))
    #expect(bench.window(money)?.posted == 0)
    #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
    #expect(bench.standing()?.block?.reason == .reached(money, .rolling))
  }

  @Test("F28: a call over midnight is held in both days and posted where it accrues")
  func callOverMidnight() throws {
    var bench = Bench(account: Bench.day(10))
    bench.now.wall = Self.wall(2026, 3, 2, 23, 59, 0)
    let start = bench.now.wall
    let hold = try bench.reserve(.perMinute(600)).hold
    var slice = try bench.answer(hold)
    var atMidnight: Int64 = 0
    while bench.now.wall < start + .seconds(180) {
      bench.wait(try #require(slice.renewAt) - bench.now.instant)
      slice = try bench.renew(hold)
      if bench.now.wall < Self.wall(2026, 3, 3) { atMidnight = bench.window(money)?.posted ?? 0 }
    }
    bench.finish(hold)
    let after = try #require(bench.window(money)).posted
    #expect(atMidnight > 0 && after > 0)
    #expect(after + atMidnight == bench.window(money, .rolling)?.posted)
  }

  @Test("F39: a block ends the paid calls of that account with their slices, and of no other")
  func blockDuringCalls() throws {
    var bench = Bench(account: Bench.none, accounts: 500)
    var holds: [HoldID] = []
    for number in 1...500 as ClosedRange<UInt64> {
      let hold = try bench.reserve(.perMinute(60), account: AccountID(number)).hold
      _ = try bench.answer(hold)
      holds.append(hold)
    }
    bench.ledger.block(
      .account(AccountID(7)), by: "anna", reason: "phone stolen", at: bench.now,
      into: &bench.entries, notices: &bench.notices)
    bench.wait(.seconds(8))
    let refused = holds.filter { (try? bench.renew($0)) == nil }
    #expect(refused == [holds[6]])
    #expect(bench.blocks == 1)
  }

  @Test(
    "F44: a block for habits spares running calls that are usual, and a limit that is reached leaves it"
  )
  func usualCallDuringBlock() throws {
    var bench = Bench(account: Bench.day(10))
    let holds = try (0..<2).map { _ in
      let hold = try bench.reserve(.perMinute(60)).hold
      _ = try bench.answer(hold)
      return hold
    }
    #expect(
      bench.ledger.block(
        Bench.account, unusual: "at night", at: bench.now, into: &bench.entries,
        notices: &bench.notices))
    bench.wait(.seconds(8))
    #expect(throws: LimitError.self) { try bench.renew(holds[0]) }
    #expect(throws: LimitError.self) { try bench.reserve(.perMinute(60)) }
    var isOver = false
    while !isOver {
      isOver = (try? bench.renew(holds[1], isUsual: true)) == nil
      bench.wait(.seconds(8))
    }
    let window = try #require(bench.window(money))
    #expect(window.posted + window.reserved > 9_000_000, "it goes on until the limit")
    #expect(bench.standing()?.block?.reason == .unusual("at night"))
    #expect(bench.blocks == 1)
  }

  @Test("F40: unblock and window roll in the same second, in either order, let calls out once")
  func unblockAtRoll() throws {
    for rollsFirst in [true, false] {
      var bench = Bench(account: Bench.day(10))
      bench.now.wall = Self.wall(2026, 3, 2, 23, 59, 59)
      try spend(&bench, euros: 9)
      #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
      if rollsFirst { bench.now.wall = Self.wall(2026, 3, 3) }
      bench.unblock()
      bench.now.wall = Self.wall(2026, 3, 3)
      try spend(&bench, euros: 2)
      #expect(bench.window(money, .rolling)?.posted == 11_000_000)
      #expect(bench.window(money, .rolling)?.granted == 10_000_000)
      #expect(bench.blocks == 1)
    }
  }

  @Test("A block is sticky: the roll alone does not end it, unless the customer chose so")
  func sticky() throws {
    for releases in [false, true] {
      var bench = Bench(account: Bench.day(10))
      if releases { bench.change { $0.releasesAtRoll = .day } }
      try spend(&bench, euros: 9)
      #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
      bench.wait(.seconds(26 * 3600))
      let goesOut = (try? spend(&bench, euros: 2)) != nil
      #expect(goesOut == releases)
    }
  }

  @Test(
    "After `limits unblock` calls go out again, with one more limit as a grant that is recorded")
  func plainUnblock() throws {
    var bench = Bench(account: Bench.day(10))
    #expect(throws: LimitError.self) {
      for _ in 0..<100 { try bench.call(.perMinute(1000), lasting: .seconds(60)) }
    }
    #expect(bench.blocks == 1)
    let unblocked = bench.unblock()
    #expect(unblocked)
    #expect(
      bench.notices.contains(
        .unblocked(
          .account(Bench.account), by: "anna", grants: [Grant(meter: money, amount: 10_000_000)])))
    try bench.call(.perMinute(1000), lasting: .seconds(60))
    let window = try #require(bench.window(money))
    #expect(window.posted > 10_000_000)
    #expect(window.granted == 10_000_000)
    let again = bench.unblock()
    #expect(!again)
    #expect(throws: LimitError.self) {
      for _ in 0..<100 { try bench.call(.perMinute(1000), lasting: .seconds(60)) }
    }
    #expect(bench.window(money).map { $0.posted <= 20_000_000 } == true)
  }

  @Test("The international calls of G1: the eleventh in an hour is refused and blocks")
  func international() throws {
    var bench = Bench(account: .standard())
    let price = try Price.perMinute(10)
    for _ in 0..<10 { try bench.call(price, lasting: .seconds(5), international: true) }
    #expect(throws: LimitError.self) {
      try bench.call(price, lasting: .seconds(5), international: true)
    }
    #expect(
      bench.standing()?.block?.reason
        == .reached(Meter(.international, per: .hour), .calendar))
  }

  @Test("G10: a prepaid balance never goes below zero, and paying in lets calls out again")
  func prepaid() throws {
    var limits = Bench.none
    limits.isPrepaid = true
    var bench = Bench(account: limits)
    let subject = LimitSubject.account(Bench.account)
    #expect(throws: LimitError.self) { try bench.reserve(.perMinute(600)) }
    try bench.ledger.deposit(
      Money(micros: 1_000_000, .eur), to: subject, reference: "invoice 7", at: bench.now,
      into: &bench.entries)
    let call = try bench.call(.perMinute(600), lasting: .seconds(600))
    #expect(call.cost <= 1_000_000 && call.cost > 950_000)
    #expect(bench.standing()?.balance?.micros == 1_000_000 - call.cost)
    #expect(bench.standing()?.block == nil)
    #expect(throws: LimitError.self) {
      try bench.ledger.deposit(
        Money(micros: -1_000_000, .eur), to: subject, reference: "mistake", at: bench.now,
        into: &bench.entries)
    }
    try bench.crash()
    #expect(bench.standing()?.balance?.micros == 1_000_000 - call.cost)
  }

  @Test("Taking back too much says what there is, what calls hold and what can be taken back")
  func takingBackTooMuch() throws {
    var limits = Bench.none
    limits.isPrepaid = true
    var bench = Bench(account: limits)
    let subject = LimitSubject.account(Bench.account)
    try bench.ledger.deposit(
      Money(micros: 10_000_000, .eur), to: subject, reference: "invoice 7", at: bench.now,
      into: &bench.entries)
    _ = try bench.reserve(.perMinute(600))
    let held = try #require(bench.standing()?.reserved)
    let free = Money(micros: 10_000_000 - held.micros, .eur)
    let before = bench.standing()
    let error = #expect(throws: LimitError.self) {
      try bench.ledger.deposit(
        Money(micros: -10_000_000, .eur), to: subject, reference: "mistake", at: bench.now,
        into: &bench.entries)
    }
    #expect(
      error?.description
        == "10.00 EUR cannot be taken back, and nothing was changed: the balance is 10.00 EUR, of "
        + "which running calls hold \(held). At most \(free) can be taken back now.")
    #expect(held.micros > 0 && bench.standing() == before)
    try bench.ledger.deposit(
      Money(micros: -free.micros, .eur), to: subject, reference: "mistake", at: bench.now,
      into: &bench.entries)
    #expect(bench.standing()?.balance?.micros == 0)
  }

  @Test(
    "G2: sell, purchase and the dearer of both, at each level by itself",
    arguments: [
      (Basis.sell, Int64(120_000)), (.purchase, 40_000), (.max, 120_000),
    ])
  func basis(basis: Basis, held: Int64) throws {
    var limits = Bench.day(10)
    limits.basis = basis
    var bench = Bench(account: Bench.day(10), tenant: limits)
    let price = Price(
      sell: try Tariff(currency: .eur, pricePerMinute: 600_000),
      purchase: try Tariff(currency: .eur, pricePerMinute: 200_000))
    _ = try bench.reserve(price)
    #expect(bench.standing(.tenant(Bench.tenant))?.reserved.micros == held)
    #expect(bench.standing()?.reserved.micros == 120_000)
  }

  @Test("All levels pass or none changes")
  func allOrNone() throws {
    var bench = Bench(account: Bench.day(100), tenant: Bench.day(100), platform: Bench.day(1))
    _ = try? bench.reserve(.perMinute(10_000))
    for subject in [
      LimitSubject.account(Bench.account), .tenant(Bench.tenant), .trunk(Bench.trunk), .platform,
    ] {
      #expect(bench.standing(subject)?.reserved.micros == 0)
      #expect(bench.standing(subject)?.openCalls == 0)
    }
  }

  @Test("Ceilings of price, fee and cost per call refuse and block nothing")
  func ceilings() throws {
    var limits = Bench.none
    (limits.pricePerMinute, limits.connectionFee) = (1_000_000, 100_000)
    limits.costPerCall = 500_000
    var bench = Bench(account: limits)
    let subject = LimitSubject.account(Bench.account)
    func money(_ micros: Int64) -> Money { Money(micros: micros, .eur) }
    #expect(
      throws: LimitError.pricePerMinute(subject, limit: money(1_000_000), price: money(1_001_000))
    ) { try bench.reserve(.perMinute(1001)) }
    #expect(
      throws: LimitError.connectionFee(subject, limit: money(100_000), fee: money(101_000))
    ) { try bench.reserve(.perMinute(1, fee: 101)) }
    let call = try bench.call(.perMinute(600), lasting: .seconds(300))
    #expect(call.cost <= 500_000 && call.cost >= 480_000)
    #expect(bench.standing()?.block == nil)
  }

  @Test("Messages say what happened, the numbers and the way out")
  func messages() throws {
    var bench = Bench(account: Bench.day(10))
    try spend(&bench, euros: 9)
    let reached = #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
    #expect(
      reached?.description == """
        Limit of money per day of account 1 reached: 9.00 EUR used and 0.00 EUR reserved today, of \
        10.00 EUR; this call needs 2.00 EUR. Outgoing paid calls are blocked now. A person lifts it \
        with `martinet limits unblock --tenant NAME --extension NUMBER`.
        """)
    let blocked = #expect(throws: LimitError.self) { try spend(&bench, euros: 1) }
    #expect(
      blocked?.description == """
        Outgoing paid calls of account 1 are blocked: the limit of money per day was reached. A \
        person lifts it with `martinet limits unblock --tenant NAME --extension NUMBER`.
        """)
  }

  @Test(
    "Whoever is blocked, the message has the command that lifts it",
    arguments: [
      (LimitSubject.account(Bench.account), "--tenant NAME --extension NUMBER"),
      (.tenant(TenantID(1)), "--tenant NAME"), (.trunk(Bench.trunk), "--trunk NAME"),
      (.platform, "--platform"),
    ])
  func wayOut(_ subject: LimitSubject, _ options: String) {
    let block = Block(
      reason: .reached(Meter(.money, per: .day), .calendar), since: WallTime(unixMilliseconds: 0),
      needed: 1, cause: nil)
    let text = "\(LimitError.blocked(subject, block))"
    #expect(text.hasSuffix(" A person lifts it with `martinet limits unblock \(options)`."))
  }
}
