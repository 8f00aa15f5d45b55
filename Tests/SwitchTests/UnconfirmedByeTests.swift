import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct UnconfirmedByeTests {
  /// A paid call that talks, over a carrier that hears nothing from now on.
  private func talkingToTheDeaf() throws -> (bench: Bench, phone: UserAgent, carrier: UserAgent) {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(2))
    phone.call("976333444")
    bench.run(for: .seconds(5))
    bench.deaf.insert(carrier.endpoint)
    return (bench, phone, carrier)
  }

  @Test(
    "A36, F22: a carrier that never answers BYE: alerted, and charged until it is given up after half an hour"
  )
  func byeLost() throws {
    let (bench, phone, _) = try talkingToTheDeaf()
    phone.hangUp()
    bench.run(for: .seconds(20))
    #expect(!bench.core.ledger.openHolds.isEmpty, "the hold stays until the outcome is known")
    bench.run(for: .seconds(20))
    #expect(bench.alerts.filter { $0.kind == .possiblyStillUp }.count == 1)
    #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    bench.run(for: .seconds(1_900))
    #expect(bench.records.count == 1)
    // At 0.06 EUR a minute: no less than a carrier is paid that confirms it a moment before.
    let sell = try #require(bench.records.first?.sell?.micros)
    #expect((1_770_000...1_900_000).contains(sell))
    let facts = bench.alerts.flatMap(\.facts)
    #expect(facts.contains { $0.value.hasSuffix("so it is charged until now") })
    #expect(facts.contains { $0.name == "above what was held" })
    #expect(bench.core.ledger.openHolds.isEmpty && bench.loadAtRest().isAtRest)
  }

  @Test(
    "A36, F22: a carrier that comes back with its calls gets the BYE again, and is paid until it confirms"
  )
  func byeAgain() throws {
    let (bench, phone, carrier) = try talkingToTheDeaf()
    phone.hangUp()
    bench.run(for: .seconds(120))
    let held = try #require(bench.core.ledger.openHolds.first)
    #expect(bench.alerts.filter { $0.kind == .possiblyStillUp }.count == 1)
    bench.deaf = []
    bench.run(for: .seconds(70))
    #expect(carrier.received(.bye).count == 1)
    let record = try #require(bench.records.first)
    #expect(record.hold == held)
    // 0.06 EUR a minute for at least the 120 s that nobody confirmed.
    #expect(record.sell.map { $0.micros >= 120_000 } == true)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.loadAtRest().isAtRest)
  }

  @Test("F22: the carrier's own BYE confirms one that it never heard")
  func byeOfTheirs() throws {
    let (bench, phone, carrier) = try talkingToTheDeaf()
    phone.hangUp()
    bench.run(for: .seconds(60))
    bench.deaf = []
    carrier.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.count == 1 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.core.calls.isEmpty)
  }

  @Test("F22: a carrier that answers long after our CANCEL gets its BYE again, too")
  func byeBehindCancel() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .rings
    phone.call("976333444")
    bench.run(for: .seconds(3))
    bench.deaf.insert(carrier.endpoint)
    phone.cancel()
    bench.run(for: .seconds(16))
    carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(40))
    #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    #expect(bench.alerts.filter { $0.kind == .possiblyStillUp }.count == 1)
    bench.deaf = []
    bench.run(for: .seconds(70))
    #expect(carrier.received(.bye).count == 1 && bench.records.count == 1)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.loadAtRest().isAtRest)
  }

  @Test("Who is told to end its calls waits three seconds for the answers, and leaves")
  func leave() throws {
    let (bench, _, _) = try talkingToTheDeaf()
    let isDrained = {
      bench.publications.contains { if case .drained = $0 { true } else { false } }
    }
    bench.command(.drain)
    bench.command(.hangUpAll)
    bench.run(for: .seconds(2))
    #expect(!isDrained())
    bench.run(for: .seconds(2))
    #expect(isDrained() && bench.core.calls.count == 1)
  }

  @Test("A drain does not wait for carriers that do not confirm; the next process ends their calls")
  func drainPastTheUnconfirmed() throws {
    let (bench, phone, carrier) = try talkingToTheDeaf()
    phone.hangUp()
    let isDrained = {
      bench.publications.contains { if case .drained = $0 { true } else { false } }
    }
    bench.command(.drain)
    bench.run(for: .seconds(20))
    #expect(!isDrained())
    bench.run(for: .seconds(20))
    #expect(isDrained() && !bench.core.calls.isEmpty)
    bench.deaf = []
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(carrier.received(.bye).count == 1 && bench.records.count == 1)
  }

  @Test(
    "F22, F23: a checkpoint taken while a BYE is not confirmed keeps it: the next process ends the call and charges it",
    arguments: [true, false])
  func checkpointOfTheUnconfirmed(_ isCheckpoint: Bool) throws {
    let (bench, phone, carrier) = try talkingToTheDeaf()
    phone.hangUp()
    bench.run(for: .seconds(100))
    try bench.restart(from: isCheckpoint ? bench.core.checkpoint() : nil)
    bench.run(for: .seconds(100))
    #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    bench.deaf = []
    bench.run(for: .seconds(70))
    #expect(carrier.received(.bye).count == 1 && bench.records.count == 1)
    // 0.06 EUR a minute for at least the 200 s that nobody confirmed.
    #expect(bench.records.first?.sell.map { $0.micros >= 200_000 } == true)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.orphans.isEmpty)
  }

  @Test(
    "F22, F23: an answer that crossed our CANCEL and whose BYE was lost is ended by the next process",
    arguments: [true, false])
  func restartBehindCancel(_ isCheckpoint: Bool) throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .waits
    phone.call("976333444")
    bench.run(for: .seconds(3))
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 100)
    bench.run(for: .seconds(1))
    bench.deaf.insert(carrier.endpoint)
    phone.cancel()
    bench.run(for: .seconds(1))
    carrier.answer(server, 200, body: Bench.sdp)
    bench.run(for: .seconds(40))  // It does not repeat it any more.
    #expect(bench.core.ledger.openHolds.count == 1)
    try bench.restart(from: isCheckpoint ? bench.core.checkpoint() : nil)
    bench.deaf = []
    bench.run(for: .seconds(70))
    #expect(carrier.received(.bye).count == 1)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.orphans.isEmpty)
  }
}
