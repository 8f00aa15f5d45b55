import Elements
import Testing

@testable import Limits

/// What a carrier bills although nothing is held for it.
@Suite struct DebtTests {
  private func owe(_ bench: inout Bench, _ price: Price, credit: Cost? = nil) -> HoldID? {
    bench.ledger.owe(
      ReservationRequest(
        account: Bench.account, trunk: Bench.trunk, price: price, isInternational: false),
      credit: credit, answeredAt: bench.now, at: bench.now, into: &bench.entries,
      notices: &bench.notices)
  }

  @Test("F04: An answer without a hold counts at once, above the limit too; the next call blocks")
  func aboveTheLimit() throws {
    var bench = Bench(account: Bench.day(1))
    let price = try Price.perMinute(4000)  // 12 s at the start: 0.80 EUR.
    _ = try bench.reserve(price)
    let owed = owe(&bench, price)
    let debt = try #require(owed)
    // Its guard of two seconds.
    let reserved = try #require(bench.standing()).reserved.micros
    #expect(reserved == 933_334)
    bench.wait(.seconds(30))
    let settled = bench.finish(debt, .ended(at: bench.now.instant))
    let charge = try #require(settled)
    #expect(charge.sell.micros == 2_000_000 && !charge.isAssumed)
    #expect(bench.standing()?.reserved.micros == 800_000)
    #expect(bench.window(Meter(.money, per: .day))?.posted == 2_000_000)
    #expect(throws: LimitError.self) { try bench.reserve(price) }
    #expect(bench.blocks == 1)
  }

  @Test("What was charged for the same INVITE pays the first part of its answer")
  func credit() throws {
    var bench = Bench()
    let price = try Price.perMinute(6000)
    let credit = Cost(sell: 1_200_000, purchase: 1_200_000)
    let owed = [owe(&bench, price, credit: credit), owe(&bench, price, credit: credit)]
    let (first, second) = (try #require(owed[0]), try #require(owed[1]))
    #expect(bench.standing()?.reserved.micros == 0)
    bench.wait(.seconds(10))
    #expect(bench.finish(first, .ended(at: bench.now.instant))?.sell.micros == 0)
    bench.wait(.seconds(10))
    #expect(bench.finish(second, .ended(at: bench.now.instant))?.sell.micros == 800_000)
  }

  @Test("F23: A replay gives the same ledger; then the debt is charged with what was held for it")
  func replayed() throws {
    var bench = Bench()
    let owed = owe(&bench, try .perMinute(6000))
    let debt = try #require(owed)
    var revived = Ledger()
    for entry in bench.entries {
      var writer = ByteWriter()
      entry.encode(into: &writer)
      var reader = ByteReader(writer.bytes)
      try revived.replay(LedgerEntry(from: &reader))
    }
    #expect(revived.checkpoint().elementsEqual(bench.ledger.checkpoint()))
    bench.ledger = revived
    #expect(bench.finish(debt, .unknown)?.sell.micros == 200_000)
  }

  @Test(
    "What was charged for the same INVITE pays the first part of its answer after a death, too",
    arguments: [1, 2])
  func creditOutlives(_ deaths: Int) throws {
    var bench = Bench()
    let price = try Price.perMinute(6000)
    let owed = owe(&bench, price, credit: Cost(sell: 1_200_000, purchase: 1_200_000))
    let debt = try #require(owed)
    let answeredAt = bench.now.wall
    for _ in 0..<deaths { try bench.crash() }
    let settled = bench.finish(debt, .outlived(price, talk: .seconds(20), answeredAt: answeredAt))
    #expect(settled?.sell.micros == 800_000 && settled?.purchase.micros == 800_000)
  }

  @Test("Nobody owes for an account that is not there, nor without a price")
  func unknown() throws {
    var bench = Bench()
    let nobody = ReservationRequest(
      account: AccountID(99), price: try .perMinute(100), isInternational: false)
    let priceless = ReservationRequest(
      account: Bench.account, price: nil, isInternational: false)
    for request in [nobody, priceless] {
      let hold = bench.ledger.owe(
        request, credit: nil, answeredAt: bench.now, at: bench.now, into: &bench.entries,
        notices: &bench.notices)
      #expect(hold == nil)
    }
    #expect(bench.ledger.openHolds.isEmpty)
  }

  @Test("A call that outlives its process costs until its end is proven, or more: what was held")
  func outlived() throws {
    var bench = Bench(account: Bench.day(1))
    let price = try Price.perMinute(1000)  // 12 s: 0.20 EUR.
    let holds = try (0..<2).map { _ in try bench.reserve(price).hold }
    let answeredAt = bench.now.wall
    for hold in holds { _ = try bench.answer(hold) }
    try bench.crash()
    let short = Outcome.outlived(price, talk: .seconds(5), answeredAt: answeredAt)
    #expect(bench.finish(holds[0], short)?.sell.micros == 200_000)
    let notices = bench.notices.count
    let long = Outcome.outlived(price, talk: .seconds(90), answeredAt: answeredAt)
    let settled = bench.finish(holds[1], long)
    let charge = try #require(settled)
    #expect(charge.sell.micros == 1_500_000 && charge.isAssumed)
    #expect(
      bench.notices.dropFirst(notices).contains { if case .overrun = $0 { true } else { false } })
  }
}
