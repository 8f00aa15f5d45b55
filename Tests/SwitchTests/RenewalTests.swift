import Directory
import Elements
import Limits
import Relay
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// The next slice of a call that goes on.
@Suite struct RenewalTests {
  /// A call that has been answered at a price of the deck: fee, price per minute, minimum, increment, and rounding.
  private func talking(
    at price: String, _ change: (inout Town) -> Void = { _ in }
  ) throws -> (bench: Bench, phone: UserAgent, carrier: UserAgent) {
    var town = Town()
    town.retail = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s,rounding
      34,Spain,\(price)

      """
    change(&town)
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(phone.lastStatus == 200)
    return (bench, phone, carrier)
  }

  @Test(
    "A slice that costs no more than what is held is there at once: the call goes on, and the relay with it",
    arguments: [("0,0,0,1,", Int64(0)), ("0.10,0,0,1,", 100_000), ("0,0.006,0,1,0.01", 20_000)])
  func nothingToWrite(price: String, cost: Int64) throws {
    let (bench, phone, carrier) = try talking(at: price)
    bench.run(for: .seconds(120))
    #expect(carrier.received(.bye).isEmpty && phone.received(.bye).isEmpty)
    #expect(bench.records.isEmpty && bench.core.calls.count == 1)
    let until = bench.commands.compactMap {
      if case .renew(_, let until) = $0 { until } else { nil }
    }.max()
    #expect(try #require(until) > bench.now.instant)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.cause) == [.normal])
    #expect(bench.records.first?.sell?.micros == cost)
    #expect(bench.loadAtRest().isAtRest)
  }
}
