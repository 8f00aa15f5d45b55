import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Hard cases of the guard that are races between the switch, a carrier and the ledger.
@Suite struct SwitchGuardCaseTests {
  /// A minute of the satellite costs 2.50, and there is money for one.
  private static let limit: Int64 = 2_600_000

  private func town(limit: Int64 = Self.limit) -> Town {
    var town = Town()
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = limit
      line.limits = limits
    }
    return town
  }

  private func ends(_ bench: Bench) -> (phone: UserAgent, carrier: UserAgent) {
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    phone.register()
    return (phone, carrier)
  }

  /// What the account of 101 has spent today, reservations included.
  private func committed(_ bench: Bench) throws -> Int64 {
    let account = try #require(bench.core.rules.directory.extensions.first?.account)
    let standing = try #require(bench.core.ledger.standing(of: .account(account), at: bench.now))
    let day = standing.windows.filter { $0.meter == Meter(.money, per: .day) }
    return try #require(day.map { $0.posted + $0.reserved }.max())
  }

  @Test(
    "F04: an answer around the instant in which we give the call up is charged, ended, and within the limit",
    arguments: [-12, -10, -1, 0, 1, 9, 10, 11])
  func answerAsWeGiveUp(milliseconds: Int64) throws {
    let bench = try Bench(town())
    let (phone, carrier) = ends(bench)
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    let until = try #require(bench.core.calls.values.first?.value.unansweredUntil)
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 180)
    // A datagram takes 10 ms: at 0 the answer is here in the instant of the refusal.
    bench.run(for: until - bench.now.instant - .milliseconds(10 - milliseconds))
    guard carrier.core.isPending(server) else {
      // The CANCEL came first: nothing was answered, and nothing costs.
      #expect(milliseconds > 9)
      #expect(try committed(bench) == 0)
      return
    }
    carrier.answer(server, 200, body: Bench.sdp)
    bench.run(for: .seconds(150))
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 1)
    #expect(try committed(bench) == 2_500_000, "the carrier bills a minute")
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.calls.isEmpty)
    #expect(bench.records.count == 1 && bench.records.first?.sell?.micros == 2_500_000)
    #expect(phone.statuses().last == (milliseconds <= 0 ? 200 : 480))
  }

  @Test(
    "F04: the answer of one call in the instant of the refusal of another: one runs, one never left"
  )
  func answerAsAnotherIsRefused() throws {
    let bench = try Bench(town())
    let (phone, carrier) = ends(bench)
    let second = UserAgent(bench, user: "101", address: "198.51.100.7:5066")
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    second.call("+8821234567891")
    bench.run(for: .milliseconds(20))  // Challenged; its second INVITE is under way.
    carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 200 && second.lastStatus == 403)
    #expect(carrier.received(.invite).count == 1)
    bench.run(for: .seconds(90))
    #expect(carrier.received(.bye).count == 1, "cut when its minute is over")
    #expect(try committed(bench) == 2_500_000)
  }

  @Test("F04: a carrier that answers while its slice is being refused is cut with what was paid")
  func answerAsTheBlockComes() throws {
    let bench = try Bench(town(limit: 5_100_000))
    let (phone, carrier) = ends(bench)
    for number in ["+8821234567890", "+8821234567891"] {
      phone.call(number)
      bench.run(for: .milliseconds(100))
    }
    let servers = carrier.open.map(\.server)
    #expect(servers.count == 2)
    for server in servers { carrier.answer(server, 180) }
    carrier.answer(servers[0], 200, body: Bench.sdp)
    bench.run(for: .milliseconds(100))
    // The first asks for its second minute, and the limit has no room: blocked.
    let dates = bench.core.calls.values.compactMap { $0.value.legs.last?.paid?.reservation.renewAt }
    let renewAt = try #require(dates.min())
    bench.run(for: renewAt - bench.now.instant - .milliseconds(10))
    carrier.answer(servers[1], 200, body: Bench.sdp)
    bench.run(for: .seconds(200))
    #expect(carrier.received(.bye).count == 2)
    #expect(try committed(bench) == 5_000_000)
    #expect(bench.alerts.count { $0.kind == .accountBlocked } == 1)
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test("F10: where a limit counts purchase prices the sell price never stands for a missing one")
  func purchaseWithoutPrice() throws {
    for basis in [PriceBasis.sell, .purchase] {
      var town = town(limit: 50_000_000)
      town.document.tenants[0].limits.basis = basis
      let bench = try Bench(town)
      let (phone, carrier) = ends(bench)
      carrier.manner = .answers(after: .seconds(1))
      phone.call("+8821234567890")
      bench.run(for: .seconds(3))
      #expect(phone.lastStatus == (basis == .sell ? 200 : 503))
      #expect(carrier.received(.invite).count == (basis == .sell ? 1 : 0))
    }
  }

  @Test(
    "F10: while the rate table is empty or gone nothing goes out; the running call goes on and is charged"
  )
  func rateTableReloaded() throws {
    var town = town(limit: 50_000_000)
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    carrier.manner = .answers(after: .seconds(1))
    phone.call("+8821234567890")
    bench.run(for: .seconds(5))
    let second = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    let directory = try town.rulebook(revision: 2).directory
    for decks in [[:], ["retail": RateDeck.empty]] {
      bench.command(.adopt(Rulebook(directory: directory, decks: decks)))
      second.call("976333444")
      bench.run(for: .seconds(1))
      #expect(second.lastStatus == 503)
    }
    bench.run(for: .seconds(60))
    #expect(carrier.received(.bye).isEmpty)
    bench.command(.adopt(try town.rulebook(revision: 3)))
    second.call("976333444")
    bench.run(for: .seconds(3))
    #expect(second.lastStatus == 200)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.last?.sell?.micros == 4_500_000, "two minutes at the price that was held")
  }

  @Test(
    "F12: a loop over the telephone network ends: by its forwards, by its hops, or by the limit",
    arguments: ["diversion", "hops", "neither"])
  func loopOverCarrier(kept: String) throws {
    var town = town()
    town.document.trunks[0].channels = 1000
    town.office("101") { line in
      line.forwards.always = "976333444"
      if kept == "hops" { line.limits?.concurrent = nil }
    }
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    let target = URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address))
    carrier.call(Town.ddi, target: target)
    var turns = 0
    while turns < 100 {
      bench.run(for: .seconds(1))
      guard carrier.received(.invite).count > turns, let last = carrier.received(.invite).last
      else { break }
      turns += 1
      let diversion = last.text(.diversion)
      carrier.call(
        Town.ddi,
        headers: kept == "diversion" ? diversion.map { [HeaderDraft(.diversion, $0)] } ?? [] : [],
        target: target, maxForwards: kept == "hops" ? last.maxForwards ?? 70 : 70)
    }
    let paid = bench.core.ledger.openHolds.count
    #expect(paid > 0 && paid <= turns)
    switch kept {
    case "diversion": #expect(turns <= 5 && carrier.statuses().contains(482))
    case "hops": #expect(turns == 70 && carrier.statuses().contains(483))
    case _: #expect(turns == 10 && carrier.statuses().contains(403), "paid calls at a time")
    }
    #expect(try committed(bench) <= Self.limit)
    bench.run(for: .seconds(200))
    #expect(bench.core.calls.isEmpty && bench.core.ledger.openHolds.isEmpty)
  }

  @Test(
    "F22: 481 to BYE proves the end, 408 and 503 do not: then it is charged until it is given up, and told",
    arguments: [481, 408, 503])
  func answerToBye(status: Int) throws {
    let bench = try Bench(town())
    let (phone, carrier) = ends(bench)
    carrier.manner = .answers(after: .seconds(1))
    carrier.answersBye = false
    phone.call("976333444")
    bench.run(for: .seconds(7))
    let held = try committed(bench)
    phone.hangUp()
    bench.run(for: .milliseconds(100))
    let bye = try #require(carrier.open.first { $0.message.method == .bye })
    carrier.answer(bye.server, try #require(StatusCode(exactly: status)))
    bench.run(for: .seconds(1))
    #expect(bench.alerts.contains { $0.kind == .possiblyStillUp } == (status != 481))
    #expect(bench.core.calls.isEmpty == (status == 481), "until it is confirmed the hold stays")
    bench.run(for: .seconds(1_900))
    let spent = try committed(bench)
    // Half an hour at 0.06 EUR, less the pause before a BYE that would be too late.
    #expect(status == 481 ? spent < held : spent >= 1_700_000)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.loadAtRest().isAtRest)
  }

  @Test(
    "F31: a premium number is closed in every disguise, and the record names it",
    arguments: [
      "+44-909-879-0879", "0044 (0)909 879 0879", "%2B449098790879",
      "00449098790879;npdi;rn=+34976",
      "9098790879;phone-context=+44", "*6700449098790879", "＋４４９０９８７９０８７９", "00449098790879,,1",
    ])
  func disguisedPremium(dialled: String) throws {
    let bench = try Bench(town())
    let (phone, carrier) = ends(bench)
    var text = ""
    for byte in dialled.utf8 {
      let isPlain = (48...57).contains(byte) || (97...122).contains(byte | 0x20)
      let digits = String(byte, radix: 16)
      text +=
        isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + (byte < 16 ? "0" : "") + digits
    }
    phone.call("", target: try URI("sip:\(text)@\(Town.domain)"))
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403 && carrier.received(.invite).isEmpty)
    #expect(bench.records.map(\.cause) == [.forbidden])
    #expect(try committed(bench) == 0)
  }

  @Test("F37: an answer that nobody asked for, and a BYE before the answer, start and cost nothing")
  func outOfOrder() throws {
    let bench = try Bench(town())
    let (phone, carrier) = ends(bench)
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 180)
    bench.run(for: .seconds(1))
    let stray = try #require(bench.requests("INVITE", to: carrier.endpoint).first)
    let via = stray.split(separator: "\r\n").filter { line in
      ["Via", "From", "Call-ID", "CSeq"].contains { line.hasPrefix($0 + ":") }
    }.map { $0.replacing("z9hG4bK", with: "z9hG4bKother") }
    let answer =
      "SIP/2.0 200 OK\r\n\(via.joined(separator: "\r\n"))\r\n"
      + "To: <sip:x@carrier.example>;tag=stray\r\nContact: <sip:x@192.0.2.50>\r\nContent-Length: 0\r\n\r\n"
    let flow = Flow(transport: .udp, local: Bench.switchEndpoint, remote: carrier.endpoint)
    bench.happen(.received(Array(answer.utf8), flow))
    bench.run(for: .seconds(1))
    #expect(bench.core.calls.values.map(\.value.phase) == [.ringing])
    let dialog = try #require(carrier.dialog)
    carrier.send(in: dialog, RequestDraft(.bye))
    bench.run(for: .seconds(5))
    if !bench.core.calls.isEmpty { phone.cancel() }
    bench.run(for: .seconds(40))
    #expect(bench.core.calls.isEmpty && bench.core.ledger.openHolds.isEmpty)
    #expect(try committed(bench) == 0)
    #expect(bench.records.count == 1)
  }

  @Test("F26: a clock that leaps ahead is written down with the next event, once")
  func clockLeaps() throws {
    let bench = try Bench(town())
    func clocks() -> Int {
      bench.entries.count { if case .ledger(.clock) = $0 { true } else { false } }
    }
    bench.run(for: .seconds(600))
    #expect(clocks() == 0)
    bench.now.wall = bench.now.wall + .seconds(86_400)
    for _ in 0..<3 { bench.happen(.deadline) }
    #expect(clocks() == 1 && bench.journal.last?.isAwaited == true)
  }
}
