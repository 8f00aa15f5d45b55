import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A carrier answers an INVITE that has its answer already, by another fork: it bills both.
@Suite struct StrayAnswerTests {
  private let bench: Bench
  private let phone: UserAgent
  private let carrier: UserAgent
  private let invite: String

  /// 0.50 EUR to connect, 2 EUR a minute, whole minutes.
  private static let oneMinute: Int64 = 2_500_000

  init() throws { try self.init(over: .udp) }

  private init(over transport: Transport) throws {
    var town = Town()
    town.document.trunks[0].address = "sip:192.0.2.50:5060;transport=\(transport)"
    bench = try Bench(town)
    phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .rings
    if transport != .udp { carrier.connection = FlowID(9) }
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    invite = try #require(bench.requests("INVITE", to: carrier.endpoint).first)
  }

  /// The carrier's own 200, by the leg that rang.
  private func answer() throws {
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 200, body: carrier.sdp)
    bench.run(for: .milliseconds(500))
  }

  /// A final response with a To tag of its own.
  private func respond(_ status: String, tag: String) {
    let lines = invite.split(separator: "\r\n").map(String.init)
    let kept = ["Via:", "From:", "CSeq:", "Call-ID:"].compactMap { name in
      lines.first { $0.hasPrefix(name) }
    }
    let to = (lines.first { $0.hasPrefix("To:") } ?? "To: <sip:x@y>") + ";tag=\(tag)"
    let text =
      (["SIP/2.0 \(status)"] + kept + [
        to, "Contact: <sip:x@192.0.2.50>", "Content-Length: 0", "", "",
      ]).joined(separator: "\r\n")
    let flow = Flow(
      transport: carrier.flow.transport, local: Bench.switchEndpoint, remote: carrier.endpoint,
      connection: carrier.connection)
    bench.happen(.received(Array(text.utf8), flow))
    bench.run(for: .milliseconds(100))
  }

  private func posted() throws -> Int64 {
    let account = try #require(bench.core.rules.directory.extensions.first?.account)
    let standing = try #require(bench.core.ledger.standing(of: .account(account), at: bench.now))
    return standing.windows.filter { $0.meter.quantity == .money }.map(\.posted).max() ?? 0
  }

  private var lateCharges: [Alert] { bench.alerts.filter { $0.kind == .chargedLate } }

  @Test("F04: a second fork that answers is ended, charged as a call of its own, and told")
  func secondFork() throws {
    try answer()
    respond("200 OK", tag: "second")
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    bench.run(for: .seconds(1))
    #expect(try posted() == Self.oneMinute && lateCharges.count == 1)
    let stray = try #require(bench.records.first)
    #expect(stray.sell?.micros == Self.oneMinute && stray.answeredAt != nil && stray.payer != nil)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(try posted() == 2 * Self.oneMinute && bench.records.count == 2)
    #expect(bench.records[0].call != bench.records[1].call)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("F04: one that answers after the call is gone is charged, too")
  func forkOfTheDead() throws {
    try answer()
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.core.calls.isEmpty)
    respond("200 OK", tag: "second")
    bench.run(for: .seconds(1))
    #expect(try posted() == 2 * Self.oneMinute && lateCharges.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "F04: an answer behind a refusal is charged, although the hold went back; over a stream, too",
    arguments: [Transport.udp, .tcp])
  func behindTheRefusal(_ transport: Transport) throws {
    let world = try Self(over: transport)
    world.respond("486 Busy Here", tag: "first")
    #expect(try world.posted() == 0)
    world.bench.run(for: .seconds(20))
    world.respond("200 OK", tag: "second")
    world.bench.run(for: .seconds(1))
    #expect(world.bench.requests("ACK", to: world.carrier.endpoint).count == 2)
    #expect(world.bench.requests("BYE", to: world.carrier.endpoint).count == 1)
    #expect(try world.posted() == Self.oneMinute && world.lateCharges.count == 1)
    #expect(world.bench.loadAtRest().isAtRest)
  }

  @Test("F04: an answer behind a refusal is charged, while the call goes on at the next trunk")
  func besideTheNextTrunk() throws {
    let spare = UserAgent(bench, user: "", address: "192.0.2.51:5060", domain: "spare.example")
    spare.manner = .answers(after: .seconds(1))
    respond("503 Service Unavailable", tag: "first")
    bench.run(for: .seconds(2))
    #expect(phone.statuses().last == 200 && bench.core.calls.count == 1)
    respond("200 OK", tag: "second")
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    #expect(try posted() == Self.oneMinute && lateCharges.count == 1)
    #expect(bench.records.first?.trunk == TrunkID(1))
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(try posted() == 2 * Self.oneMinute && bench.records.count == 2)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("F22: its BYE is sent again until the carrier confirms, and it is charged until then")
  func unconfirmed() throws {
    try answer()
    bench.deaf.insert(carrier.endpoint)
    respond("200 OK", tag: "second")
    bench.run(for: .seconds(100))
    #expect(bench.alerts.filter { $0.kind == .possiblyStillUp }.count == 1)
    bench.deaf = []
    bench.run(for: .seconds(70))
    let stray = try #require(bench.records.first { $0.slices == 1 && $0.talkTime > .zero })
    #expect(stray.sell.map { $0.micros >= 500_000 + 2 * 2_000_000 } == true)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("F23: the next process goes on with it, from batches or a checkpoint", arguments: [0, 1])
  func death(_ way: Int) throws {
    try answer()
    bench.deaf.insert(carrier.endpoint)
    respond("200 OK", tag: "second")
    bench.run(for: .seconds(5))
    bench.deaf = []
    try bench.restart(from: way == 0 ? nil : bench.core.checkpoint())
    bench.run(for: .seconds(1))
    #expect(bench.records.count == 2 && bench.core.ledger.openHolds.isEmpty)
    #expect(try posted() == 2 * Self.oneMinute)
    #expect(bench.core.orphans.isEmpty)
  }
}
