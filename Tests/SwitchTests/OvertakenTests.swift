import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Forks of one INVITE that rang when the process died, and are answered one behind the other: the carrier bills each
/// (docs/decisions/0005).
@Suite struct OvertakenTests {
  /// How a fork shows that it was up.
  enum Sign: CaseIterable {
    case answer, confirmation, bye
  }

  private let bench: Bench
  private let carrier: UserAgent

  /// A fork that rings, and refuses its BYE, when another one that nobody has heard of is answered.
  init() throws {
    bench = try Bench()
    carrier = bench.ringingCarrier(bye: 500)
    try bench.restart()
    bench.run(for: .seconds(1))
    try say("200 OK", tag: "other")
    bench.run(for: .seconds(1))
    // That has cost what was held, and is over.
    #expect(sum == 2_500_000 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.requests("BYE", to: carrier.endpoint).contains { $0.contains(";tag=other") })
  }

  /// An answer to the INVITE as the carrier's 180 was, by another fork.
  private func say(_ status: String, tag: String) throws {
    let ringing = try #require(
      carrier.said.map { String(decoding: $0.bytes, as: UTF8.self) }
        .first { $0.hasPrefix("SIP/2.0 180 ") })
    let lines = ringing.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
      .map { line in
        if line.hasPrefix("SIP/2.0 ") { return "SIP/2.0 \(status)" }
        guard line.hasPrefix("To:"), let own = line.firstRange(of: ";tag=") else { return line }
        return line[..<own.upperBound] + tag
      }
    carrier.say(Array(lines.joined(separator: "\r\n").utf8))
  }

  private func show(_ sign: Sign) throws {
    switch sign {
    case .answer:
      carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
      bench.run(for: .milliseconds(100))
      carrier.refusals = [:]
    case .confirmation: carrier.refusals = [:]
    case .bye: carrier.hangUp()
    }
  }

  private var sum: Int64 {
    let standing = bench.core.rules.directory.extensions.compactMap {
      bench.core.ledger.standing(of: .account($0.account), at: bench.now)
    }
    return standing.map { one in
      one.windows.filter { $0.meter.quantity == .money }.map(\.posted).max() ?? 0
    }.reduce(0, +)
  }

  @Test(
    "F04: a fork that was up behind one that has had its hold is a call of its own",
    arguments: Sign.allCases)
  func counts(_ sign: Sign) throws {
    try show(sign)
    bench.run(for: .seconds(20))
    // A begun minute, and 0.50 EUR to connect, for each of the two.
    #expect(sum == 5_000_000)
    #expect(bench.records.count == 3)
    #expect(bench.records.compactMap(\.sell?.micros).reduce(0, +) == 5_000_000)
    #expect(bench.core.ledger.openHolds.isEmpty)
    bench.expectRest()
    #expect(bench.records.count == 3 && sum == 5_000_000)
  }

  @Test(
    "F04: it is ended and charged behind a second death, too", arguments: Sign.allCases,
    [false, true])
  func countsLater(_ sign: Sign, byCheckpoint: Bool) throws {
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    let byes = carrier.received(.bye).count
    bench.run(for: .seconds(10))
    #expect(carrier.received(.bye).count > byes)
    #expect(bench.requests("CANCEL", to: carrier.endpoint).count == 1)
    try show(sign)
    bench.run(for: .seconds(20))
    #expect(sum == 5_000_000 && bench.records.count == 3)
    #expect(bench.records.compactMap(\.sell?.micros).reduce(0, +) == 5_000_000)
    bench.expectRest()
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    bench.expectRest()
    #expect(sum == 5_000_000 && bench.records.count == 3)
  }

  @Test(
    "F04: one that was never up costs nothing behind one that has had its hold",
    arguments: [false, true])
  func refuses(diesAgain: Bool) throws {
    if diesAgain { try bench.restart() }
    carrier.refusals = [.bye: 481]
    bench.run(for: .seconds(20))
    #expect(bench.records.count == 2 && sum == 2_500_000)
    bench.expectRest()
  }

  @Test(
    "F04: one that has become a call of its own is one after a second death, too",
    arguments: [false, true])
  func secondDeath(byCheckpoint: Bool) throws {
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(1))
    #expect(bench.core.ledger.openHolds.count == 1)
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    bench.run(for: .seconds(5))
    let byes = carrier.received(.bye).count
    bench.run(for: .seconds(10))
    #expect(carrier.received(.bye).count > byes)
    carrier.refusals = [:]
    bench.run(for: .seconds(30))
    #expect(bench.records.count == 3 && sum == 5_000_000)
    bench.expectRest()
    try bench.restart()
    bench.run(for: .seconds(5))
    #expect(bench.records.count == 3 && sum == 5_000_000)
    bench.expectRest()
  }

  @Test("F04: a copy of its answer that comes when all is over is no second one")
  func copies() throws {
    bench.run(for: .seconds(20))
    try show(.answer)
    bench.run(for: .seconds(20))
    #expect(bench.records.count == 3)
    let answers = carrier.said.map(\.bytes).filter {
      String(decoding: $0, as: UTF8.self).hasPrefix("SIP/2.0 200 OK")
        && String(decoding: $0, as: UTF8.self).contains(" INVITE\r\n")
    }
    for answer in answers { carrier.say(answer) }
    bench.run(for: .seconds(20))
    #expect(bench.records.count == 3)
    bench.expectRest()
  }
}

/// The same where both have rung.
@Suite struct KnownForksTests {
  private let bench: Bench
  private let carrier: UserAgent
  /// The header fields of the INVITE that its answers repeat.
  private let kept: [String]
  /// The request URI of what the carrier asks for.
  private let target: String

  /// A carrier whose two forks ring, for 35 seconds; to what it is asked then only the test answers.
  init() throws {
    bench = try Bench()
    carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    let lines = try #require(bench.requests("INVITE", to: carrier.endpoint).first)
      .split(separator: "\r\n").map(String.init)
    kept = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].compactMap { name in
      lines.first { $0.hasPrefix(name) }
    }
    let contact = try #require(lines.first { $0.hasPrefix("Contact:") })
    target = String(try #require(contact.split(separator: "<").last?.split(separator: ">").first))
    for fork in ["one", "two"] { say("180 Ringing", fork) }
    bench.run(for: .seconds(35))
    bench.deaf.insert(carrier.endpoint)
  }

  private func say(_ status: String, _ fork: String) {
    let fields = kept.map { $0.hasPrefix("To:") ? "\($0);tag=\(fork)" : $0 }
    let end = ["Contact: <sip:192.0.2.50>", "Content-Length: 0", "", ""]
    carrier.say(Array((["SIP/2.0 \(status)"] + fields + end).joined(separator: "\r\n").utf8))
  }

  private func hangUp(_ fork: String) {
    let fields = kept.map { field in
      if field.hasPrefix("Via:") { return "Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK-\(fork)" }
      if field.hasPrefix("CSeq:") { return "CSeq: 1 BYE" }
      if field.hasPrefix("To:") { return "From:\(field.dropFirst(3));tag=\(fork)" }
      return field.hasPrefix("From:") ? "To:\(field.dropFirst(5))" : field
    }
    let end = ["Max-Forwards: 70", "Content-Length: 0", "", ""]
    carrier.say(Array((["BYE \(target) SIP/2.0"] + fields + end).joined(separator: "\r\n").utf8))
  }

  /// What a fork says to the last BYE that it was sent.
  private func answerBye(_ fork: String, _ status: String = "200 OK") {
    let bye = bench.requests("BYE", to: carrier.endpoint).last { $0.contains(";tag=\(fork)\r\n") }
    guard let bye else { return }
    let lines = bye.split(separator: "\r\n").filter { line in
      ["Via:", "From:", "To:", "Call-ID:", "CSeq:", "Content-Length:"].contains {
        line.hasPrefix($0)
      }
    }
    let text = (["SIP/2.0 \(status)"] + lines + ["", ""]).joined(separator: "\r\n")
    carrier.say(Array(text.utf8))
  }

  private func show(_ sign: OvertakenTests.Sign, _ fork: String) {
    switch sign {
    case .answer: say("200 OK", fork)
    case .confirmation: answerBye(fork)
    case .bye: hangUp(fork)
    }
  }

  /// A begun minute, and 0.50 EUR to connect, for each of the two; nothing more comes of them.
  private func expectTwoCalls() throws {
    for _ in 0..<2 {
      #expect(bench.records.compactMap(\.sell?.micros) == [2_500_000, 2_500_000])
      #expect(bench.records.count == 2 && bench.core.ledger.openHolds.isEmpty)
      #expect(bench.records.allSatisfy { $0.tenant != nil && $0.answeredAt != nil })
      try bench.restart()
      bench.expectRest()
    }
  }

  @Test(
    "F04: of two forks that rang and were both up each is a call of its own, however they show it",
    arguments: OvertakenTests.Sign.allCases, OvertakenTests.Sign.allCases)
  func both(_ first: OvertakenTests.Sign, _ second: OvertakenTests.Sign) throws {
    try bench.restart()
    bench.run(for: .seconds(1))
    show(first, "one")
    bench.run(for: .seconds(1))
    show(second, "two")
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { answerBye(fork) }
    // By then nobody answers the INVITE any more, and what was said to the BYEs counts, from when it was said.
    bench.run(for: .seconds(40))
    try expectTwoCalls()
  }

  @Test(
    "F04: the second one shows it behind a second death, too",
    arguments: OvertakenTests.Sign.allCases,
    [false, true])
  func behindDeath(second: OvertakenTests.Sign, byCheckpoint: Bool) throws {
    try bench.restart()
    bench.run(for: .seconds(1))
    show(.answer, "one")
    // The BYE before the answer has found nothing.
    answerBye("one", "481 Call Does Not Exist")
    bench.run(for: .seconds(1))
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    bench.run(for: .seconds(1))
    show(second, "two")
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { answerBye(fork) }
    bench.run(for: .seconds(1))
    try expectTwoCalls()
  }

  @Test(
    "F04: they are charged by prices that come when they have shown it, and until they were over",
    arguments: OvertakenTests.Sign.allCases, [false, true])
  func beforePrices(_ second: OvertakenTests.Sign, isConfirmed: Bool) throws {
    try bench.restart(withDirectory: false)
    bench.run(for: .seconds(1))
    show(.answer, "one")
    show(second, "two")
    if isConfirmed {
      for fork in ["one", "two"] { answerBye(fork) }
      bench.run(for: .seconds(100))
      #expect(bench.records.isEmpty && bench.core.ledger.openHolds.count == 1)
    }
    try bench.adopt(revision: 9)
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { answerBye(fork) }
    try expectTwoCalls()
  }

  @Test(
    "F04: what is answered before there are prices is charged behind a second death before them",
    arguments: [false, true], [false, true])
  func deathBeforePrices(byCheckpoint: Bool, isConfirmed: Bool) throws {
    try bench.restart(withDirectory: false)
    for fork in ["one", "two"] { show(.answer, fork) }
    if isConfirmed { for fork in ["one", "two"] { answerBye(fork) } }
    try bench.restart(
      from: byCheckpoint ? bench.core.checkpoint() : nil, withDirectory: false)
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { answerBye(fork) }
    #expect(bench.records.isEmpty)
    bench.run(for: .seconds(100))
    try bench.restart(
      from: byCheckpoint ? bench.core.checkpoint() : nil, withDirectory: false)
    try bench.adopt(revision: 9)
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { answerBye(fork) }
    bench.run(for: .seconds(1))
    #expect(bench.records.count == 2 && bench.core.ledger.openHolds.isEmpty)
    // Nobody knows that they were over before the last death.
    #expect(bench.records.allSatisfy { $0.sell?.micros ?? 0 >= 4_500_000 })
    #expect(bench.records.allSatisfy { $0.sell?.micros ?? 0 <= 6_500_000 })
    bench.expectRest()
  }

  @Test(
    "F04: what was held pays the first part of another fork's answer that comes before the prices",
    arguments: [0, 1], [false, true])
  func creditBeforePrices(deaths: Int, byCheckpoint: Bool) throws {
    try bench.restart(withDirectory: false)
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { answerBye(fork, "481 Call Does Not Exist") }
    say("200 OK", "other")
    for _ in 0..<deaths {
      try bench.restart(
        from: byCheckpoint ? bench.core.checkpoint() : nil, withDirectory: false)
    }
    bench.run(for: .seconds(1))
    answerBye("other")
    bench.run(for: .seconds(1))
    try bench.adopt(revision: 9)
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.sell?.micros) == [2_500_000, 0])
    #expect(bench.records.allSatisfy { $0.tenant != nil })
    bench.expectRest()
    #expect(bench.records.count == 2 && bench.core.ledger.openHolds.isEmpty)
  }
  @Test("F04: what nobody confirms is charged until it is given up, however late the prices come")
  func givenUpBeforePrices() throws {
    try bench.restart(withDirectory: false)
    bench.run(for: .seconds(1))
    for fork in ["one", "two"] { show(.answer, fork) }
    bench.run(for: .seconds(1_900))
    #expect(bench.core.orphans.values.allSatisfy { !$0.isWaiting } && bench.records.isEmpty)
    bench.run(for: .seconds(3_600))
    try bench.adopt(revision: 9)
    bench.run(for: .seconds(1))
    // 0.50 EUR to connect, and half an hour.
    let sell = bench.records.compactMap(\.sell?.micros)
    #expect(sell.count == 2 && sell.allSatisfy { (60_500_000...66_500_000).contains($0) })
    #expect(bench.core.ledger.openHolds.isEmpty)
  }
}
