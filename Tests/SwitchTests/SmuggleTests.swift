import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What a caller writes is never what we say: every message that leaves is written anew (docs/guard.md, A19, A32, A36).
@Suite struct SmuggleTests {
  /// Two who talk, and the carrier that a thief would like to reach.
  private func talking(
    _ bench: Bench
  ) -> (caller: UserAgent, callee: UserAgent, carrier: UserAgent) {
    let caller = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let callee = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    callee.manner = .answers(after: .seconds(1))
    carrier.manner = .answers(after: .seconds(1))
    caller.register()
    callee.register()
    caller.call("102")
    bench.run(for: .seconds(3))
    return (caller, callee, carrier)
  }

  private func text(_ message: Message) -> String { String(decoding: message.bytes, as: UTF8.self) }

  @Test(
    "A19: no header of a phone reaches a carrier, in whatever way it is written",
    arguments: [
      "X-Martinet-Payer: smuggled", "X-Martinet-Payer : smuggled",
      "P-Asserted-Identity \t: <sip:smuggled@a>",
      "P-ASSERTED-IDENTITY: <sip:smuggled@a>", "Diversion:\r\n <sip:smuggled@a>",
      "P-Charging-Vector: icid-value=smuggled",

      "Record-Route: <sip:smuggled.example;lr>",
      "Identity: smuggled", "History-Info: <sip:smuggled@a>;index=1",
      "Remote-Party-ID: \"smuggled\" <sip:a@a>",
      "Replaces: smuggled;to-tag=1;from-tag=2", "Alert-Info: <http://smuggled.example/>",
      "Call-Info: <http://smuggled.example/>", "Geolocation: <cid:smuggled>",
      "Organization: smuggled",
      "Warning: 399 smuggled \"x\"", "In-Reply-To: smuggled",
      "P-Preferred-Identity: <sip:smuggled@a>",
    ])
  func headers(_ line: String) throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    phone.register()
    phone.smuggles = line
    phone.call("976333444")
    bench.run(for: .seconds(1))
    for invite in carrier.received(.invite) {
      #expect(!text(invite).lowercased().contains("smuggled"), "\(text(invite))")
      #expect(invite.fromURI.userText == Town.ddi)
    }
    // It went out, or was refused as no message; it did not pass half understood.
    #expect(carrier.received(.invite).count == 1 || (400..<500).contains(phone.lastStatus ?? 0))
  }

  @Test("A19: what a caller's Subject is folded over stays his Subject")
  func folded() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    phone.register()
    phone.smuggles = "Subject: a\r\n\tP-Asserted-Identity: <sip:smuggled@a>"
    phone.call("976333444")
    bench.run(for: .seconds(1))
    let invite = try #require(carrier.received(.invite).first)
    let lines = text(invite).split(separator: "\r\n").filter { $0.contains("smuggled") }
    #expect(lines.allSatisfy { $0.hasPrefix("Subject: ") })
    #expect(invite.text(.assertedIdentity)?.contains("\(Town.ddi)@") == true)
  }

  @Test("A19: nor does a carrier's reach a phone")
  func fromCarrier() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    phone.register()
    carrier.call(
      Town.ddi,
      headers: [
        HeaderDraft(named: "X-Trunk", Array("smuggled".utf8)),
        HeaderDraft(named: "Record-Route", Array("<sip:smuggled.example;lr>".utf8)),
        HeaderDraft(named: "Alert-Info", Array("<http://smuggled.example/>".utf8)),
        HeaderDraft(named: "User-Agent", Array("smuggled".utf8)),
      ], from: NameAddress(uri: URI(user: "+34600111222", host: .name("carrier.example"))),
      target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(1))
    let invite = try #require(phone.received(.invite).first)
    #expect(!text(invite).contains("smuggled"))
  }

  @Test(
    "A32: nobody transfers a call: not its caller, its callee or a stranger, within it or beside it"
  )
  func refer() throws {
    let bench = try Bench()
    let (caller, callee, carrier) = talking(bench)
    let stranger = UserAgent(bench, user: "101", address: "203.0.113.66:5060")
    stranger.password = nil
    let target = [
      HeaderDraft(.referTo, "<sip:+882161234567@\(Town.domain)?Route=%3Csip:evil.example%3E>")
    ]
    for agent in [caller, callee] {
      let dialog = try #require(agent.dialog)
      agent.send(in: dialog, RequestDraft(.refer, headers: target))
    }
    for agent in [caller, callee, stranger] {
      agent.send(
        RequestDraft(
          .refer, target: URI(user: "102", host: .name(Town.domain)),
          from: agent.address(agent.user),
          to: agent.address("102"), headers: target))
    }
    bench.run(for: .seconds(5))
    for agent in [caller, callee, stranger] {
      let answers = agent.responses.filter { $0.cseq.method == .refer }.compactMap {
        $0.status?.number
      }
      #expect(!answers.isEmpty && answers.allSatisfy { (400..<500).contains($0) })
    }
    #expect(carrier.received(.invite).isEmpty && bench.core.calls.count == 1)
    #expect(caller.received(.refer).isEmpty && callee.received(.refer).isEmpty)
  }

  @Test(
    "A32: Replaces takes over nobody's call, and who insists is told that we do not understand it")
  func replaces() throws {
    for isRequired in [false, true] {
      let bench = try Bench()
      let (caller, callee, _) = talking(bench)
      let answer = try #require(
        callee.said.map { String(decoding: $0.bytes, as: UTF8.self) }.last {
          $0.hasPrefix("SIP/2.0 200")
        })
      func value(_ name: String) throws -> Substring {
        let line = try #require(answer.split(separator: "\r\n").first { $0.hasPrefix(name) })
        return try #require(line.split(separator: name == "Call-ID" ? ": " : "tag=").last)
      }
      let thief = UserAgent(bench, user: "103", address: "198.51.100.9:5062")
      let dialog = try "\(value("Call-ID"));to-tag=\(value("To"));from-tag=\(value("From"))"
      thief.call(
        "102",
        headers: [HeaderDraft(.replaces, dialog)]
          + (isRequired ? [HeaderDraft(.require, "replaces")] : []))
      bench.run(for: .seconds(2))
      #expect(thief.lastStatus == (isRequired ? 420 : 403))
      #expect(caller.received(.bye).isEmpty && callee.received(.bye).isEmpty)
      #expect(!callee.received(.invite).contains { $0.text(.replaces) != nil })
    }
  }

  @Test("A32: headers within a Request-URI become none of ours")
  func escaped() throws {
    let bench = try Bench()
    let (caller, callee, _) = talking(bench)
    let uri = URI(
      user: "102", host: .name(Town.domain),
      headers: [.init("Route", "<sip:evil.example>"), .init("X-Smuggled", "1")])
    let before = callee.received(.invite).count
    caller.call("102", target: uri)
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 400)
    for invite in callee.received(.invite).dropFirst(before) {
      #expect(!text(invite).contains("evil.example") && !text(invite).contains("X-Smuggled"))
    }
    #expect(
      !bench.sent.contains { $0.text.contains("evil.example") && $0.text.hasPrefix("INVITE") })
  }

  @Test("A36: an INVITE that is sent again, or with its branch changed, is one call and one charge")
  func replay() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    phone.register()
    phone.call("976333444")
    bench.run(for: .seconds(3))
    let proven = try #require(
      phone.said.last { said in
        let text = String(decoding: said.bytes, as: UTF8.self)
        return text.hasPrefix("INVITE") && text.contains("Authorization")
      })
    let text = String(decoding: proven.bytes, as: UTF8.self)
    for branch in ["z9hG4bK", "z9hG4bK1", "z9hG4bK2"] {
      let again = text.replacing("branch=z9hG4bK", with: "branch=\(branch)")
      bench.happen(.received(Array(again.utf8), proven.flow))
      bench.run(for: .seconds(1))
    }
    #expect(carrier.received(.invite).count == 1 && bench.core.calls.count == 1)
    // The copy is answered by its transaction, the others are the same request by another way.
    #expect(bench.sent.count { $0.text.hasPrefix("SIP/2.0 482") } == 2)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.count { $0.sell.map { $0.micros > 0 } ?? false } == 1)
  }

  @Test("A36: who says busy while he talks is no longer carried, and paid nothing")
  func falseBusy() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .waits
    phone.register()
    phone.call("976333444")
    bench.run(for: .seconds(1))
    let open = try #require(carrier.open.first)
    carrier.answer(open.server, 183, body: Bench.sdp)
    bench.run(for: .seconds(5))
    carrier.answer(open.server, 486)
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 486)
    #expect(bench.core.calls.isEmpty && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.loadAtRest().isAtRest, "no relay session either")
  }
}
