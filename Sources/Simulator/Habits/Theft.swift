import Elements
import Guard

/// Five ways to spend a stolen account that stay under its limits, so that no limit ends them.
package enum Theft: String, Sendable, CaseIterable {
  case nightBurst = "night burst"
  case officeDrip = "slow drip in office hours"
  case weekendCrawl = "weekend crawl"
  case forwarding = "one forwarded call after another"
  case testThenBurst = "test calls, later a burst"

  /// Percent of each day's limit that are spent: what goes on for weeks stays under the limit of the month.
  private var share: Int64 {
    switch self {
    case .nightBurst, .weekendCrawl, .testThenBurst: 40
    case .officeDrip, .forwarding: 35
    }
  }

  /// The thief's calls from a day on: as much of each day's limit as is not noticed, for as long as it goes.
  func calls(
    on account: AccountID, from day: Int, limitPerDay: Int64, _ dice: inout Fortune
  ) -> [GeneratedCall] {
    let plan = Plan(
      account: account, budget: limitPerDay * share / 100,
      countries: dice.shuffled(CallPrices.hired),
      origin: .network(IPAddress(v4: 0xCB00_7100 | UInt32(dice.number(0..<200)) << 16)))
    let monday = day + (7 - day % 7) % 7
    switch self {
    case .nightBurst:
      return plan.calls(
        on: [day, day + 1, day + 2], from: 2, to: 5, gap: 20..<90, talk: 90..<400, &dice)
    case .officeDrip:
      let days = (0..<28).map { monday + $0 }.filter { $0 % 7 < 5 }
      return plan.calls(on: days, from: 9, to: 18, gap: 900..<2_400, talk: 60..<240, &dice)
    case .weekendCrawl:
      let days = [monday + 5, monday + 6, monday + 12, monday + 13]
      return plan.calls(on: days, from: 0, to: 24, gap: 900..<3_600, talk: 90..<500, &dice)
    case .forwarding:
      let forwarded = Plan(
        account: account, budget: plan.budget, countries: plan.countries, origin: .forward)
      let days = (0..<14).map { monday + $0 }
      return forwarded.calls(on: days, from: 10, to: 23, gap: 5..<60, talk: 300..<1_500, &dice)
    case .testThenBurst:
      var calls = plan.tests(on: monday + 2, at: 15, &dice)
      calls += plan.calls(
        on: [monday + 5, monday + 6], from: 1, to: 6, gap: 15..<60, talk: 120..<500, &dice)
      return calls
    }
  }

  /// What all five have in common.
  private struct Plan {
    let account: AccountID
    let budget: Int64
    let countries: [PaidCall.Destination]
    let origin: PaidCall.Origin

    /// Calls with a gap between their beginnings, up to ten at a time and 27 a day, until the day's budget is used up.
    func calls(
      on days: [Int], from: Int, to: Int, gap: Range<Int>, talk: Range<Int>, _ dice: inout Fortune
    ) -> [GeneratedCall] {
      var calls: [GeneratedCall] = []
      for day in days {
        var (second, spent, count, ends) = (from * 3_600, Int64(0), 0, [Int]())
        while second < to * 3_600, count < 27 {
          let country = countries[dice.number(0..<3)]
          let price = CallPrices.pricePerMinute(country)
          // The first of a day fits always.
          let most = spent == 0 ? Int(budget * 60 / price) : .max
          let seconds = min(dice.number(talk), most)
          let cost = price * Int64(seconds) / 60
          let start = day * 86_400 + second
          ends.removeAll { $0 <= start }
          // The limit of ten international calls an hour, and of the day's money.
          let lastHour = calls.count { $0.start > start - 3_600 }
          if spent + cost <= budget, ends.count < 6, lastHour < 7 {
            calls.append(
              GeneratedCall(
                account: account, start: start, destination: country, origin: origin,
                seconds: seconds, isTheft: true))
            (spent, count) = (spent + cost, count + 1)
            ends.append(start + seconds)
          }
          second += dice.number(gap)
          if origin == .forward { second += seconds }
        }
      }
      return calls
    }

    func tests(on day: Int, at hour: Int, _ dice: inout Fortune) -> [GeneratedCall] {
      (0..<3).map {
        GeneratedCall(
          account: account, start: day * 86_400 + hour * 3_600 + $0 * 300,
          destination: countries[$0], origin: origin, seconds: dice.number(4..<15), isTheft: true)
      }
    }
  }
}

extension Fortune {
  fileprivate mutating func shuffled<Value>(_ values: [Value]) -> [Value] {
    var values = values
    for index in values.indices.dropLast() {
      values.swapAt(index, number(index..<values.count))
    }
    return values
  }
}
