import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct TrunkTests {
  @Test("P2: a trunk that answers 503 is passed over within the same call attempt")
  func failoverOnFailure() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.manner = .refuses(503, [])
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(carrier.received(.invite).count == 1 && spare.received(.invite).count == 1)
    #expect(phone.statuses() == [180, 200])
    phone.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(record.attempts == 2 && record.trunk == TrunkID(2))
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test(
    "A dead trunk is passed over after four seconds; its own hold stays until its outcome is known")
  func failoverOnSilence() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    bench.deaf.insert(carrier.endpoint)
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(spare.received(.invite).isEmpty)
    bench.run(for: .seconds(4))
    #expect(spare.received(.invite).count == 1)
    #expect(phone.statuses() == [180, 200])
    #expect(bench.core.ledger.openHolds.count == 2)
    bench.run(for: .seconds(60))
    #expect(bench.core.ledger.openHolds.count == 1)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.core.ledger.openHolds.isEmpty && bench.records.count == 1)
  }

  @Test("The record names the trunk that talked, also when the silent one is settled after the end")
  func recordOfFailover() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    bench.deaf.insert(carrier.endpoint)
    phone.call("976333444")
    bench.run(for: .seconds(8))
    #expect(phone.statuses() == [180, 200])
    phone.hangUp()
    bench.run(for: .seconds(60))
    let record = try #require(bench.records.first)
    #expect(record.trunk == TrunkID(2) && record.attempts == 2 && record.cause == .normal)
    #expect(bench.records.count == 1 && bench.core.ledger.openHolds.isEmpty)
  }

  @Test("The status line says why where we decided so; where another did, the usual words")
  func words() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    phone.call("803123456")
    bench.run(for: .seconds(1))
    #expect(phone.responses.last?.reasonPhrase == "Destination not allowed")
    #expect(phone.responses.last?.text(.warning) == "399 pbx \"Destination not allowed\"")
    for agent in [carrier, spare] { agent.manner = .refuses(403, []) }
    phone.call("976333444")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403)
    #expect(phone.responses.last?.reasonPhrase == "Forbidden")
    #expect(phone.responses.last?.has(.warning) == false)
  }

  @Test(
    "A trunk that asks for a password and for a longer session, in either order, is one attempt",
    arguments: [[407, 422, 407], [422, 407]] as [[UInt16]])
  func attempts(statuses: [UInt16]) throws {
    var town = Town()
    town.document.trunks[0].credentials = TrunkCredentials(
      username: "martinet", password: SecretText(Secret("carrier secret")),
      realm: "carrier.example")
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .waits
    phone.call("976333444")
    for status in statuses {
      bench.run(for: .seconds(1))
      let header =
        status == 422
        ? HeaderDraft(.minSE, "3600")
        : HeaderDraft(.proxyAuthenticate, "Digest realm=\"carrier.example\",nonce=\"abc\"")
      carrier.answer(
        try #require(carrier.open.first?.server), try #require(StatusCode(exactly: Int(status))),
        headers: [header])
    }
    bench.run(for: .seconds(1))
    #expect(carrier.received(.invite).count == statuses.count + 1)
    let last = try #require(carrier.received(.invite).last)
    #expect(last.has(.proxyAuthorization) && last.minSE == 3600)
    carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.attempts) == [1])
  }

  @Test("A given-up trunk that answers late and ignores BYE is charged, and the live call goes on")
  func lateAnswer() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.answersBye = false
    carrier.mute = true
    phone.call("976333444")
    bench.run(for: .seconds(7))
    #expect(phone.statuses() == [180, 200] && spare.received(.invite).count == 1)
    carrier.mute = false
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 200, body: Bench.sdp)
    bench.run(for: .seconds(60))
    #expect(carrier.acknowledgements.count == 1 && !carrier.received(.bye).isEmpty)
    #expect(phone.received(.bye).isEmpty && spare.received(.bye).isEmpty)
    #expect(bench.alerts.contains { $0.kind == .possiblyStillUp })
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(!bench.core.ledger.openHolds.isEmpty, "it may be up there still")
    bench.run(for: .seconds(1_900))
    #expect(bench.records.map(\.cause) == [.normal])
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test("P2: a trunk that takes a call and rings nowhere is passed over after its progress timeout")
  func failoverWithoutProgress() throws {
    var town = Town()
    town.document.trunks[0].progressSeconds = 9
    let bench = try Bench(town)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    phone.call("976333444")
    bench.run(for: .seconds(1))
    carrier.answer(try #require(carrier.open.first?.server), 100)
    bench.run(for: .seconds(7))
    #expect(spare.received(.invite).isEmpty && phone.statuses().isEmpty)
    bench.run(for: .seconds(4))
    #expect(
      carrier.received(.cancel).count + bench.requests("CANCEL", to: carrier.endpoint).count > 0)
    #expect(spare.received(.invite).count == 1)
    #expect(phone.statuses() == [180, 200])
    #expect(bench.state(ofTrunk: "carrier") == "up", "it answers; only this call went nowhere")
    phone.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(record.attempts == 2 && record.trunk == TrunkID(2))
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test("P2: one that rings in time, or is the only one left, is waited for")
  func slowProgress() throws {
    for (progress, channels) in [(StatusCode(180), 10), (nil, 0)] {
      var town = Town()
      town.document.trunks[0].progressSeconds = 9
      if channels == 0 { town.document.tenants[0].trunks = ["carrier"] }
      let bench = try Bench(town)
      let (phone, carrier, spare) = bench.phoneAndCarriers()
      phone.call("976333444")
      bench.run(for: .seconds(1))
      let server = try #require(carrier.open.first?.server)
      carrier.answer(server, 100)
      bench.run(for: .seconds(6))
      if let progress { carrier.answer(server, progress) }
      bench.run(for: .seconds(40))
      #expect(spare.received(.invite).isEmpty)
      carrier.answer(server, 200, body: Bench.sdp)
      bench.run(for: .seconds(1))
      #expect(phone.lastStatus == 200)
    }
  }

  @Test("What only the called side can mean, 486 or 404, is no reason to try another trunk")
  func noFailoverOnBusy() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.manner = .refuses(486, [HeaderDraft(.reason, "Q.850;cause=17;text=\"busy\"")])
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(phone.lastStatus == 486 && spare.received(.invite).isEmpty)
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test(
    "An emergency call goes to the next trunk whatever the one before says of it",
    arguments: [302, 404, 480, 484, 486, 488, 600, 603])
  func emergencyFailover(status: Int) throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    let contact = HeaderDraft(.contact, "<sip:112@192.0.2.9>")
    carrier.manner = .refuses(
      try #require(StatusCode(exactly: status)), status == 302 ? [contact] : [])
    phone.call("112")
    bench.run(for: .seconds(3))
    #expect(carrier.received(.invite).count == 1)
    #expect(spare.received(.invite).map { $0.requestURI?.userText } == ["112"])
    #expect(phone.statuses() == [180, 200])
    phone.hangUp()
    spare.manner = carrier.manner
    phone.call("112")
    bench.run(for: .seconds(3))
    #expect(spare.received(.invite).count == 2 && phone.lastStatus.map { $0 >= 300 } == true)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("F09: the next trunk's dearer price is held before its INVITE leaves, or refused")
  func dearerTrunk() throws {
    var town = Town()
    town.document.trunks[1].purchase = "wholesale"
    town.wholesale = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      34,Spain,9,1,0,1

      """
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 1_000_000
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.manner = .refuses(503, [])
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(spare.received(.invite).isEmpty)
    #expect(phone.statuses().last == 403)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.records.count == 1)
  }

  /// Room for the hold of one attempt, not of two: 12 seconds at 0.06 a minute are held.
  private func poorTown() -> Town {
    var town = Town()
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 20_000
      line.limits = limits
    }
    return town
  }

  @Test("F09: what does not fit beside the hold of a silent trunk is refused, and blocks nobody")
  func failoverThatDoesNotFit() throws {
    let bench = try Bench(poorTown())
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    bench.deaf.insert(carrier.endpoint)
    phone.call("976333444")
    bench.run(for: .seconds(6))
    #expect(phone.lastStatus == 503 && spare.received(.invite).isEmpty)
    #expect(bench.core.ledger.openHolds.count == 1, "the silent trunk may still answer")
    bench.run(for: .seconds(60))
    #expect(bench.core.ledger.openHolds.isEmpty && bench.records.map(\.attempts) == [1])
    #expect(bench.records.first?.cause == .trunkFailure)
    #expect(!bench.alerts.contains { $0.kind == .accountBlocked })
  }

  @Test("F09: an attempt under way is not given up for a trunk that cannot be paid for beside it")
  func waitsForWhatIsPaid() throws {
    for (status, next) in [(StatusCode(200), 0), (503, 1)] {
      var town = poorTown()
      town.document.trunks[0].progressSeconds = 9
      let bench = try Bench(town)
      let (phone, carrier, spare) = bench.phoneAndCarriers()
      phone.call("976333444")
      bench.run(for: .seconds(1))
      let server = try #require(carrier.open.first?.server)
      carrier.answer(server, 100)
      bench.run(for: .seconds(30))
      #expect(bench.requests("CANCEL", to: carrier.endpoint).isEmpty)
      #expect(spare.received(.invite).isEmpty && phone.statuses().isEmpty)
      carrier.answer(server, status, body: status == 200 ? Bench.sdp : nil)
      bench.run(for: .seconds(2))
      // What failed for certain hands its hold on.
      #expect(spare.received(.invite).count == next)
      #expect(phone.lastStatus == 200)
      phone.hangUp()
      bench.run(for: .seconds(1))
      #expect(bench.core.ledger.openHolds.isEmpty)
      #expect(!bench.alerts.contains { $0.kind == .accountBlocked })
    }
  }

  @Test(
    "A22: a phone or callee that challenges us gets no credentials; a carrier's own challenge does")
  func digestLeak() throws {
    var town = Town()
    town.document.trunks[0].credentials = TrunkCredentials(
      username: "martinet", password: SecretText(Secret("carrier secret")),
      realm: "carrier.example")
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .waits
    let challenge = { (realm: String) in
      HeaderDraft(.wwwAuthenticate, "Digest realm=\"\(realm)\",nonce=\"abc\",qop=\"auth\"")
    }
    phone.call("976333444")
    bench.run(for: .seconds(1))
    carrier.answer(
      try #require(carrier.open.first?.server), 401, headers: [challenge("carrier.example")])
    bench.run(for: .seconds(1))
    let again = try #require(carrier.received(.invite).last)
    #expect(carrier.received(.invite).count == 2 && again.has(.authorization))
    #expect(again.cseq.number == 2)
    carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    carrier.answersBye = false
    phone.hangUp()
    bench.run(for: .seconds(1))
    let bye = try #require(carrier.open.first { $0.message.method == .bye })
    carrier.answer(bye.server, 401, headers: [challenge("carrier.example")])
    bench.run(for: .seconds(2))
    #expect(carrier.received(.bye).map { $0.has(.authorization) } == [false, true])

    let colleague = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    colleague.register()
    colleague.manner = .refuses(401, [challenge("carrier.example")])
    phone.call("102")
    bench.run(for: .seconds(2))
    #expect(colleague.received(.invite).count == 1)
    #expect(
      !bench.sent.contains { $0.to == colleague.endpoint && $0.text.contains("\nAuthorization") })

    // Nor does a phone for a request in its dialog, or somebody behind the carrier for a realm of his own.
    colleague.manner = .answers(after: .seconds(1))
    phone.call("102")
    bench.run(for: .seconds(2))
    colleague.challenge = challenge("carrier.example")
    phone.hangUp()
    carrier.challenge = challenge("callee.example")
    carrier.answersBye = true
    phone.call("976333444")
    bench.run(for: .seconds(1))
    carrier.answer(try #require(carrier.open.last?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    phone.hangUp()
    bench.run(for: .seconds(2))
    #expect(colleague.received(.bye).count == 1 && carrier.received(.bye).count == 3)
    #expect(
      !bench.sent.contains { $0.to == colleague.endpoint && $0.text.contains("\nAuthorization") })
    #expect(carrier.received(.bye).last?.has(.authorization) == false)
  }

  @Test("Registration: digest, refresh at half time, 423, and growing pauses after failures")
  func registration() throws {
    var town = Town()
    var entry = RegistrationEntry(
      credentials: TrunkCredentials(
        username: "martinet", password: SecretText(Secret("carrier secret"))))
    entry.expiresSeconds = 120
    town.document.trunks[0].registration = entry
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    bench.run(for: .seconds(2))
    #expect(carrier.received(.register).count == 1)
    let first = try #require(carrier.received(.register).first)
    #expect(first.toURI.userText == "martinet" && first.expires == 120)
    #expect(bench.state(ofTrunk: "carrier") == "up")
    bench.run(for: .seconds(61))
    let second = try #require(carrier.received(.register).last)
    #expect(carrier.received(.register).count == 2)
    #expect(second[second.callID].elementsEqual(first[first.callID]))
    #expect(second.cseq.number == first.cseq.number + 1)
    bench.deaf.insert(carrier.endpoint)
    bench.run(for: .seconds(180))
    #expect(bench.state(ofTrunk: "carrier") != "up")
    bench.deaf.remove(carrier.endpoint)
    bench.run(for: .seconds(200))
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test(
    "F34: an emergency call passes a block, full channels and a failed journal, unrated, alerted")
  func emergency() throws {
    var town = Town()
    town.document.trunks[0].channels = 1
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 0
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    let other = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    other.register()
    other.call("976333444")
    bench.run(for: .seconds(3))
    bench.diskWorks = false
    bench.happen(.journalFailed("no space left on device"))
    bench.command(.drain)
    phone.call("112")
    bench.run(for: .seconds(3))
    #expect(phone.statuses() == [180, 200])
    let invite = try #require(carrier.received(.invite).last)
    #expect(invite.requestURI?.userText == "112" && invite.fromURI.userText == Town.ddi)
    #expect(bench.alerts.contains { $0.kind == .emergencyCall && $0.severity == .critical })
    phone.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.last)
    #expect(record.direction == .emergency && record.payer == nil && record.sell == nil)
    #expect(record.destinationClass == "emergency")
  }

  @Test(
    "F34: a call for help goes out in every way of writing it, while draining, blocked and without a disk",
    arguments: [
      "tel:112", "tel:1-1-2;phone-context=office.example", "tel:112;phone-context=+34",
      "tel:112;phone-context=%2B44", "sip:1-1-2@office.example",
      "sip:112;phone-context=+34@office.example;user=phone", "urn:service:sos",
      "urn:service:sos.fire", "URN:SERVICE:SOS", "sip:%231%23112@office.example",
      "sip:%2331%23112@office.example",
    ])
  func emergencyForms(uri: String) throws {
    var town = Town()
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 0
      line.limits = limits
    }
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    bench.diskWorks = false
    bench.happen(.journalFailed("no space left on device"))
    bench.command(.drain)
    let forwarded = (1...9).map { "<sip:+3460000000\($0)@x.example>;reason=unconditional" }
    phone.call(
      "112", headers: [HeaderDraft(.diversion, forwarded.joined(separator: ", "))],
      target: try URI(uri))
    bench.run(for: .seconds(3))
    guard !uri.hasPrefix("sip:%231%23") else {
      // "#1#112" is no code that anybody knows.
      #expect(carrier.received(.invite).isEmpty && phone.lastStatus == 503)
      return
    }
    #expect(phone.statuses() == [180, 200])
    #expect(carrier.received(.invite).map { $0.requestURI?.userText } == ["112"])
    #expect(bench.alerts.contains { $0.kind == .emergencyCall })
  }

  @Test(
    "RFC 3966 §5.1.5: a global phone-context completes a local number, a domain leaves it local")
  func phoneContext() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    for (uri, number) in [
      ("tel:2079460000;phone-context=+44", "+442079460000"),
      ("tel:976-333-444;phone-context=+34", "+34976333444"),
      ("tel:976333444;phone-context=office.example", "+34976333444"),
      ("tel:+34976333444;phone-context=+44", "+34976333444"),
    ] {
      phone.call("", target: try URI(uri))
      bench.run(for: .seconds(1))
      #expect(carrier.received(.invite).last?.requestURI?.userText == number, "\(uri)")
      phone.cancel()
      bench.run(for: .seconds(1))
    }
    let colleague = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    colleague.register()
    phone.call("", target: try URI("tel:102;phone-context=office.example"))
    bench.run(for: .seconds(1))
    #expect(colleague.received(.invite).count == 1)
  }

  @Test("F33: a digit more than an emergency number is no emergency number")
  func emergencyLookAlike() throws {
    let bench = try Bench()
    let (phone, _, _) = bench.phoneAndCarriers()
    phone.call("1123")
    bench.run(for: .seconds(1))
    #expect(bench.alerts.isEmpty)
    #expect([403, 404, 484, 503].contains(phone.lastStatus ?? 0))
  }
}
