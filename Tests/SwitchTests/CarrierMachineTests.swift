import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A carrier of several machines, any of which may go on with a call that another one has begun.
@Suite struct CarrierMachineTests {
  private static let connection = FlowID(78)

  private struct Ends {
    let bench: Bench
    let phone: UserAgent
    let carrier: UserAgent

    /// The carrier speaks from another address from now on, and hears what comes back there.
    func move(to address: String, over connection: FlowID? = nil) throws {
      let endpoint = try #require(Endpoint(address))
      bench.agents[endpoint] = carrier
      (carrier.source, carrier.connection, carrier.stream) = (endpoint, connection, .tls)
    }

    /// Sends a request of the carrier in the call, and tells what it is answered.
    func answer(_ method: Method, _ body: String? = nil) throws -> UInt16? {
      let dialog = try #require(carrier.dialog)
      let before = carrier.responses.count
      carrier.send(in: dialog, RequestDraft(method, body: body.map { .sdp(Array($0.utf8)) }))
      bench.run(for: .seconds(1))
      return carrier.responses.dropFirst(before).last { $0.cseq.method == method }?.status?.number
    }

    var isUp: Bool { bench.core.calls.values.first?.value.phase == .talking }
  }

  /// A call to the carrier, or of it, that has been answered.
  private func talking(
    fromCarrier: Bool, _ change: (inout TrunkEntry) -> Void = { _ in }
  ) throws -> Ends {
    var town = Town()
    town.document.trunks[0].sources = ["192.0.2.50/32", "192.0.2.53/32"]
    change(&town.document.trunks[0])
    let bench = try Bench(town)
    bench.names["sip.carrier.example"] = IPAddress("192.0.2.50")
    bench.furtherAddresses["sip.carrier.example"] = [IPAddress("192.0.2.53")].compactMap { $0 }
    bench.run(for: .seconds(20))
    let (phone, carrier, _) = bench.phoneAndCarriers()
    for end in [phone, carrier] { end.manner = .answers(after: .seconds(1)) }
    if fromCarrier {
      let host = Host.address(Bench.switchEndpoint.address)
      carrier.call(
        Town.ddi, from: carrier.address("+34600111222"), target: URI(user: Town.ddi, host: host))
    } else {
      phone.call("976333444")
    }
    bench.run(for: .seconds(3))
    let ends = Ends(bench: bench, phone: phone, carrier: carrier)
    #expect(ends.isUp)
    return ends
  }

  @Test(
    "Requests in a call from another address of its list are the carrier's",
    arguments: [true, false])
  func listed(fromCarrier: Bool) throws {
    let ends = try talking(fromCarrier: fromCarrier)
    try ends.move(to: "192.0.2.53:5060")
    #expect(try ends.answer(.info) == 200)
    #expect(try ends.answer(.invite, Bench.sdp.replacing("sendrecv", with: "sendonly")) == 200)
    #expect(try ends.answer(.update) == 200)
    #expect(try ends.answer(.bye) == 200)
    #expect(ends.phone.received(.bye).count == 1 && ends.bench.core.calls.isEmpty)
    #expect(ends.bench.records.map(\.cause) == [.normal])
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("So are those from another address that its name leads to")
  func named() throws {
    let ends = try talking(fromCarrier: false) { trunk in
      trunk.address = "sip:sip.carrier.example:5060;transport=udp"
      trunk.sources = []
    }
    try ends.move(to: "192.0.2.54:5060")
    #expect(try ends.answer(.info) == 481 && ends.isUp)
    try ends.move(to: "192.0.2.53:5060")
    #expect(try ends.answer(.bye) == 200)
    #expect(ends.phone.received(.bye).count == 1)
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("Our own requests still go to the machine that the call is with", arguments: [true, false])
  func destination(fromCarrier: Bool) throws {
    let ends = try talking(fromCarrier: fromCarrier)
    try ends.move(to: "192.0.2.53:5060")
    #expect(try ends.answer(.update) == 200)
    ends.bench.command(.hangUpAll)
    ends.bench.run(for: .seconds(1))
    #expect(ends.bench.requests("BYE", to: ends.carrier.endpoint).count == 1)
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test(
    "A30: another carrier's address, or a stranger's, ends nothing",
    arguments: ["192.0.2.51:5060", "203.0.113.66:5060"])
  func foreign(address: String) throws {
    let ends = try talking(fromCarrier: true)
    try ends.move(to: address)
    for method in [Method.info, .invite, .update, .bye] {
      #expect(try ends.answer(method, method == .invite ? Bench.sdp : nil) == 481)
    }
    #expect(ends.isUp && ends.phone.received(.bye).isEmpty)
    try ends.move(to: "192.0.2.50:5060")
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("Where a trunk wants a certificate, the other address has to prove its name, too")
  func certificate() throws {
    let ends = try talking(fromCarrier: false) { $0.clientCertificate = "sip.carrier.example" }
    try ends.move(to: "192.0.2.53:5060")
    #expect(try ends.answer(.info) == 481)
    try ends.move(to: "192.0.2.53:6001", over: Self.connection)
    #expect(try ends.answer(.info) == 481)
    #expect(ends.isUp)
    ends.bench.happen(.proven(Self.connection, ["sip.carrier.example"]))
    #expect(try ends.answer(.bye) == 200)
    #expect(ends.phone.received(.bye).count == 1)
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("A carrier that hangs up from there, with our BYE unconfirmed, is charged no longer")
  func unconfirmed() throws {
    let ends = try talking(fromCarrier: false)
    ends.carrier.answersBye = false
    ends.phone.hangUp()
    ends.bench.run(for: .seconds(60))
    #expect(!ends.bench.core.ledger.openHolds.isEmpty)
    try ends.move(to: "192.0.2.53:5060")
    #expect(try ends.answer(.bye) == 200)
    #expect(ends.bench.core.ledger.openHolds.isEmpty)
    #expect(ends.bench.loadAtRest().isAtRest)
  }
}
