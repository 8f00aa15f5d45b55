import Elements
import Testing

@testable import Guard

/// After a theft that was cleared up (H4): each call is judged as in a firm that had none.
@Suite struct HabitTheftTests {
  private let monday = 63

  private func expectAsBefore(_ firm: Firm, _ calls: PaidCall..., untouched: Firm = Firm()) {
    for call in calls {
      let judgement = firm.book.judge(call, limitPerDay: Firm.limit)
      #expect(judgement == untouched.book.judge(call, limitPerDay: Firm.limit))
    }
  }

  private func steal(
    _ firm: inout Firm, on day: Int, at hour: Int = 10, minute: Int = 0,
    by account: AccountID = Firm.anna, from origin: PaidCall.Origin = Firm.elsewhere,
    to destination: PaidCall.Destination = Firm.far, price: Int64 = 100_000, talk: Int64 = 120
  ) {
    let judgement = firm.call(
      destination, on: day, at: hour, minute: minute, by: account, from: origin, price: price,
      talk: talk)
    #expect(judgement.oddity.isCounted && judgement.departure == nil)
  }

  @Test("F45: where a slow thief had called until it was usual is new again")
  func slowThief() {
    var firm = Firm()
    for day in [63, 66, 70] { steal(&firm, on: day) }
    let next = Firm.paid(Firm.far, on: 71, at: 10, from: Firm.elsewhere, price: 100_000)
    #expect(firm.book.judge(next, limitPerDay: Firm.limit).oddity == [])
    var before = firm
    firm.take(.disowned(Firm.anna, Firm.tenant))
    expectAsBefore(firm, next)
    // In journals of before it stayed.
    before.take(.disowned(Firm.anna, nil))
    #expect(before.book.judge(next, limitPerDay: Firm.limit).oddity == [])
  }

  @Test("F45: of more calls than are kept the first ones are forgotten, too")
  func manyCalls() {
    var firm = Firm()
    for (day, calls) in [(63, 2), (64, 8), (65, 8)] {
      for minute in 0..<calls {
        steal(&firm, on: day, minute: minute * 5, from: .forward, price: 30_000, talk: 30)
      }
    }
    let next = Firm.paid(Firm.far, on: 72, at: 10, from: .forward, price: 30_000)
    #expect(firm.book.judge(next, limitPerDay: Firm.limit).oddity == [])
    firm.take(.disowned(Firm.anna, Firm.tenant))
    expectAsBefore(firm, next)
  }

  @Test("F45: of two countries the first one is forgotten, too, where its calls are not kept")
  func twoCountries() {
    var firm = Firm()
    let (second, honest) = (PaidCall.Destination(country: 9), PaidCall.Destination(country: 8))
    let colleague = AccountID(11)
    for day in 60...70 {
      if [60, 64, 70].contains(day) {
        firm.call(honest, on: day, at: 9, by: colleague, price: 25_000, talk: 60)
      }
      if [63, 66, 70].contains(day) { steal(&firm, on: day) }
      if day == 65 { steal(&firm, on: day, from: Firm.office, to: honest, price: 25_000) }
    }
    for number in 0..<16 {
      steal(
        &firm, on: 71, minute: number * 3, from: .forward, to: second, price: 30_000, talk: 30)
    }
    let next = Firm.paid(Firm.far, on: 72, at: 10, from: Firm.elsewhere, price: 100_000)
    #expect(firm.book.judge(next, limitPerDay: Firm.limit).oddity == [])
    firm.take(.disowned(Firm.anna, Firm.tenant))
    for account in [10, 11, 99] as [UInt64] {
      var call = next
      call.account = AccountID(account)
      expectAsBefore(firm, call)
      call.destination = second
      expectAsBefore(firm, call)
      call.destination = Firm.home
      expectAsBefore(firm, call)
      call.origin = Firm.office
      expectAsBefore(firm, call)
    }
    // Where a colleague called before, the tenant still does.
    let call = Firm.paid(honest, on: 72, at: 10, by: AccountID(99), price: 25_000)
    #expect(firm.book.judge(call, limitPerDay: Firm.limit).oddity == [])
  }

  @Test("A place that no odd call came from stays where all of a theft's calls are kept")
  func sparedPlace() {
    var firm = Firm()
    for number in 0..<16 {
      steal(
        &firm, on: 62, at: 3, minute: number * 3, from: Firm.office, to: Firm.home, price: 25_000)
    }
    for day in 63..<120 {
      firm.work(day..<day + 1)
      if [108, 112, 116].contains(day) {
        firm.call(Firm.home, on: day, at: 15, from: Firm.elsewhere, price: 25_000, talk: 60)
      }
    }
    steal(&firm, on: 120, from: .forward)
    firm.take(.disowned(Firm.anna, Firm.tenant))
    let call = Firm.paid(Firm.home, on: 120, at: 15, from: Firm.elsewhere, price: 25_000)
    #expect(firm.book.judge(call, limitPerDay: Firm.limit).oddity == [])
  }

  @Test("What a young company did while it only taught is no thief's, and what he made usual is")
  func youngCompany() {
    var firm = Firm(days: 29)
    let untouched = Firm(days: 37)
    for day in 29..<37 {
      // Herself, at night.
      if day == 30 {
        steal(&firm, on: day, at: 3, from: Firm.office, to: Firm.home, price: 25_000)
      }
      firm.work(day..<day + 1)
      if [29, 31, 36].contains(day) { steal(&firm, on: day, at: 16, minute: 50) }
    }
    let next = Firm.paid(Firm.far, on: 37, at: 10, from: Firm.elsewhere, price: 100_000)
    #expect(firm.book.judge(next, limitPerDay: Firm.limit).oddity == [])
    firm.take(.disowned(Firm.anna, Firm.tenant))
    for account in [10, 11, 99] as [UInt64] {
      var call = Firm.paid(
        Firm.home, on: 37, at: 10, by: AccountID(account), price: 25_000)
      #expect(firm.book.judge(call, limitPerDay: Firm.limit).oddity == [])
      call.origin = Firm.elsewhere
      expectAsBefore(firm, call, untouched: untouched)
      call.destination = Firm.far
      expectAsBefore(firm, call, untouched: untouched)
    }
  }

  @Test("F45: colleagues and new accounts learn nothing of one theft after another")
  func tenant() {
    var firm = Firm()
    for (day, account) in [(63, 10), (67, 11), (71, 12)] as [(Int, UInt64)] {
      steal(&firm, on: day, by: AccountID(account))
      firm.take(.disowned(AccountID(account), Firm.tenant))
    }
    for account in [13, 99] as [UInt64] {
      expectAsBefore(
        firm,
        Firm.paid(
          Firm.far, on: 72, at: 10, by: AccountID(account), from: Firm.elsewhere, price: 100_000))
    }
  }

  @Test("F45: who was robbed through many networks is not on the move")
  func proxies() {
    var firm = Firm()
    for number in 0..<6 as Range<UInt32> {
      steal(
        &firm, on: monday, minute: Int(number) * 5,
        from: .network(IPAddress(v4: 0xCB00_0000 | number << 8)), talk: 20)
    }
    firm.take(.disowned(Firm.anna, Firm.tenant))
    let call = Firm.paid(Firm.home, on: monday, at: 15, from: Firm.elsewhere, price: 25_000)
    #expect(firm.book.judge(call, limitPerDay: Firm.limit).oddity == .newOrigin)
    expectAsBefore(firm, call)
  }

  @Test("F45: a thief's hours are dead again, and those of others stay usual")
  func hours() {
    let sunday = 62
    // Found on the day itself, and when the day had taught already, twice.
    for nights in [[sunday], [sunday, sunday + 7]] {
      for isOver in [false, true] {
        var (firm, untouched) = (Firm(), Firm())
        for night in nights {
          steal(&firm, on: night, at: 3)
          steal(&firm, on: night, at: 4, to: Firm.partner)
          let ends = isOver || night != nights.last
          for week in [night + 1..<night + 6] where ends {
            firm.work(week)
            untouched.work(week)
          }
        }
        firm.take(.disowned(Firm.anna, Firm.tenant))
        let day = sunday + 14
        for colleague in [10, 11, 99] as [UInt64] {
          for hour in [2, 3, 4] {
            expectAsBefore(
              firm,
              Firm.paid(
                Firm.home, on: day, at: hour, by: AccountID(colleague), price: 25_000),
              untouched: untouched)
          }
          expectAsBefore(
            firm,
            Firm.paid(Firm.home, on: day + 1, at: 10, by: AccountID(colleague), price: 25_000),
            Firm.paid(Firm.partner, on: day + 1, at: 11, by: AccountID(colleague), price: 60_000),
            untouched: untouched)
        }
      }
    }
  }

  @Test("What others did in the hour in which a thief called stays learned")
  func sharedHours() {
    // A Monday at ten, week after week.
    let weeks: [Int64] = (0..<8).map { 106 + Int64($0) * 168 }
    var hours = UsualHours(at: weeks[0])
    var alone = hours
    for hour in weeks { hours.use(hour) }
    hours.use(weeks[7] + 24)
    let usual = hours.weight(of: weeks[7])
    hours.forget([weeks[7], weeks[7] + 24], below: 48)
    #expect(hours.weight(of: weeks[7]) == usual && hours.used == 0)
    // Where only thieves called, nothing is left after weeks either.
    for hour in weeks.prefix(3) { alone.use(hour) }
    alone.use(weeks[5] + 24)
    #expect(alone.weight(of: weeks[5]) >= 48)
    alone.forget(Array(weeks.prefix(3)), below: 48)
    #expect(alone.weight(of: weeks[5]) < 12)
  }
}
