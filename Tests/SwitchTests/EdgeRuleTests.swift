import Directory
import Elements
import Guard
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What the edge tells those who carry messages, and what it takes from the configuration.
@Suite struct EdgeRuleTests {
  private static let thiefAddress = "203.0.113.9"

  private func guess(_ bench: Bench, _ user: String, passwords: Int, port: Int = 6_000) {
    let thief = UserAgent(bench, user: user, address: "\(Self.thiefAddress):\(port)")
    for number in 0..<passwords {
      thief.password = "guess \(number)"
      thief.register()
    }
  }

  private func bans(_ bench: Bench) -> [BanSubject] {
    guard case .bans(let bans)? = bench.ask(.bans(.list)) else { return [] }
    return bans.map(\.subject)
  }

  @Test("A10: an account that uses up nonces as fast as it may keeps nobody else's phones out")
  func nonceFlood() throws {
    let bench = try Bench()
    bench.core.verifier = DigestVerifier(
      secret: Secret("sixteen bytes or more"), salt: 1, usesLimit: 20, usesOfUser: 3)
    let thief = UserAgent(bench, user: "101", address: "\(Self.thiefAddress):5062")
    for number in 1...30 { thief.register(cseq: UInt32(number)) }
    let colleague = UserAgent(bench, user: "102", address: "198.51.100.7:5062")
    let other = UserAgent(
      bench, user: "101", address: "198.51.100.8:5062", domain: Town.otherDomain)
    for phone in [colleague, other] { phone.register() }
    #expect(thief.lastStatus == 401 && thief.responses.count { $0.status == 200 } == 10)
    #expect([colleague, other].map(\.lastStatus) == [200, 200])
  }

  @Test(
    "A clock that is set forward, or only right again, opens what is over by it, and what is not ends with it",
    arguments: [false, true])
  func clockAhead(wasBehind: Bool) throws {
    let bench = try Bench()
    if wasBehind {
      bench.now.wall = bench.now.wall + .seconds(-86_400)
      bench.happen(.deadline)
    }
    for number in 0..<5 { guess(bench, "9\(number)", passwords: 1, port: 6_000 + number) }
    let network = IPNetwork(try #require(IPAddress(Self.thiefAddress)))
    let other = IPNetwork(try #require(IPAddress("203.0.113.77")))
    bench.command(.bans(.add(other, lasting: .seconds(3 * 86_400), reason: "", by: "anna")))
    let end = bench.now.wall + .seconds(3 * 86_400)
    bench.publications.removeAll()
    bench.now.wall = bench.now.wall + .seconds(86_400)
    bench.happen(.deadline)
    let told = bench.publications.compactMap { publication -> String? in
      switch publication {
      case .bar(let network, let until): "bar \(network) \(until == end)"
      case .unbar(let network): "unbar \(network)"
      case .reply, .log, .drained, .found, .absolved, .spared: nil
      }
    }
    #expect(told == ["unbar \(network)", "bar \(other) true"])
    bench.publications.removeAll()
    bench.happen(.deadline)
    #expect(bench.publications.isEmpty, "told once")
  }

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

  @Test("What is too much follows the configuration in force, without a restart")
  func configured() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    func adopt(_ revision: UInt64, _ change: (inout EdgeEntry) -> Void) throws {
      var entry = EdgeEntry()
      change(&entry)
      bench.town.document.platform.edge = entry
      try bench.adopt(revision: revision)
    }
    func guessTwice(_ user: Int) {
      for number in 0..<2 {
        guess(bench, "9\(user)\(number)", passwords: 1, port: 6_000 + user)
      }
    }
    guessTwice(1)
    #expect(bans(bench).isEmpty)
    try adopt(2) { ($0.wrongUsers, $0.banSeconds, $0.knownHours) = (2, [60, 120], 48) }
    guessTwice(2)
    #expect(
      bans(bench) == [.network(IPNetwork(try #require(IPAddress(Self.thiefAddress))))],
      "the first two count as well")
    bench.run(for: .seconds(61))
    #expect(bans(bench).isEmpty)
    try adopt(3) { ($0.callsPerSecond, $0.strangersPerSecond) = (1, 100) }
    guess(bench, "930", passwords: 1)
    #expect(bans(bench).isEmpty, "five again, and what is left out is as usual")
    let settings = bench.core.admission.settings
    #expect(settings.callsOfAccount == Rate(perSecond: 1, burst: 10))
    #expect(settings.everybody == Rate(perSecond: 100, burst: 200))
    #expect(settings.ladder.count == 4 && settings.friendship == .seconds(86_400))
    bench.town.document.platform.edge = nil
    try bench.adopt(revision: 4)
    #expect(bench.core.admission.settings == GuardSettings())
  }

  @Test("Who carries connections is told where phones are, at once, again, and after a restart")
  func acquainted() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let place = IPNetwork(phone.endpoint.address)
    phone.register()
    #expect(bench.acquainted == [place])
    bench.run(for: .seconds(6 * 3_600 + 1))
    phone.register(cseq: 2)
    #expect(bench.acquainted == [place, place])
    bench.acquainted = []
    try bench.restart()
    #expect(bench.acquainted == [place])
  }
}
