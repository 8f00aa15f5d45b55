import Directory
import Elements
import Limits
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct RobustnessTests {
  private func phone(
    _ bench: Bench, _ user: String, _ port: Int,
    _ manner: UserAgent.Manner = .answers(after: .seconds(1))
  ) -> UserAgent {
    let phone = UserAgent(bench, user: user, address: "198.51.100.7:\(port)")
    phone.manner = manner
    phone.register()
    return phone
  }

  @Test("A contradiction in one call ends that call with BYE and an alert, and no other")
  func poison() throws {
    let bench = try Bench()
    let (one, two) = (phone(bench, "101", 5062), phone(bench, "102", 5064))
    let (three, four) = (phone(bench, "103", 5066), phone(bench, "104", 5068))
    one.call("102")
    three.call("104")
    bench.run(for: .seconds(3))
    let id = try #require(bench.core.calls.keys.min())
    bench.core.withCall(id, at: bench.now) { (_, _) throws(LegContradiction) in
      throw LegContradiction(leg: 1, state: .over, step: .answered)
    }
    bench.happen(.deadline)  // The end of the event that it was in.
    bench.run(for: .seconds(2))
    #expect(one.received(.bye).count == 1 && two.received(.bye).count == 1)
    #expect(three.received(.bye).isEmpty && four.received(.bye).isEmpty)
    #expect(bench.records.map(\.cause) == [.internalFault])
    #expect(bench.alerts.map(\.kind) == [.internalFault])
    #expect(bench.core.calls.count == 1)
  }

  @Test(
    "F39: when a limit is reached only the paid legs of that account end, not the tenant's others")
  func onlyThatAccount() throws {
    var town = Town()
    town.retail = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      882,Satellite,0,1.2,0,1

      """
    town.document.tenants[0].extensionLimits.spend = SpendEntry(dayMicros: 50_000_000)
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend.dayMicros = 1_000_000
      line.limits = limits
    }
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    let thief = phone(bench, "101", 5062)
    let honest = phone(bench, "102", 5064)
    let (desk, colleague) = (phone(bench, "103", 5066), phone(bench, "104", 5068))
    thief.call("+8821234567890")
    honest.call("+8821234567891")
    desk.call("104")
    bench.run(for: .seconds(80))
    #expect(thief.received(.bye).count == 1)
    #expect(honest.received(.bye).isEmpty)
    #expect(desk.received(.bye).isEmpty && colleague.received(.bye).isEmpty)
    #expect(bench.core.calls.count == 2)
  }

  @Test("F01: a hundred calls in one moment never hold more than the limit")
  func burst() throws {
    var town = Town()
    town.office("101") { line in
      var limits = LimitEntry.account
      limits.spend = SpendEntry(dayMicros: 10_000_000)
      limits.international = CountEntry()
      (limits.attemptsPerHour, limits.concurrent) = (nil, nil)
      line.limits = limits
    }
    let bench = try Bench(town)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    let thief = phone(bench, "101", 5062)
    for _ in 0..<100 { thief.call("+8821234567890") }
    bench.run(for: .seconds(120))
    // 0.50 to connect and 2 a minute, by the minute: 2.50 for each call let out.
    #expect(carrier.received(.invite).count == 4)
    #expect(bench.records.count { $0.cause == .limitReached } == 96)
    let account = try #require(bench.core.rules.directory.extensions.first?.account)
    let standing = try #require(bench.core.ledger.standing(of: .account(account), at: bench.now))
    #expect(standing.windows.allSatisfy { $0.posted + $0.reserved <= 10_000_000 })
    #expect(bench.alerts.count { $0.kind == .accountBlocked } == 1)
  }

  @Test(
    "P3: a phone whose NAT gave it another port keeps its call: requests follow its registration")
  func rebinding() throws {
    let bench = try Bench()
    let (one, two) = (phone(bench, "101", 5062), phone(bench, "102", 5064))
    one.call("102")
    bench.run(for: .seconds(3))
    let moved = UserAgent(bench, user: "102", address: "198.51.100.7:7777")
    moved.register(contact: two.contact())
    one.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: moved.endpoint).count == 1)
    #expect(bench.requests("BYE", to: two.endpoint).isEmpty)
  }

  @Test("RFC 3262 §3: a caller that requires 100rel gets its 180 reliably")
  func required() throws {
    let bench = try Bench()
    let one = phone(bench, "101", 5062)
    _ = phone(bench, "102", 5064, .rings)
    one.call(
      "102", headers: [HeaderDraft(.require, "100rel"), HeaderDraft(.supported, "100rel")])
    bench.run(for: .milliseconds(300))
    let ringing = try #require(one.responses.last)
    #expect(ringing.status == 180 && ringing.require.contains("100rel"))
  }

  @Test("RFC 3261 §8.2.2.3: an extension that we do not know is 420 with its name")
  func badExtension() throws {
    let bench = try Bench()
    let one = phone(bench, "101", 5062)
    one.call("102", headers: [HeaderDraft(.require, "teleport")])
    bench.run(for: .seconds(1))
    #expect(one.lastStatus == 420 && one.responses.last?.text(.unsupported) == "teleport")
  }

  @Test("A body that is no session description is 415 or 400, a broken one never reaches a phone")
  func badBodies() throws {
    let bench = try Bench()
    let one = phone(bench, "101", 5062)
    let two = phone(bench, "102", 5064)
    one.call("102", body: .some("v=1\r\nnonsense"))
    bench.run(for: .seconds(1))
    #expect(one.lastStatus == 400)
    one.call("102", body: .some(Bench.sdp.replacing("RTP/AVP", with: "UDP/TLS/RTP/SAVPF")))
    bench.run(for: .seconds(1))
    #expect(one.lastStatus == 488)
    #expect(two.received(.invite).isEmpty && bench.core.calls.isEmpty)
  }

  @Test("RFC 3261 §20.11, §20.12: an optional body is passed over, an encoded one is 415")
  func otherBodies() throws {
    let bench = try Bench()
    let (one, two) = bench.twoPhones()
    let encoded = HeaderDraft(.contentEncoding, "gzip")
    one.call("102", headers: [encoded])
    bench.run(for: .seconds(1))
    #expect(one.lastStatus == 415 && one.responses.last?.text(.acceptEncoding) == "identity")
    #expect(two.received(.invite).isEmpty)
    two.manner = .answers(after: .seconds(1))
    one.lateAnswer = Bench.sdp
    let optional = HeaderDraft(.contentDisposition, "icon;handling=optional")
    one.call("102", headers: [optional], body: .some("v=1\r\nnonsense"))
    bench.run(for: .seconds(3))
    #expect(one.lastStatus == 200)
    one.send(
      in: try #require(one.dialog),
      RequestDraft(.invite, headers: [encoded], body: .sdp(Array(Bench.sdp.utf8))))
    bench.run(for: .seconds(1))
    #expect(one.lastStatus == 415 && one.responses.last?.text(.acceptEncoding) == "identity")
  }

  @Test("RFC 3261 §26.2.2: sips is refused where the signalling is in the clear")
  func sips() throws {
    let bench = try Bench()
    let (one, two) = bench.twoPhones()
    one.call("102", target: try URI("sips:102@\(one.domain)"))
    bench.run(for: .seconds(1))
    #expect(one.lastStatus == 403 && two.received(.invite).isEmpty)
  }

  @Test(
    "RFC 5630 §5.3: a call by sips rings phones over TLS only; without one the caller is told why")
  func sipsToPhones() throws {
    let bench = try Bench()
    func phone(_ user: String, _ port: UInt16, tls: FlowID? = nil) -> UserAgent {
      let phone = UserAgent(bench, user: user, address: "198.51.100.9:\(port)")
      phone.stream = .tls
      if let tls { phone.connect(from: port + 1_000, as: tls) }
      phone.manner = .rings
      phone.register()
      return phone
    }
    let caller = phone("101", 5_070, tls: FlowID(1))
    let clear = phone("102", 5_071)
    caller.call("102", target: try URI("sips:102@\(caller.domain)"))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 480 && clear.requests.isEmpty)
    #expect(caller.responses.last?.text(.warning)?.hasPrefix("380 ") == true)
    caller.call("102")
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 180 && clear.received(.invite).count == 1)
    caller.cancel()
    bench.run(for: .seconds(1))
    let secret = phone("102", 5_072, tls: FlowID(2))
    caller.call("102", target: try URI("sips:102@\(caller.domain)"))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 180)
    #expect(secret.received(.invite).count == 1 && clear.received(.invite).count == 1)
    // Nobody is there at all: that is another reason.
    caller.call("103", target: try URI("sips:103@\(caller.domain)"))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 480 && caller.responses.last?.has(.warning) == false)
  }

  @Test("RFC 4568: an SRTP offer is keyed with us, and the other leg speaks plain RTP")
  func secured() throws {
    let bench = try Bench()
    let (one, two) = (phone(bench, "101", 5062), phone(bench, "102", 5064))
    let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    let secured =
      Bench.sdp.replacing("RTP/AVP", with: "RTP/SAVP")
      + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)\r\n"
    one.call("102", body: .some(secured))
    bench.run(for: .seconds(3))
    let passed = try SessionDescription(
      parsing: try #require(two.received(.invite).first).bodyBytes)
    #expect(passed.media[0].profile == .avp && passed.media[0].crypto.isEmpty)
    let answer = try SessionDescription(parsing: try #require(one.responses.last).bodyBytes)
    #expect(answer.media[0].profile == .savp && answer.media[0].crypto.count == 1)
    #expect(!String(decoding: answer.media[0].crypto[0], as: UTF8.self).contains(key))
    let plan = bench.commands.compactMap { command -> StreamPlan? in
      if case .update(_, 0, let plan) = command { plan.streams.first } else { nil }
    }.last
    #expect(plan?.receiveKey != nil && plan?.sendKey != nil)
    #expect(plan?.receiveKey != plan?.sendKey)
  }

  @Test("Every retransmission and reordering of a whole call gives one call and one record")
  func duplicates() throws {
    let bench = try Bench()
    bench.copies = 3
    let (one, _) = (phone(bench, "101", 5062), phone(bench, "102", 5064))
    one.call("102")
    bench.run(for: .seconds(5))
    one.hangUp()
    bench.run(for: .seconds(40))
    #expect(bench.records.count == 1 && bench.records.first?.cause == .normal)
    #expect(bench.core.calls.isEmpty && bench.core.sip.isAtRest)
  }

  @Test("A BYE that waits for the caller's ACK and is overtaken by the caller's own leaves nothing")
  func overtakenBye() throws {
    let bench = try Bench()
    let (one, _) = (phone(bench, "101", 5062), phone(bench, "102", 5064))
    one.acknowledges = false
    one.call("102")
    bench.run(for: .seconds(3))
    bench.command(.hangUpAll)
    bench.run(for: .seconds(1))
    one.hangUp()
    bench.run(for: .seconds(80))
    #expect(bench.records.count == 1 && bench.core.calls.isEmpty)
    #expect(bench.core.load.isAtRest, "\(bench.core.load)")
  }

  @Test("At rest nothing is left: no transaction, dialog, owner, hold or session")
  func atRest() throws {
    let bench = try Bench()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    let (one, two) = (phone(bench, "101", 5062), phone(bench, "102", 5064))
    for number in ["102", "976333444", "104", "199", "803123456"] {
      one.call(number)
      bench.run(for: .seconds(4))
      one.hangUp()
      bench.run(for: .seconds(1))
    }
    two.call("101")
    bench.run(for: .milliseconds(500))
    two.cancel()
    bench.run(for: .seconds(80))
    let core = bench.core
    #expect(core.calls.isEmpty && core.owners.dialogs.isEmpty && core.owners.sessions.isEmpty)
    #expect(core.owners.clients.isEmpty && core.owners.invites.isEmpty)
    #expect(core.waiting.isEmpty && core.ledger.openHolds.isEmpty)
    #expect(core.sip.isAtRest)
    #expect(bench.records.count == 6)
  }
}
