import Directory
import Elements
import Limits
import Relay
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct TrunkCallTests {
  /// A phone of extension 101 and the carrier.
  private func ends(
    _ bench: Bench, _ manner: UserAgent.Manner = .answers(after: .seconds(2))
  ) -> (phone: UserAgent, carrier: UserAgent) {
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = manner
    phone.register()
    return (phone, carrier)
  }

  @Test("A call to the outside goes to the trunk, is charged by the second and recorded")
  func outboundCall() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(phone.statuses() == [180, 200])
    let invite = try #require(carrier.received(.invite).first)
    #expect(invite.requestURI?.userText == "+34976333444")
    bench.run(for: .seconds(60))
    phone.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(record.direction == .outbound && record.cause == .normal)
    #expect(record.normalised == "+34976333444" && record.country == "ES")
    #expect(record.destinationClass == "geographic")
    #expect(record.payer != nil && record.trunk == TrunkID(1) && record.attempts == 1)
    let sell = try #require(record.sell)
    #expect((60_000...62_000).contains(sell.micros), "a minute and a bit at 0.06: \(sell)")
    #expect(record.slices > 1)
    #expect(bench.core.ledger.openHolds.isEmpty)
    #expect(bench.core.trunks[TrunkID(1)]?.channelsInUse == 0)
  }

  @Test("RFC 3262 §3: a phone that never sends its PRACK does not let the answered call go on")
  func vanishedPhone() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .early(then: .seconds(2)))
    phone.call("976333444", headers: [HeaderDraft(.supported, "100rel")])
    bench.run(for: .seconds(31))
    #expect(carrier.received(.bye).isEmpty && bench.core.calls.count == 1)
    bench.run(for: .seconds(3))
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 1)
    #expect(phone.lastStatus == 504 && !phone.statuses().contains(200))
    #expect(bench.requests("BYE", to: phone.endpoint).isEmpty, "its dialog was never confirmed")
    let record = try #require(bench.records.first)
    #expect(record.cause == .unacknowledged && record.status == 504)
    let sell = try #require(record.sell)
    #expect((29_000...33_000).contains(sell.micros), "half a minute at 0.06: \(sell)")
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.calls.isEmpty)
  }

  @Test("RFC 3262 §3: a caller whose 200 waits for its PRACK may cancel, and the carrier gets BYE")
  func cancelledBehindAnswer() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .early(then: .seconds(2)))
    phone.call("976333444", headers: [HeaderDraft(.supported, "100rel")])
    bench.run(for: .seconds(5))
    phone.cancel()
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 487 && carrier.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.cancelled])
  }

  @Test("RFC 3261 §15: a callee that hangs up before the 200 could leave: the caller is refused")
  func hungUpBehindAnswer() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .early(then: .seconds(2)))
    phone.call("976333444", headers: [HeaderDraft(.supported, "100rel")])
    bench.run(for: .seconds(5))
    carrier.hangUp()
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 480 && bench.requests("BYE", to: phone.endpoint).isEmpty)
    #expect(bench.records.map(\.endedBy) == [.callee] && bench.core.calls.isEmpty)
  }

  @Test("Write-ahead: no INVITE leaves to a trunk before the batch with its hold is durable")
  func writeAhead() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    bench.diskWorks = false
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).isEmpty)
    bench.confirmJournal()
    bench.run(for: .seconds(1))
    #expect(carrier.received(.invite).count == 1)
  }

  @Test("Of a call only the hold and each further slice are waited for; of the rest, commands")
  func awaited() throws {
    let bench = try Bench()
    let (phone, _) = ends(bench)
    bench.run(for: .seconds(1))
    phone.call("976333444")
    bench.run(for: .seconds(63))
    phone.hangUp()
    bench.run(for: .seconds(1))
    let awaited = bench.journal.filter(\.isAwaited).dropFirst()  // The first adopts the directory.
    #expect(try #require(bench.records.first).slices == awaited.count && awaited.count > 1)
    for batch in awaited {
      #expect(
        batch.entries.contains {
          switch $0 {
          case .ledger(.opened), .ledger(.raised): true
          case .ledger, .binding, .call, .record, .alert, .novelty, .habit, .guard: false
          }
        })
    }
    let (before, payer) = (bench.journal.count, bench.records.first?.payer)
    bench.command(
      .deposit(
        Money(micros: 1, .eur), .account(try #require(payer)), reference: "7", by: "anna"))
    #expect(bench.journal.dropFirst(before).map(\.isAwaited) == [true])
  }

  @Test("F24: a failing journal refuses paid calls with 503; internal and inbound calls go on")
  func journalFails() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    let colleague = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    colleague.manner = .answers(after: .seconds(1))
    colleague.register()
    bench.diskWorks = false
    phone.call("976333444")
    bench.run(for: .seconds(1))
    bench.happen(.journalFailed("no space left on device"))
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 503)
    phone.call("976333444")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 503 && carrier.received(.invite).isEmpty)
    phone.call("102")
    bench.run(for: .seconds(3))
    #expect(phone.lastStatus == 200)
    #expect(bench.alerts.contains { $0.kind == .journalFailed })
    #expect(bench.records.first?.cause == .journalUnavailable)
  }

  @Test("Caller ID: the trunk sees the account's own number, never what the phone says (A24, A25)")
  func callerID() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .waits)
    phone.call(
      "976333444",
      headers: [
        HeaderDraft(.assertedIdentity, "<sip:+34600000000@bank.example>"),
        HeaderDraft(.remotePartyID, "<sip:+34600000000@bank.example>;party=calling"),
        HeaderDraft(.diversion, "<sip:+34600000000@bank.example>;reason=unknown"),
      ])
    bench.run(for: .seconds(1))
    let invite = try #require(carrier.received(.invite).first)
    #expect(invite.fromURI.userText == Town.ddi)
    #expect(invite.text(.assertedIdentity)?.contains("\(Town.ddi)@") == true)
    #expect(!String(decoding: invite.bytes, as: UTF8.self).contains("600000000"))
  }

  @Test("A24: From of another extension is refused with 403, whoever is authenticated")
  func falseFrom() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    phone.call("976333444", from: phone.address("102"))
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403)
    phone.call(
      "976333444",
      from: NameAddress(uri: URI(user: "101", host: .name(Town.otherDomain))))
    bench.run(for: .seconds(1))
    #expect(carrier.received(.invite).isEmpty && phone.statuses().allSatisfy { $0 != 200 })
  }

  @Test("A24: a From of a domain that is nobody's here is refused, and nothing leaves")
  func foreignDomain() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    let bank = NameAddress(uri: URI(user: "101", host: .name("bank.example")))
    phone.call(
      "976333444", from: bank, target: URI(user: "976333444", host: .name(Town.domain)))
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403 && carrier.received(.invite).isEmpty)
  }

  @Test("RFC 3325: Privacy: id hides the number in From and keeps it in P-Asserted-Identity")
  func privacy() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .waits)
    phone.call("976333444", headers: [HeaderDraft(.privacy, "id")])
    bench.run(for: .seconds(1))
    let invite = try #require(carrier.received(.invite).first)
    #expect("\(invite.fromURI)" == "sip:anonymous@anonymous.invalid")
    #expect(invite.text(.privacy) == "id")
    #expect(invite.text(.assertedIdentity)?.contains(Town.ddi) == true)
  }

  @Test("RFC 3323: an anonymous From is a wish for privacy, the account is the authenticated one")
  func anonymousFrom() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .waits)
    phone.call(
      "976333444",
      headers: [HeaderDraft(.privacy, "id")],
      from: NameAddress(uri: URI(user: "anonymous", host: .name("anonymous.invalid"))))
    bench.run(for: .seconds(1))
    let invite = try #require(carrier.received(.invite).first)
    #expect("\(invite.fromURI)" == "sip:anonymous@anonymous.invalid")
    #expect(invite.text(.assertedIdentity)?.contains(Town.ddi) == true)
  }

  @Test("The limit refuses with 403 and words, blocks the account, and alerts in the same batch")
  func limit() throws {
    var town = Town()
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 2_600_000
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    phone.call("+8821234567890")
    bench.run(for: .seconds(3))
    let second = UserAgent(bench, user: "101", address: "198.51.100.7:5066")
    second.call("+8821234567890")
    bench.run(for: .seconds(3))
    #expect(second.lastStatus == 403)
    #expect(second.responses.last?.text(.warning)?.contains("Spending limit reached") == true)
    #expect(carrier.received(.invite).count == 1)
    let batch = try #require(
      bench.journal.first { batch in
        batch.entries.contains {
          if case .alert(let alert) = $0 { alert.kind == .accountBlocked } else { false }
        }
      })
    #expect(batch.entries.contains { if case .ledger = $0 { true } else { false } })
    #expect(bench.records.contains { $0.cause == .limitReached })
  }

  @Test("F35, G3: while blocked, inbound and internal calls go on; unblocked, paid calls do")
  func blocked() throws {
    var town = Town()
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 2_600_000
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    phone.manner = .answers(after: .seconds(1))
    phone.call("+8821234567890")
    bench.run(for: .seconds(3))
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    #expect(phone.lastStatus == 403)
    carrier.call(
      Town.ddi,
      target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(3))
    #expect(carrier.lastStatus == 200)
    let account = try #require(bench.core.rules.directory.extensions.first?.account)
    guard case .done? = bench.ask(.unblock(.account(account), by: "anna", reason: "it was us"))
    else {
      Issue.record("not unblocked")
      return
    }
    bench.run(for: .seconds(1))
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(phone.lastStatus == 200)
  }

  @Test("At the limit a running call is warned, cut on both sides, and the relay was told when")
  func cut() throws {
    var town = Town()
    town.retail = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      882,Satellite,0,1.2,0,1

      """
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 1_000_000
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    phone.call("+8821234567890")
    bench.run(for: .seconds(3))
    let answeredAt = bench.now.instant
    bench.run(for: .seconds(60))
    #expect(phone.received(.bye).count == 1 && carrier.received(.bye).count == 1)
    let record = try #require(bench.records.first)
    #expect(record.cause == .cutAtLimit && record.endedBy == .system)
    #expect(try #require(record.sell).micros <= 1_000_000)
    #expect((45...50).contains(record.talkTime.wholeMilliseconds / 1000), "\(record.talkTime)")
    #expect(bench.commands.contains { if case .play = $0 { true } else { false } })
    let untils = bench.commands.compactMap { command -> Instant? in
      if case .renew(_, let until) = command { until } else { nil }
    }
    #expect(untils.last.map { $0 < answeredAt + .seconds(51) } == true)
  }

  @Test("From the answer the relay has the end of the paid slice; without its hold a call is mute")
  func relayKnowsSlice() throws {
    func untils(_ bench: Bench) -> [Instant] {
      bench.commands.compactMap { if case .renew(_, let until) = $0 { until } else { nil } }
    }
    for hasHold in [true, false] {
      let bench = try Bench()
      let (phone, carrier) = ends(bench)
      phone.call("+8821234567890")
      bench.run(for: .seconds(1))
      #expect(untils(bench).last.map { $0 > bench.now.instant + .seconds(170) } == true)
      if !hasHold {
        var entries: [LedgerEntry] = []
        var notices: [LedgerNotice] = []
        for hold in bench.core.ledger.openHolds {
          _ = bench.core.ledger.finish(
            hold, .neverAnswered, at: bench.now, into: &entries, notices: &notices)
        }
      }
      bench.run(for: .seconds(2))
      #expect(carrier.acknowledgements.count == 1)
      let paid = try #require(bench.core.calls.values.first?.value.legs.last?.paid)
      let until = try #require(untils(bench).last)
      if hasHold {
        #expect(until == paid.reservation.expiry)
        #expect(until < bench.now.instant + .seconds(60), "not what ringing had")
      } else {
        #expect(until <= bench.now.instant)
      }
    }
  }

  @Test(
    "F10: a destination without a price is refused with 503 and alerted on repeats; never free")
  func unknownRate() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    for _ in 0..<4 {
      phone.call("+33142685300")
      bench.run(for: .seconds(1))
    }
    #expect(phone.statuses() == [503, 503, 503, 503])
    #expect(carrier.received(.invite).isEmpty)
    #expect(bench.records.allSatisfy { $0.cause == .unknownRate })
    #expect(bench.alerts.contains { $0.kind == .unknownRate })
  }

  @Test("Premium numbers are closed until somebody opens them: 403 with cause 21")
  func premium() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    phone.call("803123456")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403)
    #expect(phone.responses.last?.text(.reason)?.contains("cause=21") == true)
    #expect(carrier.received(.invite).isEmpty)
  }

  @Test("P2: with all channels taken the next call gets 503 with cause 34, and inbound 486")
  func channels() throws {
    var town = Town()
    town.document.trunks[0].channels = 1
    town.document.tenants[0].trunks = ["carrier"]
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    phone.call("976333444")
    bench.run(for: .seconds(3))
    let second = UserAgent(bench, user: "102", address: "198.51.100.8:5062")
    second.call("976333445")
    bench.run(for: .seconds(1))
    #expect(second.lastStatus == 503)
    #expect(second.responses.last?.text(.reason)?.contains("cause=34") == true)
    carrier.call(
      Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(1))
    #expect(carrier.lastStatus == 486)
    phone.hangUp()
    bench.run(for: .seconds(1))
    second.call("976333445")
    bench.run(for: .seconds(3))
    #expect(second.lastStatus == 200)
  }

  @Test("F37: BYE of the carrier and of the phone at once settle once and write one record")
  func byeGlare() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    phone.call("976333444")
    bench.run(for: .seconds(5))
    phone.hangUp()
    carrier.hangUp()
    bench.run(for: .seconds(5))
    #expect(bench.records.count == 1)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.calls.isEmpty)
    bench.run(for: .seconds(60))
    #expect(bench.core.load.isAtRest && bench.records.count == 1)
  }

  @Test("F03: ringing for ever ends after three minutes, the hold is released")
  func ringsForEver() throws {
    let bench = try Bench()
    let (phone, _) = ends(bench, .rings)
    phone.call("976333444")
    bench.run(for: .seconds(200))
    #expect(phone.lastStatus == 480)
    #expect(bench.core.ledger.openHolds.isEmpty)
    #expect(bench.records.first?.sell?.micros ?? 0 == 0)
  }

  @Test("F20: early media that is never answered ends after three minutes")
  func earlyMediaForEver() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench, .early(then: .seconds(10_000)))
    phone.call("976333444")
    bench.run(for: .seconds(200))
    #expect(carrier.received(.cancel).isEmpty && carrier.open.isEmpty)
    #expect(phone.statuses().last == 480)
    #expect(bench.core.calls.isEmpty)
  }

  @Test("F21: re-INVITE storms do not restart the clock of the slice")
  func reinviteStorm() throws {
    var town = Town()
    town.retail = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      882,Satellite,0,1.2,0,1

      """
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 1_000_000
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    phone.call("+8821234567890")
    bench.run(for: .seconds(3))
    let dialog = try #require(phone.dialog)
    for turn in 0..<30 {
      let body = Bench.sdp.replacing("1 1 IN", with: "1 \(turn + 2) IN")
        .replacing("sendrecv", with: turn % 2 == 0 ? "sendonly" : "sendrecv")
      phone.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body.utf8))))
      bench.run(for: .seconds(2))
    }
    #expect(bench.records.first?.cause == .cutAtLimit)
    #expect(carrier.received(.bye).count == 1)
  }
}
