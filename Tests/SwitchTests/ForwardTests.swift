import Directory
import Elements
import Limits
import Relay
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct ForwardTests {
  private func bench(_ change: (inout ForwardEntry) -> Void) throws -> Bench {
    var town = Town()
    town.office("102") { change(&$0.forwards) }
    return try Bench(town)
  }

  private func ends(
    _ bench: Bench, _ manner: UserAgent.Manner?
  ) -> (caller: UserAgent, carrier: UserAgent) {
    let caller = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    caller.register()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    if let manner {
      let callee = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
      callee.manner = manner
      callee.register()
    }
    return (caller, carrier)
  }

  private func payer(_ bench: Bench, _ number: String) -> AccountID? {
    bench.core.rules.directory.extensions.first { "\($0.digits)" == number }?.account
  }

  @Test(
    "F11: each kind of forward to the outside is charged to the account that set it up",
    arguments: ["always", "busy", "noAnswer", "notRegistered"])
  func kinds(kind: String) throws {
    let bench = try bench { forwards in
      switch kind {
      case "always": forwards.always = "976333444"
      case "busy": forwards.busy = "976333444"
      case "noAnswer":
        forwards.noAnswer = "976333444"
        forwards.noAnswerSeconds = 10
      case _: forwards.notRegistered = "976333444"
      }
    }
    let manner: UserAgent.Manner? =
      kind == "busy" ? .refuses(486, []) : kind == "noAnswer" ? .rings : nil
    let (caller, carrier) = ends(bench, manner)
    caller.call("102")
    bench.run(for: .seconds(15))
    #expect(carrier.received(.invite).count == 1)
    #expect(caller.statuses().last == 200)
    caller.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(record.payer == payer(bench, "102"))
    #expect(record.sell.map { $0.micros > 0 } == true)
    #expect(
      carrier.received(.invite).first?.text(.assertedIdentity)?.contains(Town.groupDDI) == true)
    let reasons = ["always": "unconditional", "busy": "user-busy", "noAnswer": "no-answer"]
    let diversion = try #require(try carrier.received(.invite).first?.diversions().first)
    #expect(diversion.reason == reasons[kind] ?? "unavailable" && !diversion.isPrivate)
  }

  @Test("RFC 5806 §4: who sent it on is written as the carrier has numbers, and hidden if withheld")
  func diversion() throws {
    var town = Town()
    town.document.trunks[0].numberFormat = "international"
    town.office("102") {
      $0.forwards.always = "976333444"
      $0.callerID.withhold = true
    }
    let bench = try Bench(town)
    let (caller, carrier) = ends(bench, nil)
    caller.call("102")
    bench.run(for: .seconds(2))
    let diversion = try #require(try carrier.received(.invite).first?.diversions().first)
    #expect(diversion.isPrivate)
    #expect("\(diversion.uri)".hasPrefix("sip:00\(Town.groupDDI.dropFirst())@"))
  }

  @Test("F11: a forward to a closed destination goes nowhere, whoever calls")
  func closedDestination() throws {
    let bench = try bench { $0.always = "803123456" }
    let (caller, carrier) = ends(bench, nil)
    caller.call("102")
    bench.run(for: .seconds(2))
    #expect(caller.lastStatus == 403 && carrier.received(.invite).isEmpty)
  }

  @Test("A16, F12: a circle of forwards ends with 482, nothing rings and nothing is charged")
  func circle() throws {
    var town = Town()
    town.office("102") { $0.forwards.always = "103" }
    town.office("103") { $0.forwards.always = "104" }
    town.office("104") { $0.forwards.always = "102" }
    let bench = try Bench(town)
    let (caller, carrier) = ends(bench, nil)
    caller.call("102")
    bench.run(for: .seconds(2))
    #expect(caller.lastStatus == 482 && carrier.received(.invite).isEmpty)
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test("A16: a chain of forwards that is no circle ends at its limit, too", arguments: [2, 3])
  func longChain(limit: Int) throws {
    var town = Town()
    town.office("102") { $0.forwards.always = "103" }
    town.office("103") { $0.forwards.always = "104" }
    town.office("104") { $0.forwards.always = "976333444" }
    let bench = try Bench(town) { $0.calls.forwards = limit }
    let (caller, carrier) = ends(bench, nil)
    caller.call("102")
    bench.run(for: .seconds(3))
    #expect(caller.lastStatus == (limit == 3 ? 200 : 482))
    #expect(carrier.received(.invite).count == (limit == 3 ? 1 : 0))
  }

  @Test("F12: a chain over extensions ends outside and is charged to the last that forwarded")
  func chain() throws {
    var town = Town()
    town.office("102") { $0.forwards.always = "103" }
    town.office("103") { $0.forwards.notRegistered = "976333444" }
    let bench = try Bench(town)
    let (caller, carrier) = ends(bench, nil)
    caller.call("102")
    bench.run(for: .seconds(3))
    #expect(caller.lastStatus == 200)
    #expect(carrier.received(.invite).count == 1)
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.first?.payer == payer(bench, "103"))
  }

  @Test("An inbound call that is forwarded to the outside is charged to the extension it was for")
  func inbound() throws {
    var town = Town()
    town.office("101") { $0.forwards.notRegistered = "976333444" }
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    carrier.call(
      Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(3))
    #expect(carrier.received(.invite).count == 1 && carrier.lastStatus == 200)
    #expect(carrier.received(.invite).first?.text(.diversion)?.contains(Town.ddi) == true)
    carrier.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(record.payer == payer(bench, "101") && record.direction == .inbound)
  }

  /// The group of 101 and 102, then 103, called from the carrier.
  private func callGroup(
    _ change: (inout Town) -> Void
  ) throws -> (bench: Bench, carrier: UserAgent) {
    var town = Town()
    change(&town)
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .rings
    for (number, port) in [("101", 5062), ("102", 5064), ("103", 5066)] {
      let phone = UserAgent(bench, user: number, address: "198.51.100.7:\(port)")
      phone.manner = .rings
      phone.register()
    }
    carrier.call(
      Town.groupDDI,
      target: URI(user: Town.groupDDI, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(1))
    return (bench, carrier)
  }

  private func rung(_ bench: Bench) -> [String] {
    bench.agents.values.filter { !$0.received(.invite).isEmpty && !$0.user.isEmpty }
      .map(\.user).sorted()
  }

  @Test(
    "F18: a member of a group who sends all calls elsewhere rings there, holds and pays; the rest ring"
  )
  func memberForwards() throws {
    let (bench, carrier) = try callGroup { town in
      town.office("101") { $0.forwards.always = "976333444" }
      town.office("102") { $0.forwards.always = "976333445" }
    }
    #expect(rung(bench) == [])
    #expect(
      carrier.received(.invite).map { $0.requestURI?.userText ?? "" }.sorted() == [
        "+34976333444", "+34976333445",
      ])
    #expect(bench.core.ledger.openHolds.count == 2)
    let mobile = try #require(
      carrier.open.first { $0.message.requestURI?.userText == "+34976333445" })
    carrier.answer(mobile.server, 200, body: Bench.sdp)
    bench.run(for: .seconds(2))
    #expect(carrier.lastStatus == 200 && bench.core.ledger.openHolds.count == 1)
    carrier.hangUp()
    bench.run(for: .seconds(2))
    let record = try #require(bench.records.first)
    #expect(record.payer == payer(bench, "102") && bench.core.ledger.openHolds.isEmpty)
    #expect(record.forwardedBy.map { $0.number } == payer(bench, "102").map { $0.number })
  }

  @Test(
    "A record names whose forward a call took, answered or not, and nobody where a colleague answered"
  )
  func forwarderNamed() throws {
    let (bench, carrier) = try callGroup { $0.office("101") { $0.forwards.always = "976333444" } }
    let desk = try #require(bench.agents.values.first { $0.user == "102" })
    desk.answer(try #require(desk.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    carrier.hangUp()
    bench.run(for: .seconds(2))
    #expect(bench.records.map(\.forwardedBy) == [nil])
    let other = try self.bench { $0.always = "976333444" }
    let (caller, outside) = ends(other, nil)
    outside.manner = .refuses(486, [])
    caller.call("102")
    other.run(for: .seconds(2))
    let line = other.core.rules.directory.extensions.first { "\($0.digits)" == "102" }
    #expect(other.records.map(\.forwardedBy) == [line?.id])
  }

  @Test(
    "F18: a member's blocked account or closed destination takes nothing from the other members")
  func memberRefused() throws {
    let (bench, carrier) = try callGroup { $0.office("101") { $0.forwards.always = "803123456" } }
    #expect(rung(bench) == ["102"] && carrier.received(.invite).isEmpty)
    let (other, outside) = try callGroup { town in
      town.office("101") { line in
        line.forwards.always = "976333444"
        line.limits = .account
        line.limits?.spend.dayMicros = 0
      }
    }
    #expect(rung(other) == ["102"] && outside.received(.invite).isEmpty)
    other.run(for: .seconds(12))
    #expect(rung(other) == ["102", "103"], "the next step follows")
  }

  @Test("F18: Members who send their calls to their own group add nothing to what it rings")
  func memberForwardsToItsGroup() throws {
    let (bench, carrier) = try callGroup { town in
      town.document.tenants[0].numbers[1].steps[0].extensions = ["101", "102", "103", "104"]
      town.office("101") { $0.forwards.always = Town.groupDDI }
      town.office("102") { $0.forwards.always = Town.groupDDI }
      town.office("103") { $0.forwards.always = "976333444" }
    }
    #expect(carrier.received(.invite).count == 1 && bench.core.ledger.openHolds.count == 1)
    carrier.cancel()
    bench.run(for: .seconds(2))
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test("A step that leads back to its own number takes no forward from the others, and adds none")
  func stepForwardsToItsNumber() throws {
    func call(_ change: (inout Town) -> Void) throws -> (bench: Bench, carrier: UserAgent) {
      try callGroup { town in
        town.document.tenants[0].numbers[1].steps = [
          RingStepEntry(extensions: ["101"], seconds: 5),
          RingStepEntry(extensions: ["103"], seconds: 5),
        ]
        town.office("101") { $0.forwards.always = Town.groupDDI }
        change(&town)
      }
    }
    let (bench, carrier) = try call { _ in }
    bench.run(for: .seconds(60))
    #expect(rung(bench) == ["103"] && carrier.lastStatus == 480)
    let desk = try #require(bench.agents.values.first { $0.user == "103" })
    #expect(desk.received(.invite).count == 1)
    let (other, outside) = try call { $0.office("103") { $0.forwards.always = "976333444" } }
    #expect(outside.received(.invite).count == 1 && other.core.ledger.openHolds.count == 1)
  }

  @Test("F12: However groups forward in circles, finding out whom a call rings is little work")
  func circlesAreCheap() throws {
    var town = Town()
    let numbers = (1...12).map { "+34976111\(400 + $0)" }
    let office = town.document.tenants[0].extensions[1]
    let members = (1...12).map { index in
      var line = office
      line.number = "\(200 + index)"
      line.devices = []
      line.forwards.always = numbers[index - 1]
      return line
    }
    town.document.tenants[0].extensions += members
    town.document.tenants[0].numbers += numbers.map { number in
      NumberEntry(
        first: number,
        steps: [RingStepEntry(extensions: members.map(\.number) + ["104"], seconds: 10)])
    }
    let bench = try Bench(town)
    let lines = bench.core.rules.directory.extensions
    let caller = try #require(lines.first { "\($0.digits)" == "101" })
    var trail = Trail(forwards: 0)
    let steps = try bench.core.router.forward(
      to: Array(numbers[0].utf8), by: caller, because: "user-busy", shown: .unknown, trail: &trail,
      at: bench.now.wall)
    #expect(steps.map(\.targets.count) == [1] && trail.lookups < 200)
    #expect(trail.forwards <= 5)
  }

  @Test("Other forwards of a group's members are not followed: the group goes on to its next step")
  func memberBusy() throws {
    let (bench, carrier) = try callGroup { town in
      town.office("101") { $0.forwards.noAnswer = "976333444" }
      town.office("102") { line in
        line.forwards.always = "101"
        line.forwards.notRegistered = "976333445"
      }
    }
    #expect(rung(bench) == ["101"], "who is reached twice rings once")
    bench.run(for: .seconds(12))
    #expect(rung(bench) == ["101", "103"] && carrier.received(.invite).isEmpty)
  }

  @Test(
    "A free leg that answers after a paid one has failed is not cut when the paid time would end")
  func freeAfterPaid() throws {
    var town = Town()
    town.office("101") { $0.forwards.always = "976333444" }
    town.document.tenants[0].numbers[0].steps = [
      RingStepEntry(extensions: ["101"], seconds: 10),
      RingStepEntry(extensions: ["103"], seconds: 20),
    ]
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .refuses(486, [])
    let desk = UserAgent(bench, user: "103", address: "198.51.100.7:5062")
    desk.manner = .answers(after: .seconds(1))
    desk.register()
    carrier.call(
      Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(5))
    #expect(carrier.lastStatus == 200)
    let untils = bench.commands.compactMap { command -> Instant? in
      if case .renew(_, let until) = command { until } else { nil }
    }
    #expect(untils.last.map { $0 > bench.now.instant + .seconds(3600) } == true)
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test(
    "F13, A35: a phone's 302 to a paid number is refused unless its extension allows it, then it pays"
  )
  func redirect() throws {
    let contact = HeaderDraft(.contact, "<sip:976333444@192.0.2.50>")
    let closed = try bench { _ in }
    let (caller, carrier) = ends(closed, .refuses(302, [contact]))
    caller.call("102")
    closed.run(for: .seconds(3))
    #expect(caller.lastStatus == 480 && carrier.received(.invite).isEmpty)

    let open = try bench { $0.byPhone = true }
    let (second, outside) = ends(open, .refuses(302, [contact]))
    second.call("102")
    open.run(for: .seconds(3))
    #expect(outside.received(.invite).count == 1 && second.lastStatus == 200)
    second.hangUp()
    open.run(for: .seconds(1))
    #expect(open.records.first?.payer == payer(open, "102"))
  }
}
