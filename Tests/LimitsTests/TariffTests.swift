import Elements
import Testing

@testable import Limits

@Suite struct TariffTests {
  private static func tariff(
    _ price: Int64, fee: Int64 = 0, minimum: Int = 0, increment: Int = 1, free: Int = 0,
    rounding: Int64 = 1, steps: [Tariff.Step] = []
  ) throws -> Tariff {
    try Tariff(
      currency: .eur, connectionFee: fee, pricePerMinute: price, minimumSeconds: minimum,
      incrementSeconds: increment, freeSeconds: free, roundingMicros: rounding, steps: steps)
  }

  private func cost(_ tariff: Tariff, _ seconds: Int) -> Int64? {
    tariff.cost(of: .seconds(seconds), answeredAt: Bench.noon)?.micros
  }

  @Test(
    "F07: 60/60, 1/1, 30/6 and 60/1 at 0.60 EUR a minute",
    arguments: [
      (0, 60, 1, 600_000), (0, 60, 60, 600_000), (0, 60, 61, 1_200_000),
      (0, 1, 1, 10_000), (0, 1, 59, 590_000), (0, 1, 3600, 36_000_000),
      (30, 6, 1, 300_000), (30, 6, 30, 300_000), (30, 6, 31, 360_000), (30, 6, 36, 360_000),
      (60, 1, 1, 600_000), (60, 1, 60, 600_000), (60, 1, 61, 610_000),
    ])
  func increments(minimum: Int, increment: Int, talk: Int, expected: Int64) throws {
    let tariff = try Self.tariff(600_000, minimum: minimum, increment: increment)
    #expect(cost(tariff, talk) == expected)
  }

  @Test("F07: free seconds come first, then the minimum")
  func freeSeconds() throws {
    let tariff = try Self.tariff(600_000, fee: 50_000, minimum: 60, increment: 6, free: 10)
    #expect(cost(tariff, 10) == 50_000)
    #expect(cost(tariff, 11) == 650_000)
    #expect(cost(tariff, 70) == 650_000)
    #expect(cost(tariff, 71) == 710_000)
  }

  @Test("Nothing is rounded down: a third of a micro-unit is one, a begun millisecond a second")
  func rounding() throws {
    #expect(cost(try Self.tariff(1), 1) == 1)
    #expect(
      try Self.tariff(60).cost(of: .milliseconds(1001), answeredAt: Bench.noon)?.micros == 2)
    let cents = try Self.tariff(100_000, rounding: 10_000)
    #expect(cost(cents, 1) == 10_000)
    #expect(cost(cents, 7) == 20_000)
    #expect(cost(try Self.tariff(600_000, fee: 1), 0) == 10_001)
  }

  @Test("F08: a step is priced by the moment it begins")
  func rateBoundary() throws {
    let change = Tariff.Step(from: Bench.noon + .seconds(90), pricePerMinute: 120_000)
    let bySecond = try Self.tariff(60_000, steps: [change])
    #expect(cost(bySecond, 90) == 90_000)
    #expect(cost(bySecond, 91) == 92_000)
    let byMinute = try Self.tariff(60_000, increment: 60, steps: [change])
    #expect(cost(byMinute, 120) == 120_000)
    #expect(cost(byMinute, 121) == 240_000)
  }

  @Test("F36: negative amounts, overlong steps and amounts beyond reason are no tariff")
  func refused() {
    #expect(throws: TariffError.self) { try Self.tariff(-1) }
    #expect(throws: TariffError.self) { try Self.tariff(.max) }
    #expect(throws: TariffError.self) { try Self.tariff(1, fee: -1) }
    #expect(throws: TariffError.self) { try Self.tariff(1, increment: 0) }
    #expect(throws: TariffError.self) { try Self.tariff(1, minimum: 90_000) }
    #expect(throws: TariffError.self) { try Self.tariff(1, free: -1) }
    #expect(throws: TariffError.self) { try Self.tariff(1, rounding: 0) }
    let step = Tariff.Step(from: Bench.noon, pricePerMinute: 1)
    #expect(throws: TariffError.self) { try Self.tariff(1, steps: [step, step]) }
  }

  @Test("F36: the dearest tariff over the longest call is counted, a longer call is refused")
  func range() throws {
    let tariff = try Self.tariff(Tariff.highestAmount, fee: Tariff.highestAmount)
    #expect(tariff.cost(of: Tariff.longestTalk, answeredAt: Bench.noon) != nil)
    #expect(
      tariff.cost(of: Tariff.longestTalk + .seconds(1), answeredAt: Bench.noon) == nil)
    #expect(tariff.cost(of: .seconds(-1), answeredAt: Bench.noon) == nil)
  }

  /// The price of a call, second by second: as slow and as plain as can be.
  private func plain(_ tariff: Tariff, milliseconds: Int64) -> Int64 {
    let seconds = max(1, Int(milliseconds + 999) / 1000)
    var (sixtieths, paid): (Int64, Int) = (0, tariff.freeSeconds)
    while paid < seconds {
      let begun = paid - tariff.freeSeconds
      let step =
        begun == 0 && tariff.minimumSeconds > 0 ? tariff.minimumSeconds : tariff.incrementSeconds
      let moment = Bench.noon + .seconds(paid)
      let price =
        tariff.steps.last { $0.from <= moment }?.pricePerMinute ?? tariff.pricePerMinute
      sixtieths += Int64(step) * price
      paid += step
    }
    let sum = (sixtieths + 59) / 60 + tariff.connectionFee
    return (sum + tariff.roundingMicros - 1) / tariff.roundingMicros * tariff.roundingMicros
  }

  private func random(_ dice: inout SplitMix) throws -> Tariff {
    var at = Bench.noon
    var steps: [Tariff.Step] = []
    for _ in 0..<Int.random(in: 0...3, using: &dice) {
      at = at + .milliseconds(Int64.random(in: 1...200_000, using: &dice))
      steps.append(
        Tariff.Step(from: at, pricePerMinute: Int64.random(in: 0...2_000_000, using: &dice)))
    }
    return try Self.tariff(
      Int64.random(in: 0...2_000_000, using: &dice),
      fee: Int64.random(in: 0...500_000, using: &dice),
      minimum: [0, 0, 1, 10, 30, 60].randomElement(using: &dice) ?? 0,
      increment: [1, 1, 6, 30, 60].randomElement(using: &dice) ?? 1,
      free: [0, 0, 5, 30].randomElement(using: &dice) ?? 0,
      rounding: [1, 100, 10_000].randomElement(using: &dice) ?? 1, steps: steps)
  }

  @Test(
    "The tariff agrees with a count second by second, never falls, and its ceiling holds",
    arguments: UInt64(1)...40)
  func properties(seed: UInt64) throws {
    var dice = SplitMix(seed: seed)
    for _ in 0..<25 {
      let tariff = try random(&dice)
      var last: Int64 = 0
      var talk: Int64 = 0
      for _ in 0..<20 {
        let cost = try #require(tariff.cost(ofMilliseconds: talk, answeredAt: Bench.noon))
        #expect(cost == plain(tariff, milliseconds: talk))
        #expect(cost >= last)
        let through = tariff.paidThrough(talk)
        #expect(tariff.cost(ofMilliseconds: through, answeredAt: Bench.noon) == cost)
        let before = Bench.noon + .milliseconds(-Int64.random(in: 0...100_000, using: &dice))
        let ceiling = tariff.ceiling(
          ofMilliseconds: talk, answeredFrom: before, through: Bench.noon + .seconds(60))
        #expect(try #require(ceiling) >= cost)
        last = cost
        talk += Int64.random(in: 0...30_000, using: &dice)
      }
    }
  }
}
