import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Paid legs that rang when the process died (docs/decisions/0005): each is ended, and paid, for itself.
@Suite struct RangAtDeathTests {
  @Test("F23: what was held for what rang pays the first part of another fork's answer")
  func unknownFork() throws {
    let bench = try Bench()
    let (carrier, _, kept) = try untagged(bench)
    carrier.heedsCancel = false
    ring(carrier, kept)
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(5))
    bench.deaf = []
    let fields = kept.map { $0.hasPrefix("To:") ? "\($0);tag=other" : $0 }
    let text =
      (["SIP/2.0 200 OK"] + fields + [
        "Contact: <sip:192.0.2.50>", "Content-Type: application/sdp",
        "Content-Length: \(Bench.sdp.utf8.count)", "", Bench.sdp,
      ]).joined(separator: "\r\n")
    carrier.say(Array(text.utf8))
    bench.run(for: .seconds(60))
    // One call, of a minute, and 0.50 EUR to connect.
    #expect(bench.records.compactMap(\.sell?.micros).reduce(0, +) == 2_500_000)
    bench.expectRest()
  }

  @Test(
    "F23: a refusal of the INVITE that rang costs nothing behind a trunk that had refused at once")
  func refusedAtOnce() throws {
    let bench = try Bench()
    let (phone, first, spare) = bench.phoneAndCarriers()
    (first.manner, spare.manner, spare.heedsCancel) = (.waits, .rings, false)
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    first.answer(try #require(first.open.first).server, 503)
    bench.run(for: .seconds(2))
    try bench.restart()
    bench.run(for: .seconds(1))
    spare.answer(try #require(spare.open.first).server, 487)
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.sell?.micros) == [0] && bench.core.ledger.openHolds.isEmpty)
    bench.expectRest()
  }

  @Test("F23: an INVITE that is sent again keeps what pays for it, until it rings again too")
  func sentAgain() throws {
    let (bench, carrier) = try twoLegs { _ in }
    let first = carrier.open[0].server
    carrier.manner = .waits
    carrier.answer(first, 422, headers: [HeaderDraft(.minSE, "3600")])
    bench.run(for: .seconds(1))
    try #require(carrier.received(.invite).count == 3)
    try bench.restart()
    bench.run(for: .seconds(60))
    let charged = try spent(bench, "101") + spent(bench, "102")
    carrier.answer(try #require(carrier.open.last).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(70))
    // What was held for it, twelve seconds, pays the first part of the 33 of its answer.
    #expect(try spent(bench, "101") + spent(bench, "102") - charged == 33_000 - 12_000)
    bench.expectRest()
  }

  /// A group whose members send all calls to two numbers outside: both ring at the carrier.
  private func twoLegs(at death: (Bench) throws -> Void) throws -> (Bench, UserAgent) {
    var town = Town()
    town.office("101") { $0.forwards.always = "976333444" }
    town.office("102") { $0.forwards.always = "976333445" }
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    (carrier.manner, carrier.heedsCancel) = (.rings, false)
    carrier.call(
      Town.groupDDI,
      target: URI(user: Town.groupDDI, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).count == 2 && bench.core.ledger.openHolds.count == 2)
    try death(bench)
    return (bench, carrier)
  }

  private func spent(_ bench: Bench, _ number: String) throws -> Int64 {
    let line = try #require(
      bench.core.rules.directory.extensions.first { "\($0.digits)" == number })
    let standing = try #require(
      bench.core.ledger.standing(of: .account(line.account), at: bench.now))
    #expect(standing.reserved.micros == 0)
    return standing.windows.filter { $0.meter.quantity == .money }.map(\.posted).max() ?? 0
  }

  @Test(
    "F23: of two paid legs that rang each keeps its own hold, and is charged by it",
    arguments: [false, true])
  func parallel(byCheckpoint: Bool) throws {
    let (bench, carrier) = try twoLegs { bench in
      bench.deaf.insert(Endpoint("192.0.2.50:5060") ?? Bench.switchEndpoint)
      try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    }
    bench.run(for: .seconds(100))
    #expect(bench.core.ledger.openHolds.count == 2 && bench.records.isEmpty)
    bench.deaf = []
    bench.run(for: .seconds(70))
    #expect(carrier.received(.bye).count == 2 && bench.records.count == 1)
    // 0.06 EUR a minute, since they rang.
    let (first, second) = (try spent(bench, "101"), try spent(bench, "102"))
    #expect(first >= 100_000 && second >= 100_000)
    #expect(bench.records.first?.sell?.micros == first + second)
    bench.expectRest()
  }

  @Test(
    "F23: what was charged for a leg pays its own late answer, and not that of one that is over")
  func creditOfItsOwn() throws {
    let (bench, carrier) = try twoLegs { _ in }
    let (first, second) = (carrier.open[0].server, carrier.open[1].server)
    carrier.answer(second, 486)
    bench.run(for: .seconds(1))
    carrier.refusals = [.bye: 481]
    try bench.restart(from: bench.core.checkpoint())
    bench.run(for: .seconds(60))
    // It may have been answered: the hold is charged.
    let charged = try spent(bench, "101") + spent(bench, "102")
    #expect(charged > 0)
    carrier.refusals = [:]
    carrier.answer(first, 200, body: carrier.sdp)
    bench.run(for: .seconds(70))
    // The 32 seconds that a dead process may have heard it for, and a begun one, at 0.06 EUR a minute.
    #expect(try spent(bench, "101") + spent(bench, "102") == 33_000)
    bench.expectRest()
  }

  @Test("F23: one of two that is proven over is paid until then, however long the other goes on")
  func oneOfTwo() throws {
    let (bench, carrier) = try twoLegs { try $0.restart() }
    bench.run(for: .seconds(60))
    // Both have confirmed their BYE. The same with a second death between them:
    #expect(carrier.received(.bye).count == 2 && bench.records.count == 1)
    let (other, outside) = try twoLegs { bench in
      bench.deaf.insert(Endpoint("192.0.2.50:5060") ?? Bench.switchEndpoint)
      try bench.restart()
    }
    // The carrier refuses one, and hears nothing of what we say.
    outside.answer(try #require(outside.open.first).server, 486)
    other.run(for: .seconds(1))
    #expect(other.core.ledger.openHolds.count == 1 && other.records.isEmpty)
    try other.restart()
    other.run(for: .seconds(100))
    #expect(other.core.ledger.openHolds.count == 1 && other.records.isEmpty)
    other.deaf = []
    other.run(for: .seconds(70))
    let amounts = [try spent(other, "101"), try spent(other, "102")].sorted()
    #expect(amounts.first == 0 && amounts.last.map { $0 >= 100_000 } == true)
    #expect(other.records.map(\.sell?.micros) == [amounts.last])
    other.expectRest()
  }

  @Test(
    "F23: a trunk that rang and refused before the next one rang holds nothing up after a death",
    arguments: [false, true])
  func refusedBefore(byCheckpoint: Bool) throws {
    let bench = try Bench()
    let (phone, first, spare) = bench.phoneAndCarriers()
    (first.manner, spare.manner) = (.rings, .rings)
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    first.answer(try #require(first.open.first).server, 503)
    bench.run(for: .seconds(2))
    #expect(spare.received(.invite).count == 1)
    bench.deaf.insert(first.endpoint)
    try bench.restart(from: byCheckpoint ? bench.core.checkpoint() : nil)
    bench.run(for: .seconds(1))
    #expect(bench.records.count == 1 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.requests("BYE", to: first.endpoint).isEmpty)
    #expect(bench.requests("CANCEL", to: first.endpoint).isEmpty)
    bench.expectRest()
    #expect(bench.toldStillUp == 0)
    // It may still answer by another fork.
    #expect(bench.core.lateAnswers.count == 2)
  }

  @Test(
    "A checkpoint of a call that rings where it was forwarded to knows who pays, and what number")
  func forwarded() throws {
    var town = Town()
    town.office("101") { $0.forwards.notRegistered = "976333444" }
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    (carrier.manner, carrier.heedsCancel) = (.rings, false)
    carrier.call(
      Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).count == 1)
    bench.deaf.insert(carrier.endpoint)
    try bench.restart(from: bench.core.checkpoint())
    bench.run(for: .seconds(100))
    bench.deaf = []
    bench.run(for: .seconds(70))
    let record = try #require(bench.records.first)
    #expect(bench.records.count == 1 && record.direction == .inbound)
    #expect(try spent(bench, "101") == record.sell?.micros)
    // 0.06 EUR a minute, since it rang.
    #expect(record.sell.map { $0.micros >= 100_000 } == true)
    bench.expectRest()
  }

  /// A carrier that a phone has called, and the header fields of an answer of its that has no tag.
  private func untagged(
    _ bench: Bench
  ) throws -> (carrier: UserAgent, phone: UserAgent, fields: [String]) {
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    let invite = try #require(bench.requests("INVITE", to: carrier.endpoint).first)
    return (carrier, phone, fields(of: invite))
  }

  /// Those of a request that its answers repeat.
  private func fields(of request: String) -> [String] {
    let lines = request.split(separator: "\r\n").map(String.init)
    return ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].compactMap { name in
      lines.first { $0.hasPrefix(name) }
    }
  }

  @Test(
    "F23: of an INVITE that rang, was refused and is sent again, the one that rings is taken back")
  func repeated() throws {
    let bench = try Bench()
    let (carrier, _, kept) = try untagged(bench)
    ring(carrier, kept)
    carrier.answer(
      try #require(carrier.open.first).server, 422, headers: [HeaderDraft(.minSE, "3600")])
    bench.run(for: .seconds(1))
    let invites = bench.requests("INVITE", to: carrier.endpoint)
    try #require(invites.count == 2)
    ring(carrier, fields(of: invites[1]))
    try bench.restart()
    let cancels = bench.requests("CANCEL", to: carrier.endpoint)
    #expect(cancels.map(branch) == [branch(of: invites[1])])
    bench.run(for: .seconds(5))
    #expect(bench.records.map(\.sell?.micros) == [0] && bench.core.ledger.openHolds.isEmpty)
    bench.expectRest()
  }

  /// A 180 with a tag of the carrier's, to the INVITE of these header fields.
  private func ring(_ carrier: UserAgent, _ fields: [String], tag: String = "rings") {
    let fields = fields.map { $0.hasPrefix("To:") ? "\($0);tag=\(tag)" : $0 }
    let text = (["SIP/2.0 180 Ringing"] + fields + ["Content-Length: 0", "", ""])
      .joined(separator: "\r\n")
    carrier.say(Array(text.utf8))
  }

  private func branch(of request: String) -> Substring? {
    request.split(separator: "\r\n").first { $0.hasPrefix("Via:") }?.split(separator: ";")
      .first { $0.hasPrefix("branch=") }
  }

  @Test("F23: a refusal of the INVITE ends its forks, whose BYEs have found nothing, at no cost")
  func forks() throws {
    let bench = try Bench()
    let (carrier, _, kept) = try untagged(bench)
    carrier.heedsCancel = false
    for fork in ["one", "two"] { ring(carrier, kept, tag: fork) }
    try bench.restart()
    bench.run(for: .seconds(5))
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 2 && bench.records.isEmpty)
    carrier.answer(try #require(carrier.open.first).server, 487)
    bench.run(for: .milliseconds(50))
    #expect(bench.records.map(\.sell?.micros) == [0] && bench.core.ledger.openHolds.isEmpty)
    bench.expectRest()
  }

  @Test(
    "RFC 3261 §12.1.2: what rings without a tag has no dialog that a BYE could end, and is taken back",
    arguments: ["180 Ringing", "181 Call Is Being Forwarded", "182 Queued"])
  func withoutTag(_ words: String) throws {
    let bench = try Bench()
    let (carrier, _, kept) = try untagged(bench)
    let text = (["SIP/2.0 \(words)"] + kept + ["Content-Length: 0", "", ""])
      .joined(separator: "\r\n")
    carrier.say(Array(text.utf8))
    let marks = bench.entries.filter { if case .call(.leg) = $0 { true } else { false } }
    #expect(marks.isEmpty)
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(bench.requests("CANCEL", to: carrier.endpoint).count == 1)
    #expect(bench.requests("BYE", to: carrier.endpoint).isEmpty)
    // Refused: nobody had answered.
    #expect(bench.records.map(\.sell?.micros) == [0])
    bench.expectRest()
  }

  @Test(
    "RFC 3261 §12.1.2: a carrier that answered without a tag is ended all the same after a death")
  func answeredWithoutTag() throws {
    let bench = try Bench()
    let (carrier, phone, kept) = try untagged(bench)
    let body = Bench.sdp
    let text =
      (["SIP/2.0 200 OK"] + kept + [
        "Contact: <sip:192.0.2.50>", "Content-Type: application/sdp",
        "Content-Length: \(body.utf8.count)", "", body,
      ]).joined(separator: "\r\n")
    carrier.say(Array(text.utf8))
    #expect(phone.statuses().last == 200)
    bench.run(for: .seconds(10))
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    #expect(bench.records.count == 1 && bench.core.ledger.openHolds.isEmpty)
    // A copy of its answer is no call of its own.
    carrier.say(Array(text.utf8))
    bench.expectRest()
    #expect(bench.records.count == 1)
  }
}
