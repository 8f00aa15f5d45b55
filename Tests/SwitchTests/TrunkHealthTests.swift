import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Whether a trunk takes calls: found out by probes, or by the calls themselves.
@Suite struct TrunkHealthTests {
  @Test(
    "Probing: two unanswered OPTIONS and the trunk is down, alerted and skipped; any answer and it is up"
  )
  func probing() throws {
    var town = Town()
    town.document.trunks[0].probeSeconds = 30
    let bench = try Bench(town)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    bench.run(for: .seconds(1))
    #expect(carrier.received(.options).count == 1)
    #expect(bench.state(ofTrunk: "carrier") == "up")
    bench.deaf.insert(carrier.endpoint)
    bench.run(for: .seconds(140))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    #expect(bench.alerts.count { $0.kind == .trunkDown } == 1)
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(phone.statuses() == [180, 200] && spare.received(.invite).count == 1)
    #expect(bench.requests("INVITE", to: carrier.endpoint).isEmpty)
    bench.deaf.remove(carrier.endpoint)
    bench.run(for: .seconds(50))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(bench.alerts.count { $0.kind == .trunkUp } == 1)
  }

  @Test("A trunk that never answered says why, in its state and once in the log")
  func neverReached() throws {
    var town = Town()
    town.document.trunks[0].probeSeconds = 30
    let bench = try Bench(town)
    let endpoint = try #require(Endpoint("192.0.2.50:5060"))
    bench.closed[endpoint] = "the certificate ended 3 days ago"
    let (_, carrier, _) = bench.phoneAndCarriers()
    bench.run(for: .seconds(200))
    let lines = bench.publications.compactMap {
      if case .log(let line) = $0, line.event == "trunk does not answer" { line } else { nil }
    }
    // The first OPTIONS left before there was a carrier to hear it.
    #expect(
      lines.map { $0.facts.last?.value } == [
        "no response in time", "not sent: the certificate ended 3 days ago",
      ])
    #expect(
      bench.reason(ofTrunk: "carrier") == "not sent: the certificate ended 3 days ago")
    bench.closed[carrier.endpoint] = nil
    bench.run(for: .seconds(31))
    #expect(bench.state(ofTrunk: "carrier") == "up" && bench.reason(ofTrunk: "carrier") == "")
  }

  @Test(
    "A dead trunk that is not probed costs one call in ten seconds its wait, and is found again by it"
  )
  func triedAgain() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.manner = .refuses(486, [])
    phone.call("976333444")
    bench.run(for: .seconds(1))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    bench.deaf.insert(carrier.endpoint)
    func invites() -> Int {
      let calls = bench.requests("INVITE", to: carrier.endpoint).compactMap { text in
        text.split(separator: "\r\n").first { $0.hasPrefix("Call-ID:") }
      }
      return Set(calls).count
    }
    for _ in 0..<2 {
      phone.call("976333444")
      bench.run(for: .seconds(6))
    }
    #expect(bench.state(ofTrunk: "carrier") == "down" && spare.received(.invite).count == 2)
    let before = invites()
    phone.call("976333444")
    bench.run(for: .seconds(1))
    #expect(spare.received(.invite).count == 3 && invites() == before, "skipped at once")
    bench.run(for: .seconds(10))
    for _ in 0..<3 { phone.call("976333444") }
    bench.run(for: .seconds(1))
    #expect(invites() == before + 1 && spare.received(.invite).count == 5, "one tries it for all")
    bench.deaf.remove(carrier.endpoint)
    bench.run(for: .seconds(10))
    phone.call("976333444")
    bench.run(for: .seconds(1))
    #expect(bench.state(ofTrunk: "carrier") == "up" && phone.lastStatus == 486)
  }

  @Test(
    "A trunk whose name leads nowhere at the start takes calls when it does",
    arguments: [0, 3600])
  func nameResolvesLater(probe: Int) throws {
    var town = Town()
    town.document.trunks[0].address = "sip:sip.carrier.example:5060;transport=udp"
    town.document.trunks[0].probeSeconds = probe
    let bench = try Bench(town)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(spare.received(.invite).count == 1)
    bench.names["sip.carrier.example"] = carrier.endpoint.address
    bench.run(for: .seconds(60))
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).count == 1 && bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("A dead trunk whose probing or registering is switched off is found again by a call")
  func watchSwitchedOff() throws {
    for isProbed in [true, false] {
      var town = Town()
      let credentials = TrunkCredentials(
        username: "martinet", password: SecretText(Secret("carrier secret")))
      if isProbed {
        town.document.trunks[0].probeSeconds = 30
      } else {
        town.document.trunks[0].registration = RegistrationEntry(credentials: credentials)
      }
      let bench = try Bench(town)
      let (phone, carrier, _) = bench.phoneAndCarriers()
      carrier.manner = .answers(after: .seconds(1))
      bench.run(for: .seconds(1))
      #expect(bench.state(ofTrunk: "carrier") == "up")
      bench.deaf.insert(carrier.endpoint)
      // What it has accepted holds for ten minutes.
      bench.run(for: .seconds(isProbed ? 400 : 700))
      #expect(bench.state(ofTrunk: "carrier") == "down")
      bench.town.document.trunks[0].probeSeconds = 0
      bench.town.document.trunks[0].registration = nil
      try bench.adopt(revision: 2)
      // What asked it last has no answer either.
      bench.run(for: .seconds(60))
      bench.deaf.remove(carrier.endpoint)
      phone.call("976333444")
      bench.run(for: .seconds(2))
      #expect(carrier.received(.invite).count == 1 && bench.state(ofTrunk: "carrier") == "up")
    }
  }

  @Test("A trunk whose probing is switched on while the server runs is probed from then on")
  func probingSwitchedOn() throws {
    let bench = try Bench()
    let (_, carrier, _) = bench.phoneAndCarriers()
    bench.run(for: .seconds(100))
    #expect(carrier.received(.options).isEmpty)
    bench.town.document.trunks[0].probeSeconds = 30
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(1))
    #expect(carrier.received(.options).count == 1)
  }

  @Test("A trunk that is taken out is forgotten with the last of its calls, and no longer counted")
  func takenOut() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    phone.call("976333444")
    bench.run(for: .seconds(3))
    func trunksUp() -> Int? {
      if case .status(let status)? = bench.ask(.status) { status.trunksUp } else { nil }
    }
    #expect(trunksUp() == 1)
    try bench.takeOut(trunk: "carrier")
    bench.run(for: .seconds(30))
    #expect(carrier.received(.bye).isEmpty, "its calls go on")
    #expect(bench.core.trunks.count == 2 && trunksUp() == 0)
    phone.hangUp()
    bench.run(for: .seconds(2))
    #expect(carrier.received(.bye).count == 1 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.core.trunks.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }
}
