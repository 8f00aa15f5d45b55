import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A paid leg that rang when the process died: its INVITE is taken back, its dialog gets a BYE, and both are answered
/// (docs/decisions/0005).
@Suite struct TakenBackTests {
  @Test(
    "F23: the 487 of an INVITE that was taken back proves that nobody answered, whatever a proxy says to the BYE",
    arguments: [404, 403, 500])
  func refusedBye(_ status: Int) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: try #require(StatusCode(exactly: status)))
    try bench.restart()
    bench.run(for: .seconds(1))
    // It is not known yet, and no reason to wake anybody.
    #expect(bench.records.isEmpty && bench.toldStillUp == 0)
    carrier.answer(try #require(carrier.open.first).server, 487)
    bench.run(for: .milliseconds(50))
    #expect(bench.records.map(\.sell?.micros) == [0] && bench.core.ledger.openHolds.isEmpty)
    bench.expectRest()
    #expect(bench.toldStillUp == 0)
  }

  @Test(
    "F23: what the carrier says to the BYE before it refuses the INVITE costs nothing either",
    arguments: [200, 481], [1, 2])
  func refusedBehindBye(_ status: Int, deaths: Int) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: try #require(StatusCode(exactly: status)))
    for _ in 0..<deaths {
      try bench.restart()
      bench.run(for: .seconds(20))
    }
    // What was said to it is in the journal.
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    #expect(bench.records.isEmpty && bench.core.ledger.openHolds.count == 1)
    carrier.answer(try #require(carrier.open.first).server, 487)
    bench.run(for: .milliseconds(50))
    #expect(bench.records.map(\.sell?.micros) == [0] && bench.core.ledger.openHolds.isEmpty)
    bench.expectRest()
    #expect(bench.toldStillUp == 0)
  }

  @Test(
    "F23: an INVITE that stays without an answer leaves what was said to the BYE, and until when",
    arguments: [200, 481])
  func silentBehindBye(_ status: Int) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: try #require(StatusCode(exactly: status)))
    try bench.restart()
    bench.run(for: .seconds(2))
    let ended = bench.now.wall
    bench.run(for: .seconds(60))
    let record = try #require(bench.records.first)
    #expect(bench.records.count == 1 && record.sell.map { $0.micros >= 2_500_000 } == true)
    #expect(record.endedAt < ended)
    bench.expectRest()
    #expect(bench.toldStillUp == 0 && carrier.received(.bye).count == 1)
  }

  @Test(
    "F23: what answers behind its BYE is ended by another, and is one call, paid since it rang",
    arguments: [200, 481])
  func answeredBehindBye(_ status: Int) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: try #require(StatusCode(exactly: status)))
    try bench.restart()
    bench.run(for: .seconds(2))
    carrier.refusals = [:]
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(5))
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 2)
    #expect(bench.requests("ACK", to: carrier.endpoint).count == 1)
    let record = try #require(bench.records.first)
    #expect(bench.records.count == 1 && record.sell.map { $0.micros >= 2_500_000 } == true)
    bench.expectRest()
    #expect(bench.records.count == 1)
  }

  @Test(
    "F23: an answer that comes when its BYE has been paid is ended, and is no call of its own",
    arguments: [0, 1, 2], [false, true])
  func answeredLong(deaths: Int, byCheckpoint: Bool) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 200)
    try bench.restart()
    bench.run(for: .seconds(60))
    #expect(bench.records.count == 1)
    for _ in 0..<deaths { try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil) }
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 2)
    #expect(bench.requests("ACK", to: carrier.endpoint).count == 1)
    let numbers = numbers(bench, carrier)
    #expect(numbers.count == 2 && numbers[0] < numbers[1])
    bench.expectRest()
    #expect(bench.records.count == 1)
  }

  @Test(
    "F23: its BYE is insisted on behind a death, until it is confirmed", arguments: [false, true])
  func answeredLongInsisted(byCheckpoint: Bool) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 200)
    try bench.restart()
    bench.run(for: .seconds(60))
    let charged = bench.records.map(\.sell)
    bench.deaf.insert(carrier.endpoint)
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(40))
    #expect(bench.toldStillUp == 1)
    #expect(bench.alerts.last { $0.kind == .possiblyStillUp }?.tenant != nil)
    for _ in 0..<2 {
      let last = numbers(bench, carrier).max() ?? 0
      try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
      bench.run(for: .seconds(40))
      #expect(Set(numbers(bench, carrier).filter { $0 > last }).count == 2)
    }
    bench.deaf = []
    bench.expectRest()
    let sent = numbers(bench, carrier)
    #expect(sent == sent.sorted())
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    bench.expectRest()
    #expect(numbers(bench, carrier) == sent)
    #expect(bench.records.map(\.sell) == charged)
  }

  /// Those of the BYEs that the carrier was sent.
  private func numbers(_ bench: Bench, _ carrier: UserAgent) -> [Int] {
    bench.requests("BYE", to: carrier.endpoint).compactMap(sequence)
  }

  @Test("F23: who hangs up has answered, whatever he says to the INVITE then")
  func hungUpFirst() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 500)
    try bench.restart()
    bench.run(for: .seconds(1))
    carrier.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.isEmpty)
    carrier.answer(try #require(carrier.open.first).server, 487)
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.sell?.micros) == [2_500_000])
    bench.expectRest()
  }

  @Test(
    "F23: the BYE behind an answer goes where the answer says, above the one before it",
    arguments: [true, false])
  func movedByAnswer(isBehindBye: Bool) throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 481)
    if !isBehindBye { (carrier.refusals, carrier.answersBye) = ([:], false) }
    try bench.restart()
    bench.run(for: .milliseconds(200))
    let ringing = try #require(
      carrier.said.map { String(decoding: $0.bytes, as: UTF8.self) }
        .last { $0.hasPrefix("SIP/2.0 180 ") })
    let answer = ringing.split(separator: "\r\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("SIP/2.0 ")
        ? "SIP/2.0 200 OK"
        : line.hasPrefix("Contact:") ? "Contact: <sip:moved@192.0.2.50:5060>" : line
    }
    carrier.say(Array(answer.joined(separator: "\r\n").utf8))
    if !isBehindBye {
      let bye = try #require(carrier.open.first { $0.message.method == .bye })
      carrier.answer(bye.server, 481)
      carrier.answersBye = true
    }
    bench.run(for: .seconds(1))
    let byes = bench.requests("BYE", to: carrier.endpoint)
    #expect(byes.count == 2)
    #expect(byes.last?.hasPrefix("BYE sip:moved@192.0.2.50:5060 ") == true)
    try bench.restart()
    bench.run(for: .seconds(1))
    let numbers = numbers(bench, carrier)
    #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
    bench.expectRest()
  }

  private func sequence(of request: String) -> Int? {
    request.split(separator: "\r\n").first { $0.hasPrefix("CSeq: ") }?
      .split(separator: " ").dropFirst().first.flatMap { Int($0) }
  }

  @Test("F23: a second death forgets nothing of what was said to the BYE")
  func confirmedBeforeDeath() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 200)
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(20))
    bench.deaf = []
    try bench.restart()
    bench.run(for: .seconds(20))
    carrier.refusals = [.bye: 481]
    try bench.restart(from: bench.core.checkpoint())
    bench.run(for: .seconds(60))
    let record = try #require(bench.records.first)
    // Not what was held for two minutes, but what it has rung for: half of one.
    #expect(record.status == 200 && record.sell?.micros == 2_500_000)
    bench.expectRest()
  }

  @Test("F23: where nothing proves it, the BYE is sent again, and people are told")
  func neverProven() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 404)
    try bench.restart()
    bench.run(for: .seconds(100))
    #expect(carrier.received(.bye).count > 3 && bench.toldStillUp == 1)
    #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    bench.run(for: .seconds(1_900))
    #expect(bench.records.map { $0.sell.map { $0.micros >= 2_500_000 } } == [true])
    bench.expectRest()
  }

  @Test("F04: a 2xx behind an INVITE that was taken back in vain gets its ACK, and a BYE behind it")
  func answeredAtLast() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 500)
    try bench.restart()
    bench.run(for: .seconds(50))
    let earlier = carrier.received(.bye).count
    carrier.refusals = [:]
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .milliseconds(100))
    #expect(carrier.acknowledgements.count == 1)
    bench.run(for: .seconds(70))
    #expect(carrier.received(.bye).count == earlier + 1)
    let record = try #require(bench.records.first)
    // One call, charged since it rang: 0.50 EUR to connect and at least one begun minute.
    #expect(bench.records.count == 1 && record.sell.map { $0.micros >= 2_500_000 } == true)
    bench.expectRest()
  }

  @Test("F23: a second death before the first one's calls are charged forgets nothing of what rang")
  func secondDeath() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 500)
    bench.deaf.insert(carrier.endpoint)
    for isCheckpoint in [false, true, false] {
      try bench.restart(from: isCheckpoint ? bench.core.checkpoint() : nil)
      bench.run(for: .seconds(40))
      #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    }
    (bench.deaf, carrier.refusals) = ([], [:])
    bench.run(for: .seconds(70))
    let record = try #require(bench.records.first)
    // 0.50 EUR to connect, and the begun minutes since it rang, three processes ago.
    #expect(bench.records.count == 1 && record.sell.map { $0.micros >= 6_500_000 } == true)
    #expect(carrier.received(.bye).count == 1)
    bench.expectRest()
  }
}
