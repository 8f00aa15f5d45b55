import Elements
import Testing

@testable import Limits

/// What is told of a limit before it is reached.
@Suite struct ShareTests {
  private let money = Meter(.money, per: .day)

  private func spend(_ bench: inout Bench, euros: Int64) throws {
    try bench.call(.perMinute(0, fee: euros * 1000), lasting: .seconds(1))
  }

  @Test("I6: shares at 50, 80 and 100 percent and the block are told once each")
  func notices() throws {
    var bench = Bench(account: Bench.day(10))
    for _ in 0..<12 { try? spend(&bench, euros: 1) }
    let told = bench.notices.compactMap {
      if case .share(_, money, let percent, _, _) = $0 { percent } else { nil }
    }
    #expect(told == [50, 80, 100])
    #expect(bench.blocks == 1)
  }

  @Test(
    "I6: of a larger limit, or with a grant, the shares are told again as they are crossed, behind a death too",
    arguments: [true, false])
  func noticesOfMore(isGrant: Bool) throws {
    var bench = Bench(account: Bench.day(10))
    for _ in 0..<9 { try spend(&bench, euros: 1) }
    if isGrant {
      #expect(throws: LimitError.self) { try spend(&bench, euros: 2) }
      let unblocked = bench.unblock()
      #expect(unblocked)
    } else {
      bench.change { $0.moneyPerDay = 20_000_000 }
    }
    for _ in 0..<2 { try spend(&bench, euros: 1) }
    try bench.crash()
    for _ in 0..<9 { try spend(&bench, euros: 1) }
    let told: [Int64] = bench.notices.compactMap {
      guard case .share(_, money, let percent, _, let limit) = $0 else { return nil }
      return limit / 1000 + Int64(percent)
    }
    // In thousandths of a euro, and percent.
    #expect(told == [10_050, 10_080, 20_050, 20_080, 20_100])
    bench.change { $0.moneyPerDay = 5_000_000 }
    #expect(throws: LimitError.self) { try spend(&bench, euros: 1) }
  }
}
