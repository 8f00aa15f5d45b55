import Elements
import Limits
import Relay
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A carrier answers an INVITE of a process that has died meanwhile.
@Suite struct LateAnswerTests {
  private let bench: Bench
  private let carrier: UserAgent
  private let elsewhere = Endpoint("203.0.113.66:5060") ?? Bench.switchEndpoint
  /// The INVITE of the dead process.
  private let invite: String

  init() throws {
    bench = try Bench()
    carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    // Not a word of it is heard before the death, so that it gets no CANCEL.
    carrier.mute = true
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    invite = try #require(bench.requests("INVITE", to: carrier.endpoint).first)
    try bench.restart()
    carrier.mute = false
  }

  /// A 200 to the INVITE, with a Contact and a Record-Route that lead elsewhere.
  private func answer(
    tag: String = "late", from source: Endpoint? = nil, callID: String? = nil
  ) {
    let lines = invite.split(separator: "\r\n").map(String.init)
    let kept = ["Via:", "From:", "CSeq:"].compactMap { name in
      lines.first { $0.hasPrefix(name) }
    }
    let to = (lines.first { $0.hasPrefix("To:") } ?? "To: <sip:x@y>") + ";tag=\(tag)"
    let id = callID.map { "Call-ID: \($0)" } ?? lines.first { $0.hasPrefix("Call-ID:") } ?? ""
    let text =
      (["SIP/2.0 200 OK"] + kept + [
        to, id, "Contact: <sip:x@203.0.113.66>", "Record-Route: <sip:203.0.113.66;lr>",
        "Content-Length: 0", "", "",
      ]).joined(separator: "\r\n")
    let flow = Flow(
      transport: .udp, local: Bench.switchEndpoint, remote: source ?? carrier.endpoint)
    bench.happen(.received(Array(text.utf8), flow))
    bench.run(for: .milliseconds(100))
  }

  private func count(_ method: String, to endpoint: Endpoint? = nil) -> Int {
    bench.requests(method, to: endpoint ?? carrier.endpoint).count
  }

  @Test("It gets its ACK and a BYE, so that it stops billing, and nothing is left of it")
  func ended() throws {
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 200, body: carrier.sdp)
    bench.run(for: .seconds(1))
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 1)
    let bye = try #require(carrier.received(.bye).first)
    #expect(bye.cseq.number > carrier.acknowledgements.first?.cseq.number ?? .max)
    bench.run(for: .seconds(60))
    #expect(bench.core.load.isAtRest && bench.alerts.allSatisfy { $0.kind != .possiblyStillUp })
    // What was charged for its INVITE pays for it.
    #expect(bench.records.count == 2 && bench.records.last?.sell?.micros == 0)
    #expect(bench.alerts.allSatisfy { $0.kind != .chargedLate })
  }

  @Test("ACK and BYE go to the trunk's own address, wherever Contact and Record-Route lead")
  func destination() {
    answer()
    #expect(count("ACK") == 1 && count("BYE") == 1)
    #expect(count("ACK", to: elsewhere) == 0 && count("BYE", to: elsewhere) == 0)
  }

  @Test("From a second port of the carrier it is ended where the INVITE went")
  func otherPort() {
    answer(from: Endpoint(carrier.endpoint.address, 40_000))
    #expect(count("ACK") == 1 && count("BYE") == 1)
  }

  @Test("Each copy is acknowledged again, while the BYE waits and after it; there is one BYE")
  func copies() {
    carrier.mute = true
    answer()
    let byes = count("BYE")
    answer()
    #expect(count("ACK") == 2 && byes == 1 && count("BYE") == 1)
    carrier.mute = false
    bench.run(for: .seconds(5))
    #expect(bench.core.load.sip.dialogs == 0)
    let all = count("BYE")  // With its retransmissions.
    answer()
    answer()
    bench.run(for: .seconds(5))
    #expect(count("ACK") == 4 && count("BYE") == all && bench.core.load.sip.dialogs == 0)
  }

  @Test("Forks are ended up to a bound; what comes beyond it is ignored")
  func forks() {
    for number in 0..<20 { answer(tag: "fork-\(number)") }
    #expect(count("ACK") == LateAnswer.forkLimit && count("BYE") == LateAnswer.forkLimit)
    #expect(bench.core.orphans.isEmpty)
  }

  @Test("A stranger's, or one to a call that never was, gets nothing")
  func strangers() {
    let before = bench.sent.count
    answer(from: elsewhere)
    answer(from: Endpoint("192.0.2.51:5060"))  // Another trunk.
    answer(callID: "0123456789abcdef0123456789abcdef")
    #expect(bench.sent.count == before && bench.core.load.isAtRest)
    answer()
    #expect(count("ACK") == 1 && count("BYE") == 1)
  }

  @Test("A carrier that does not confirm the BYE raises an alert")
  func unconfirmed() {
    bench.deaf.insert(carrier.endpoint)
    answer()
    bench.run(for: .seconds(60))
    #expect(bench.alerts.contains { $0.kind == .possiblyStillUp && $0.tenant != nil })
    #expect(!bench.core.ledger.openHolds.isEmpty)
    bench.run(for: .seconds(1_900))
    #expect(bench.core.load.isAtRest)
  }

  @Test(
    "It is known after a second death, too, from the batches or a checkpoint", arguments: [0, 1])
  func secondDeath(_ way: Int) throws {
    try bench.restart(from: way == 0 ? nil : bench.core.checkpoint())
    answer()
    #expect(count("ACK") == 1 && count("BYE") == 1 && bench.records.count == 2)
  }

  @Test(
    "F04: a copy of it that comes after a second death is no second call", arguments: [false, true])
  func copyBehindDeath(byCheckpoint: Bool) throws {
    answer()
    bench.run(for: .seconds(5))
    #expect(bench.records.count == 2)
    for _ in 0..<2 { try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil) }
    answer()
    bench.run(for: .seconds(5))
    #expect(bench.records.count == 2)
    // Another fork is one.
    answer(tag: "other")
    bench.run(for: .seconds(5))
    #expect(bench.records.count == 3)
  }

  @Test("After a checkpoint of the running call it is known")
  func checkpoint() throws {
    let world = try Bench()
    let phone = UserAgent(world, user: "101", address: "198.51.100.7:5062")
    let far = UserAgent(world, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    far.mute = true
    phone.register()
    phone.call("+8821234567890")
    world.run(for: .seconds(2))
    far.mute = false
    var revived = SwitchCore(configuration: world.core.configuration, dice: .system)
    try revived.replay(
      checkpoint: world.core.checkpoint(), through: try #require(world.journal.last?.sequence))
    world.core = revived
    world.recover()
    try world.adopt(revision: 9)
    let server = try #require(far.open.first?.server)
    far.answer(server, 200, body: far.sdp)
    world.run(for: .seconds(1))
    #expect(far.acknowledgements.count == 1 && far.received(.bye).count == 1)
  }

  @Test(
    "F04: beyond what was charged for its INVITE it is charged until the carrier confirms",
    arguments: [0, 1], [false, true])
  func chargedBeyond(deaths: Int, byCheckpoint: Bool) throws {
    let first = try #require(bench.records.first?.sell?.micros)
    for _ in 0..<deaths { try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil) }
    bench.deaf.insert(carrier.endpoint)
    answer()
    bench.run(for: .seconds(100))
    bench.deaf = []
    bench.run(for: .seconds(70))
    let second = try #require(bench.records.last?.sell?.micros)
    // 0.50 EUR to connect, and two begun minutes at least.
    #expect(bench.records.count == 2 && first + second >= 500_000 + 2 * 2_000_000)
    #expect(bench.alerts.contains { $0.kind == .chargedLate })
  }

  @Test(
    "F04: what was charged for its INVITE pays its first part behind a second death, too",
    arguments: [false, true], [false, true])
  func creditBehindDeath(isAnswered: Bool, byCheckpoint: Bool) throws {
    let restart = { try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil) }
    let first = try #require(bench.records.first?.sell?.micros)
    bench.deaf.insert(carrier.endpoint)
    if isAnswered { answer() }
    try restart()
    if !isAnswered { answer() }
    bench.run(for: .seconds(5))
    bench.deaf = []
    bench.run(for: .seconds(20))
    #expect(first > 0 && bench.records.map(\.sell?.micros) == [first, 0])
    #expect(
      bench.records.map(\.tenant) == [bench.records.first?.tenant, bench.records.first?.tenant])
    bench.expectRest()
  }

  @Test("Nobody rings for ever: what was remembered is forgotten")
  func forgotten() {
    bench.run(for: LateAnswer.patience + .seconds(1))
    #expect(bench.core.lateAnswers.isEmpty)
    answer()
    #expect(count("ACK") == 0 && count("BYE") == 0)
  }
}

/// A carrier answers an INVITE that this process has given up: it had the last copy when our time was over.
@Suite struct GivenUpAnswerTests {
  private let bench: Bench
  private let carrier: UserAgent

  init() throws {
    bench = try Bench()
    carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    carrier.mute = true
    phone.call("+8821234567890")
    bench.run(for: .seconds(40))
    #expect(bench.core.load.isAtRest && bench.records.count == 1)
    carrier.mute = false
  }

  private func answer() throws {
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 200, body: carrier.sdp)
    bench.run(for: .seconds(1))
  }

  @Test("F04: It gets its ACK and a BYE at once, within what was charged, and nothing is left")
  func ended() throws {
    #expect(bench.records.first?.purchase?.micros ?? 0 > 0)
    try answer()
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 1)
    bench.run(for: .seconds(60))
    #expect(bench.core.load.isAtRest && bench.alerts.allSatisfy { $0.kind != .possiblyStillUp })
    // What was charged for its INVITE pays for it.
    #expect(bench.records.count == 2 && bench.records.last?.sell?.micros == 0)
    #expect(bench.alerts.allSatisfy { $0.kind != .chargedLate })
  }

  @Test("Its media ports are spared: it may send to them as soon as it answers")
  func spared() {
    var spared: [UInt16] = []
    for case .spare(_, let leg) in bench.commands { spared += leg.streams.compactMap { $0?.rtp } }
    let offered = bench.requests("INVITE", to: carrier.endpoint).first ?? ""
    #expect(spared.contains { offered.contains("m=audio \($0) ") })
  }

  @Test("A carrier that does not confirm the BYE raises an alert")
  func unconfirmed() throws {
    carrier.answersBye = false
    try answer()
    bench.run(for: .seconds(60))
    #expect(bench.alerts.contains { $0.kind == .possiblyStillUp && $0.tenant != nil })
    #expect(!bench.core.ledger.openHolds.isEmpty)
    bench.run(for: .seconds(1_900))
    #expect(bench.core.load.isAtRest)
    // Half an hour of the satellite, less what was charged for the INVITE before.
    #expect(bench.records.last?.sell.map { $0.micros >= 55_000_000 } == true)
  }

  @Test(
    "F04: The next process knows of it, and what was charged, from the batches or a checkpoint",
    arguments: [0, 1])
  func death(_ way: Int) throws {
    try bench.restart(from: way == 0 ? nil : bench.core.checkpoint())
    try answer()
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 1)
    #expect(bench.records.count == 2 && bench.records.last?.sell?.micros == 0)
    #expect(bench.records.last?.normalised.contains("8821234567890") ?? false)
    #expect(bench.alerts.allSatisfy { $0.kind != .chargedLate })
  }

  @Test(
    "F04: What was charged is known behind a death, too, while its call goes on elsewhere",
    arguments: [false, true])
  func deathInCall(byCheckpoint: Bool) throws {
    let bench = try Bench()
    let (phone, first, spare) = bench.phoneAndCarriers()
    (first.mute, spare.manner) = (true, .rings)
    phone.call("+8821234567890")
    bench.run(for: .seconds(45))
    #expect(spare.received(.invite).count == 1 && bench.core.lateAnswers.count == 1)
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    bench.run(for: .seconds(5))
    first.mute = false
    first.answer(try #require(first.open.first).server, 200, body: first.sdp)
    bench.run(for: .seconds(10))
    #expect(first.received(.bye).count == 1)
    #expect(bench.records.last?.sell?.micros == 0)
  }

  @Test(
    "F04: Behind a death a copy of it is no second call, and what it had is not another one's credit",
    arguments: [false, true])
  func copyBehindDeath(byCheckpoint: Bool) throws {
    try answer()
    #expect(bench.records.map(\.sell?.micros) == [bench.records[0].sell?.micros, 0])
    let answer = try #require(
      carrier.said.last {
        text(of: $0.bytes).hasPrefix("SIP/2.0 200 ") && text(of: $0.bytes).contains(" INVITE\r\n")
      })
    for _ in 0..<2 {
      try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
      carrier.say(answer.bytes)
      bench.run(for: .seconds(5))
    }
    #expect(bench.records.count == 2 && carrier.received(.bye).count == 1)
    // Another fork is one.
    let lines = text(of: answer.bytes).split(separator: "\r\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("To:") ? $0 + "-other" : String($0) }
    carrier.say(Array(lines.joined(separator: "\r\n").utf8))
    bench.run(for: .seconds(5))
    // 0.50 EUR to connect, and a begun minute.
    #expect(bench.records.count == 3 && bench.records.last?.sell?.micros == 2_500_000)
    bench.expectRest()
  }

  @Test(
    "F04: It is ended, too, where its trunk was taken out before or after it was given up",
    arguments: [false, true])
  func trunkTakenOut(afterwards: Bool) throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    (carrier.mute, spare.mute) = (true, true)
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    if !afterwards { try bench.takeOut(trunk: "carrier") }
    bench.run(for: .seconds(38))
    #expect(bench.core.load.isAtRest && bench.records.count == 1)
    if afterwards { try bench.takeOut(trunk: "carrier") }
    carrier.mute = false
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(1))
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 1)
    #expect(bench.records.count == 2)
    // Its prices went with it.
    let told = bench.alerts.filter { $0.kind == .chargedLate }.flatMap(\.facts)
    #expect(told.contains { $0.value.hasPrefix("no price is known for it") })
    #expect(bench.core.trunks.count == 2)
    bench.run(for: LateAnswer.patience + LateAnswer.sweep)
    #expect(bench.core.trunks.count == 1 && bench.core.load.isAtRest)
  }

  private func text(of bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("It is forgotten when no carrier lets a phone ring any more")
  func forgotten() throws {
    // And that of the spare trunk, where nobody is.
    #expect(bench.core.lateAnswers.count == 2)
    bench.run(for: LateAnswer.patience + LateAnswer.sweep)
    #expect(bench.core.lateAnswers.isEmpty)
    try answer()
    #expect(carrier.received(.bye).isEmpty)
  }
}
