import Elements
import Testing

@testable import Limits

@Suite struct HoldTests {
  @Test(
    "100 calls in one second at 2 EUR/min, 0.50 fee, 60/60: 10 EUR and not a cent more"
  )
  func stolenAccount() throws {
    var bench = Bench(account: Bench.day(10))
    let price = try Price.perMinute(2000, fee: 500, increment: 60)
    var admitted: [HoldID] = []
    for _ in 0..<100 {
      if let reservation = try? bench.reserve(price) { admitted.append(reservation.hold) }
    }
    #expect(admitted.count == 4)
    for hold in admitted { _ = try bench.answer(hold) }
    bench.wait(.seconds(56))
    for hold in admitted {
      #expect(throws: LimitError.self) { try bench.renew(hold) }
    }
    bench.wait(.seconds(2))
    for hold in admitted { bench.finish(hold) }
    #expect(bench.window(Meter(.money, per: .day))?.posted == 10_000_000)
    #expect(bench.blocks == 1)
  }

  @Test(
    "A call that outlasts a step by less than a millisecond pays the next one: so the carrier counts",
    arguments: [(Duration.seconds(10), Int64(100_000)), (.nanoseconds(10_000_000_001), 110_000)])
  func stepBegun(lasting: Duration, costMicros: Int64) throws {
    var bench = Bench(account: Bench.day(10))
    let hold = try bench.reserve(try .perMinute(600, increment: 1)).hold
    _ = try bench.answer(hold)
    bench.wait(lasting)
    #expect(bench.finish(hold)?.sell.micros == costMicros)
  }

  @Test("F05: one call of 24 hours is cut when the limit is spent")
  func longCall() throws {
    var bench = Bench(account: Bench.day(10))
    let (cost, talked) = try bench.call(try .perMinute(100), lasting: .seconds(86_400))
    #expect(cost <= 10_000_000)
    #expect(cost >= 9_950_000)
    #expect(talked >= .seconds(5_970))
    #expect(bench.blocks == 1)
  }
}
