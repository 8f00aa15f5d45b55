import Directory
import Elements
import Limits
import Numbering
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct NoveltyTests {
  private func ends(
    _ bench: Bench, from address: String = "198.51.100.7:5062"
  ) -> (phone: UserAgent, carrier: UserAgent) {
    let phone = UserAgent(bench, user: "101", address: address)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    phone.register()
    return (phone, carrier)
  }

  private func call(_ number: String, _ phone: UserAgent, _ bench: Bench) {
    phone.call(number)
    bench.run(for: .seconds(3))
    phone.hangUp()
    bench.run(for: .seconds(1))
  }

  private func told(_ bench: Bench, _ kind: Alert.Kind) -> [Alert] {
    bench.alerts.filter { $0.kind == kind }
  }

  @Test("The first paid call to a country is told once, with who, where from and where to")
  func newCountry() throws {
    let bench = try Bench()
    let (phone, _) = ends(bench)
    call("976333444", phone, bench)
    #expect(told(bench, .newCountry).isEmpty, "home is no news")
    call("+442079460000", phone, bench)
    call("+442079460001", phone, bench)
    let alert = try #require(told(bench, .newCountry).first)
    #expect(told(bench, .newCountry).count == 1)
    #expect(alert.tenant == bench.core.rules.directory.tenants.first?.id)
    let facts = Dictionary(alert.facts.map { ($0.name, $0.value) }) { first, _ in first }
    #expect(facts["subject"] == "office 101" && facts["country"] == "GB")
    #expect(facts["to"] == "+442079460000" && facts["from"] == "198.51.100.7:5062")
    call("+8821234567890", phone, bench)
    #expect(told(bench, .newCountry).count == 2, "numbers of no country are a country of their own")
    let batch = try #require(
      bench.journal.first { batch in
        batch.entries.contains { if case .alert(alert) = $0 { true } else { false } }
      })
    #expect(batch.entries.contains { if case .novelty = $0 { true } else { false } })
  }

  @Test("The first network of an account is no news, the next one is; a refused call tells nothing")
  func newNetwork() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    call("976333444", phone, bench)
    let neighbour = UserAgent(bench, user: "101", address: "198.51.100.200:5062")
    call("976333444", neighbour, bench)
    #expect(told(bench, .newNetwork).isEmpty)
    let thief = UserAgent(bench, user: "101", address: "203.0.113.66:5062")
    call("803123456", thief, bench)
    #expect(told(bench, .newNetwork).isEmpty, "a closed number")
    call("102", thief, bench)
    #expect(told(bench, .newNetwork).isEmpty, "a colleague")
    call("976333444", thief, bench)
    call("976333444", thief, bench)
    #expect(told(bench, .newNetwork).count == 1)
    let facts = told(bench, .newNetwork).flatMap(\.facts)
    #expect(facts.contains(Alert.Fact("network", "203.0.113.0/24")))
    #expect(carrier.received(.invite).count == 4)
  }

  @Test("Where files say which country an address is in, the alert does")
  func located() throws {
    var town = Town()
    town.countries = try CountryTable(
      parsing: [CountryFile(name: "c", bytes: Array("203.0.113.0/24,FR\n".utf8))])
    let bench = try Bench(town)
    let (phone, _) = ends(bench)
    call("976333444", phone, bench)
    call("976333444", UserAgent(bench, user: "101", address: "203.0.113.66:5062"), bench)
    call("976333444", UserAgent(bench, user: "101", address: "192.0.2.200:5062"), bench)
    let facts = told(bench, .newNetwork).map { alert in
      alert.facts.filter { $0.name == "located in" }.map(\.value)
    }
    #expect(facts == [["FR"], []])
  }

  @Test("Of a forwarded call the caller's network is not the payer's")
  func forwarded() throws {
    var town = Town()
    town.office("102") { $0.forwards.always = "+442079460000" }
    let bench = try Bench(town)
    let (phone, _) = ends(bench)
    call("102", phone, bench)
    #expect(told(bench, .newNetwork).isEmpty)
    let facts = try #require(told(bench, .newCountry).first).facts
    #expect(facts.first?.value == "office 102")
    #expect(facts.contains(Alert.Fact("to", "+442079460000")))
    #expect(facts.contains(Alert.Fact("country", "GB")))
    #expect(facts.contains(Alert.Fact("forwarded by", "office 102")))
    let other = UserAgent(bench, user: "101", address: "203.0.113.66:5062")
    call("102", other, bench)
    #expect(told(bench, .newNetwork).isEmpty && told(bench, .newCountry).count == 1)
  }

  @Test("A restart, from the journal or from a checkpoint, neither tells again nor forgets")
  func restart() throws {
    for usesCheckpoint in [false, true] {
      let bench = try Bench()
      let (phone, _) = ends(bench)
      call("+442079460000", phone, bench)
      #expect(told(bench, .newCountry).count == 1)
      try bench.restart(from: usesCheckpoint ? bench.core.checkpoint() : nil)
      call("+442079460000", phone, bench)
      #expect(told(bench, .newCountry).count == 1)
      let thief = UserAgent(bench, user: "101", address: "203.0.113.66:5062")
      call("976333444", thief, bench)
      #expect(told(bench, .newNetwork).count == 1)
    }
  }

  @Test("Memory is bounded, and ends with the extension")
  func bounded() throws {
    var novelties = Novelties()
    let account = AccountID(7)
    for number in 0..<1000 {
      novelties.take(.network(account, IPAddress(v4: UInt32(number) << 8)))
      novelties.take(.country(account, Region(code: UInt16(number))))
    }
    #expect(novelties.checkpoint().count == Novelties.countriesKept + Novelties.networksKept)
    #expect(novelties.knows(.network(account, IPAddress(v4: 999 << 8))))
    #expect(!novelties.knows(.network(account, IPAddress(v4: 0))))
    novelties.retain { $0 != account }
    #expect(novelties.checkpoint().isEmpty)
  }
}
