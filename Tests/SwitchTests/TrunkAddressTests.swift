import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A carrier whose name leads to several addresses (RFC 3263 §4.3): a silent one is passed over.
@Suite struct TrunkAddressTests {
  private let name = "sip.carrier.example"

  private struct Ends {
    let bench: Bench
    let phone: UserAgent
    /// At the two addresses of the first trunk.
    let first: UserAgent
    let second: UserAgent
    /// The second trunk.
    let spare: UserAgent

    var downs: Int { bench.alerts.count { $0.kind == .trunkDown } }

    /// Calls, and tells who has got the INVITE that was answered.
    func callAnswered() -> UserAgent? {
      let before = [first, second, spare].map { $0.received(.invite).count }
      phone.call("976333444")
      bench.run(for: .seconds(2))
      guard phone.lastStatus == 200 else { return nil }
      phone.hangUp()
      bench.run(for: .seconds(1))
      return zip([first, second, spare], before).first { $0.received(.invite).count > $1 }?.0
    }
  }

  private func ends(
    probe: Int, isFirstDeaf: Bool = false, _ change: (inout TrunkEntry) -> Void = { _ in }
  ) throws -> Ends {
    var town = Town()
    town.document.trunks[0].address = "sip:\(name):5060;transport=udp"
    town.document.trunks[0].probeSeconds = probe
    change(&town.document.trunks[0])
    let bench = try Bench(town)
    let (phone, first, spare) = bench.phoneAndCarriers()
    let second = UserAgent(bench, user: "", address: "192.0.2.52:5060", domain: "carrier.example")
    for carrier in [first, second] { carrier.manner = .answers(after: .seconds(1)) }
    if isFirstDeaf { bench.deaf.insert(first.endpoint) }
    lead(bench, to: [first, second])
    bench.run(for: .seconds(20))
    // Until then its name led nowhere.
    bench.journal.removeAll()
    return Ends(bench: bench, phone: phone, first: first, second: second, spare: spare)
  }

  /// What the name leads to from its next resolution on.
  private func lead(_ bench: Bench, to carriers: [UserAgent]) {
    bench.names[name] = carriers.first?.endpoint.address
    bench.furtherAddresses[name] = carriers.dropFirst().map(\.endpoint.address)
  }

  @Test("Probing: after two unanswered OPTIONS probes and calls go to the next address")
  func probed() throws {
    let ends = try ends(probe: 30)
    #expect(ends.callAnswered() === ends.first)
    ends.bench.deaf.insert(ends.first.endpoint)
    ends.bench.run(for: .seconds(140))
    #expect(ends.bench.state(ofTrunk: "carrier") == "up" && ends.downs == 0)
    #expect(!ends.second.received(.options).isEmpty)
    #expect(ends.callAnswered() === ends.second)
    // What was sent to the silent one fails late, and says nothing about the other.
    ends.bench.run(for: .seconds(300))
    #expect(ends.callAnswered() === ends.second && ends.downs == 0)
  }

  @Test(
    "Calls that an address leaves unanswered, even several at once, lead the next one to the other",
    arguments: [true, false])
  func calls(wasUp: Bool) throws {
    let ends = try ends(probe: 0, isFirstDeaf: !wasUp)
    if wasUp {
      #expect(ends.callAnswered() === ends.first)
      ends.bench.deaf.insert(ends.first.endpoint)
    }
    for _ in 0..<4 { ends.phone.call("976333444") }
    ends.bench.run(for: .seconds(6))
    // Each call has gone on to the next trunk, and has left one INVITE at each.
    #expect(ends.spare.received(.invite).count == 4 && ends.second.received(.invite).isEmpty)
    #expect(ends.callAnswered() === ends.second)
    ends.bench.run(for: .seconds(60))
    #expect(ends.callAnswered() === ends.second)
    #expect(ends.bench.state(ofTrunk: "carrier") == "up" && ends.downs == 0)
  }

  private func registers(_ trunk: inout TrunkEntry) {
    trunk.registration = RegistrationEntry(
      credentials: TrunkCredentials(
        username: "martinet", password: SecretText(Secret("carrier secret"))))
  }

  @Test("An address that nothing can be sent to is passed over at once", arguments: [0, 30])
  func unreachable(probe: Int) throws {
    let ends = try ends(probe: probe)
    #expect(ends.callAnswered() === ends.first)
    ends.bench.closed[ends.first.endpoint] = "connection refused"
    if probe == 0 {
      #expect(ends.callAnswered() === ends.spare)
    } else {
      ends.bench.run(for: .seconds(31))
    }
    #expect(ends.callAnswered() === ends.second && ends.downs == 0)
    // Nor do both together make a loop without a pause.
    ends.bench.closed[ends.second.endpoint] = "connection refused"
    let before = ends.bench.sent.count
    ends.bench.run(for: .seconds(300))
    #expect(ends.bench.sent.count - before < 100)
    #expect(ends.downs == (probe == 0 ? 0 : 1))
  }

  @Test("Nor do probes and registrations that fail at once at two addresses", arguments: [0, 30])
  func unreachableRegistrar(probe: Int) throws {
    let ends = try ends(probe: probe, registers)
    for carrier in [ends.first, ends.second] { ends.bench.closed[carrier.endpoint] = "refused" }
    let before = ends.bench.sent.count
    ends.bench.run(for: .seconds(1_200))
    #expect(ends.bench.sent.count - before < 600)
    #expect(ends.bench.state(ofTrunk: "carrier") == "down" && ends.downs == 1)
    ends.bench.closed.removeAll()
    ends.bench.run(for: .seconds(probe == 0 ? 901 : 75))
    #expect(ends.bench.state(ofTrunk: "carrier") == "up")
  }

  @Test(
    "Nor do two addresses that answer each probe with 503, whatever else they take",
    arguments: [true, false])
  func bothBusy(isRegistered: Bool) throws {
    let ends = try ends(probe: 30) { if isRegistered { registers(&$0) } }
    for carrier in [ends.first, ends.second] { carrier.probeAnswer = 503 }
    let before = ends.bench.sent.count
    ends.bench.run(for: .seconds(600))
    #expect(ends.bench.sent.count - before < 150)
    #expect(ends.bench.state(ofTrunk: "carrier") == "down")
    ends.second.probeAnswer = 200
    ends.bench.run(for: .seconds(30))
    #expect(ends.bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("A carrier that says no at both addresses is asked with growing pauses")
  func deniedAtBoth() throws {
    let ends = try ends(probe: 30, registers)
    for carrier in [ends.first, ends.second] {
      carrier.probeAnswer = 503
      carrier.registrar = { _ in ResponseDraft(403) }
    }
    ends.bench.run(for: .seconds(700))
    #expect(ends.bench.state(ofTrunk: "carrier") == "down")
    let asked = { ends.first.received(.register).count + ends.second.received(.register).count }
    let before = asked()
    #expect(!ends.second.received(.register).isEmpty)
    ends.bench.run(for: .seconds(3_600))
    #expect((3...14).contains(asked() - before))
  }

  @Test("What an address says of a REGISTER late, when another is asked, means nothing")
  func deniedLate() throws {
    let ends = try ends(probe: 0) { trunk in
      registers(&trunk)
      trunk.registration?.expiresSeconds = 580
    }
    ends.first.ignoresRegister = true
    lead(ends.bench, to: [ends.second])
    ends.bench.run(for: .seconds(300))
    #expect(ends.first.received(.register).count > 1 && ends.second.received(.register).isEmpty)
    ends.first.ignoresRegister = false
    ends.first.registrar = { _ in ResponseDraft(403) }
    ends.bench.run(for: .seconds(10))
    #expect(ends.second.received(.register).count == 1)
    #expect(ends.bench.state(ofTrunk: "carrier") == "up" && ends.downs == 0)
  }

  @Test("A REGISTER to an address that the name has left is followed by one to where it leads now")
  func registrationForgotten() throws {
    // Refreshed just before it is looked up again.
    let ends = try ends(probe: 0) { trunk in
      registers(&trunk)
      trunk.registration?.expiresSeconds = 580
    }
    ends.bench.deaf.insert(ends.first.endpoint)
    lead(ends.bench, to: [ends.second])
    ends.bench.run(for: .seconds(325))
    #expect(ends.second.received(.register).count == 1)
    #expect(ends.bench.state(ofTrunk: "carrier") == "up" && ends.downs == 0)
  }

  @Test("The trunk is down when all of its addresses are silent, and up by any that answers")
  func allDeaf() throws {
    let ends = try ends(probe: 30)
    for carrier in [ends.first, ends.second] { ends.bench.deaf.insert(carrier.endpoint) }
    ends.bench.run(for: .seconds(140))
    #expect(ends.bench.state(ofTrunk: "carrier") == "up" && ends.downs == 0)
    ends.bench.run(for: .seconds(100))
    #expect(ends.bench.state(ofTrunk: "carrier") == "down" && ends.downs == 1)
    #expect(ends.callAnswered() === ends.spare)
    ends.bench.deaf.remove(ends.second.endpoint)
    ends.bench.run(for: .seconds(90))
    #expect(ends.bench.state(ofTrunk: "carrier") == "up")
    #expect(ends.callAnswered() === ends.second)
  }

  @Test("A carrier that calls from one address does not hide that the other is deaf")
  func callsFromOther() throws {
    let ends = try ends(probe: 30)
    ends.bench.deaf.insert(ends.first.endpoint)
    for _ in 0..<14 {
      let target = URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address))
      ends.second.call(Town.ddi, target: target)
      ends.bench.run(for: .seconds(10))
    }
    #expect(ends.callAnswered() === ends.second)
  }

  @Test("The address in use stays first while its name leads to it, in whichever order")
  func resolvedAgain() throws {
    let ends = try ends(probe: 30)
    lead(ends.bench, to: [ends.second, ends.first])
    ends.bench.run(for: .seconds(400))
    #expect(ends.callAnswered() === ends.first)
    ends.bench.deaf.insert(ends.first.endpoint)
    ends.bench.run(for: .seconds(140))
    ends.bench.deaf.remove(ends.first.endpoint)
    lead(ends.bench, to: [ends.first, ends.second])
    ends.bench.run(for: .seconds(400))
    #expect(ends.callAnswered() === ends.second)
    lead(ends.bench, to: [ends.first])
    ends.bench.run(for: .seconds(400))
    #expect(ends.callAnswered() === ends.first && ends.downs == 0)
  }

  @Test("When another address is asked than the one that has our registration, that one gets it")
  func registrationMoves() throws {
    let ends = try ends(probe: 30, registers)
    #expect(ends.first.received(.register).count == 1)
    ends.bench.run(for: .seconds(60))
    ends.bench.deaf.insert(ends.first.endpoint)
    ends.bench.run(for: .seconds(140))
    #expect(!ends.second.received(.options).isEmpty)
    #expect(ends.second.received(.register).count == 1 && ends.downs == 0)
  }

  @Test("A REGISTER that nobody answers is sent to the next address at once")
  func registration() throws {
    let ends = try ends(probe: 0, registers)
    #expect(ends.first.received(.register).count == 1)
    ends.bench.deaf.insert(ends.first.endpoint)
    ends.bench.run(for: .seconds(340))
    #expect(ends.second.received(.register).count == 1)
    #expect(ends.bench.state(ofTrunk: "carrier") == "up" && ends.downs == 0)
    #expect(ends.callAnswered() === ends.second)
    ends.bench.deaf.insert(ends.second.endpoint)
    ends.bench.run(for: .seconds(380))
    #expect(ends.bench.state(ofTrunk: "carrier") == "down" && ends.downs == 1)
  }
}
