import Directory
import Elements
import Guard
import SIP
import Testing

@testable import Switch

/// What is told of strangers, and what is done for others' word, with real messages.
@Suite struct SharingTests {
  private static let thiefAddress = "203.0.113.9"

  private func guess(_ bench: Bench, _ user: String, port: Int) {
    let thief = UserAgent(bench, user: user, address: "\(Self.thiefAddress):\(port)")
    thief.password = "guess"
    thief.register()
  }

  private func findings(_ bench: Bench) -> [Finding] {
    bench.publications.compactMap { if case .found(let finding) = $0 { finding } else { nil } }
  }

  private func makeBench(announcing announces: Bool = true) throws -> Bench {
    try Bench { $0.sharesBans = announces }
  }

  private var network: IPNetwork { IPNetwork(IPAddress(Self.thiefAddress) ?? .v4Any) }

  @Test("Who looks for users is told of, once, with what was seen")
  func search() throws {
    let bench = try makeBench()
    for number in 0..<5 { guess(bench, "9\(number)", port: 6_000 + number) }
    let found = findings(bench)
    #expect(found.map(\.network) == [network])
    #expect(found.first?.offence == .wrongCredentials && found.first?.score == 5)
    #expect(found.first.map { $0.expires - $0.last } == .seconds(300))
  }

  @Test("Nobody is told anything where nobody wants to know")
  func quiet() throws {
    let bench = try makeBench(announcing: false)
    for number in 0..<5 { guess(bench, "9\(number)", port: 6_000 + number) }
    #expect(findings(bench).isEmpty)
  }

  @Test(
    "Old passwords of one tenant's own phones stay its own affair, although they ban the address")
  func ownAccounts() throws {
    let bench = try makeBench()
    let users = ["101", "102", "103", "91", "92"]
    for (number, user) in users.enumerated() { guess(bench, user, port: 6_000 + number) }
    guard case .bans(let bans)? = bench.ask(.bans(.list)) else {
      Issue.record("no list")
      return
    }
    #expect(bans.map(\.subject) == [.network(network)])
    #expect(findings(bench).isEmpty)
  }

  @Test(
    "What others list is dropped, in the kernel too, until a person lifts it or they take it back")
  func heard() throws {
    let bench = try makeBench()
    let until = bench.now.wall + .seconds(300)
    var bars: [String] {
      defer { bench.publications.removeAll() }
      return bench.publications.compactMap {
        switch $0 {
        case .bar(let network, _): "bar \(network)"
        case .unbar(let network): "unbar \(network)"
        case .absolved(let network): "absolved \(network)"
        case .reply, .log, .drained, .found, .spared: nil
        }
      }
    }
    func registers() -> Bool {
      let thief = UserAgent(bench, user: "101", address: "\(Self.thiefAddress):6000")
      thief.register()
      return thief.lastStatus == 200
    }
    let listing = ListChange.list(Listed(network, until: until))
    bench.command(.bans(.hear([listing])))
    #expect(bars == ["bar \(network)"])
    #expect(!registers())
    bench.command(.bans(.hear([.unlist(network)])))
    #expect(bars == ["unbar \(network)"])
    bench.command(.bans(.hear([listing])))
    bench.publications.removeAll()
    // Nothing of it is in the journal, so that no batch is waited for.
    guard case .done? = bench.ask(.bans(.lift(network, by: "anna"))) else {
      Issue.record("no answer")
      return
    }
    #expect(bars == ["unbar \(network)", "absolved \(network)"])
    #expect(registers())
    // Where a phone is known now, others' word closes no door.
    bench.command(.bans(.hear([listing])))
    #expect(bars == [])
  }

  @Test(
    "A48: a carrier's address in a list closes no door, also where the list is known before the carrier"
  )
  func carrier() throws {
    var elsewhere = Town()
    elsewhere.document.trunks[0].address = "sip:192.0.2.77:5060;transport=udp"
    let bench = try Bench(elsewhere) { $0.sharesBans = true }
    let carrier = try #require(IPNetwork("192.0.2.50"))
    let listing = ListChange.list(Listed(carrier, until: bench.now.wall + .seconds(300)))
    bench.core.restore(listed: [listing], at: bench.now)
    var town = bench.town
    town.document.trunks[0].sources = ["192.0.2.50"]
    bench.town = town
    try bench.adopt(revision: 2)
    bench.command(.bans(.hear([listing])))
    let bars = bench.publications.contains { if case .bar = $0 { true } else { false } }
    #expect(!bars)
  }
}
