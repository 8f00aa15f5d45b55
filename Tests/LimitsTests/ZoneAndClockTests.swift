import Elements
import Testing

@testable import Limits

/// Calls whose zone goes, or whose clock is set, while they run.
@Suite struct ZoneAndClockTests {
  @Test(
    "A call of a deleted tenant in the last of the zones goes on through the end of its windows")
  func withdrawnZone() throws {
    var bench = Bench(account: Bench.day(10))
    let (other, account) = (TenantID(2), AccountID(9))
    let lines = bench.book.lines
    let zone = try TestZones.load("America/New_York")
    bench.book.lines += [
      LimitBook.Line(.tenant(other), limits: Bench.none, zone: zone),
      LimitBook.Line(.account(account), of: other, limits: Bench.day(10), zone: zone),
    ]
    bench.adopt()
    let hold = try bench.reserve(.perMinute(60), account: account).hold
    _ = try bench.answer(hold)
    bench.book.lines = lines
    bench.adopt()
    bench.adopt()  // Once more: it is not in the directory before either.
    bench.wait(.seconds(2 * 3600))
    #expect(bench.finish(hold) != nil)
    let standing = try #require(bench.standing(.account(account)))
    let day = try #require(
      standing.windows.first { $0.meter == Meter(.money, per: .day) && $0.kind == .calendar })
    #expect(day.from == Bench.noon + .seconds(-7 * 3600), "midnight in New York")
  }

  @Test(
    "F08, F26: with the wall clock set back a call is priced by the hour that its price was quoted for"
  )
  func pricedByTheClockOfTheQuote() throws {
    let peak = Tariff.Step(from: Bench.noon + .seconds(8 * 3600), pricePerMinute: 40_000)
    var bench = Bench(account: Bench.day(10))
    // It stood half a day ahead for a moment.
    bench.now.wall = bench.now.wall + .seconds(43_200)
    _ = try bench.call(.perMinute(60), lasting: .seconds(1))
    bench.now.wall = Bench.noon
    let call = try bench.call(.perMinute(100, steps: [peak]), lasting: .seconds(60))
    #expect(call.cost == 100_000)
  }
}
