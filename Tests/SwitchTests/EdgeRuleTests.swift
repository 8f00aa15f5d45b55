import Elements
import Guard
import Testing

@testable import Switch

/// What the edge tells those who carry messages.
@Suite struct EdgeRuleTests {
  @Test("A08: a flood over IPv4 thins out nobody over IPv6, and the other way round")
  func siegeOfOneFamily() throws {
    let bench = try Bench()
    bench.happen(.unheard(ByFamily(both: 0)))
    bench.run(for: .seconds(1))
    bench.happen(.unheard(ByFamily(v4: 50_000, v6: 0)))
    let sieve = try #require(bench.sieve)
    #expect(sieve.program(isV4: true)?.isEmpty == false)
    #expect(sieve.program(isV4: false) == [])
    for _ in 0..<9 {
      bench.run(for: .seconds(1))
      bench.happen(.unheard(ByFamily(v4: 50_000, v6: 0)))
    }
    bench.run(for: .seconds(1))
    bench.happen(.unheard(ByFamily(v4: 50_000, v6: 50_000)))
    let other = try #require(bench.sieve)
    #expect(other.program(isV4: true) == [], "it is over there")
    #expect(other.program(isV4: false)?.isEmpty == false)
  }
}
