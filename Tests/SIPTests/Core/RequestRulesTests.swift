import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// What the core says to a request before its user sees it (RFC 3261 §8.2, §18.2).
@Suite struct RequestRulesTests {
  private let flow = Flow.udp("192.0.2.2:5060", "203.0.113.7:40000")

  private func receive(
    _ core: inout SIPCore, _ bytes: [UInt8], on flow: Flow? = nil, at: Int64 = 0
  ) throws -> (events: [SIPEvent], answers: [Message], effects: [Transmission]) {
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    core.receive(bytes, on: flow ?? self.flow, at: now(at), events: &events, effects: &effects)
    return (events, try effects.map(parse), effects)
  }

  private func request(
    _ method: String, _ headers: String = "", uri: String = "sip:bob@192.0.2.2",
    via: String = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", cseq: Int = 1
  ) -> [UInt8] {
    wire(
      """
      \(method) \(uri) SIP/2.0
      Via: \(via)
      From: <sip:alice@192.0.2.1>;tag=a
      To: <sip:bob@192.0.2.2>
      Call-ID: c
      CSeq: \(cseq) \(method)
      \(headers)
      """)
  }

  @Test(
    "RFC 3261 §8.2.1: an unknown method gets 501, one that the user does not take 405, with Allow")
  func methods() throws {
    var configuration = SIPConfiguration()
    configuration.methods = [.invite, .ack, .cancel, .bye]
    var core = SIPCore(configuration: configuration, dice: .seeded(SplitMix(seed: 1)))
    let unknown = try receive(&core, request("NEWMETHOD"))
    #expect(unknown.answers.map(\.statusNumber) == [501])
    #expect(unknown.answers.first?.field(.allow) == "INVITE, ACK, CANCEL, BYE")
    let known = try receive(&core, request("REGISTER"))
    #expect(known.answers.map(\.statusNumber) == [405])
    #expect(unknown.events.isEmpty && known.events.isEmpty && core.isAtRest)
  }

  @Test("RFC 3261 §8.2.2.1: a foreign scheme gets 416")
  func scheme() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    #expect(
      try receive(&core, request("OPTIONS", uri: "http://x")).answers.map(\.statusNumber) == [416])
    #expect(try receive(&core, request("OPTIONS", uri: "tel:+4930")).events.count == 1)
    #expect(
      try receive(&core, request("INVITE", uri: "urn:service:counseling")).answers
        .map(\.statusNumber) == [416])
  }

  @Test(
    "RFC 5031: a call for help by the name of its service is for the user to decide",
    arguments: [
      ("urn:service:sos", true), ("URN:Service:SOS.ambulance", true),
      ("urn:service:sos.animal-control", true), ("urn:service:sosx", false),
      ("urn:service:so", false),
    ])
  func emergencyService(uri: String, isService: Bool) throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let outcome = try receive(&core, request("INVITE", uri: uri))
    #expect(outcome.events.count == (isService ? 1 : 0))
    #expect(outcome.answers.map(\.statusNumber) == (isService ? [] : [416]))
  }

  @Test("RFC 3261 §8.2.2.3: unknown option tags get 420 with Unsupported")
  func require() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let answer = try receive(&core, request("INVITE", "Require: 100rel, nothingElse, Timer, foo"))
    #expect(answer.answers.map(\.statusNumber) == [420])
    #expect(answer.answers.first?.field(.unsupported) == "nothingElse, foo")
    #expect(core.isAtRest)
  }

  @Test("RFC 3261 §8.2.2.2: the same request over another path gets 482, its own copies do not")
  func merged() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    #expect(try receive(&core, request("OPTIONS")).events.count == 1)
    let copy = try receive(&core, request("OPTIONS"))
    #expect(copy.events.isEmpty && copy.answers.isEmpty)
    let via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2"
    #expect(try receive(&core, request("OPTIONS", via: via)).answers.map(\.statusNumber) == [482])
    let next = try receive(&core, request("OPTIONS", via: via, cseq: 2))
    #expect(next.events.count == 1)
  }

  @Test(
    "A11: what belongs into a dialog and names none gets 481 without any state",
    arguments: [
      "BYE", "PRACK", "UPDATE", "INFO",
    ])
  func withoutDialog(method: String) throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    #expect(try receive(&core, request(method)).answers.map(\.statusNumber) == [481])
    #expect(core.isAtRest)
  }

  @Test("A11: a stray ACK is absorbed")
  func strayAcknowledgement() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let answer = try receive(&core, request("ACK"))
    #expect(answer.events.isEmpty && answer.answers.isEmpty && core.isAtRest)
  }

  @Test(
    "A14: answers go to the source of the packet, whatever the Via says",
    arguments: [
      "SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK1;rport",
      "SIP/2.0/UDP 198.51.100.9;maddr=198.51.100.10;ttl=3;branch=z9hG4bK1",
      "SIP/2.0/UDP 255.255.255.255;received=198.51.100.10;rport=99;branch=z9hG4bK1",
      "SIP/2.0/UDP victim.example.com:7;branch=z9hG4bK1;maddr=224.0.1.75",
    ])
  func source(via: String) throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let asked = try receive(&core, request("OPTIONS", via: via))
    guard case .request(let id, _, _, _)? = asked.events.first else { return }
    var effects: [Transmission] = []
    core.respond(to: id, core.optionsAnswer(), at: now(1), effects: &effects)
    let effect = try #require(effects.first)
    #expect(effect.destination == .flow(flow))
    let answer = try parse(effect)
    #expect(answer.topVia.received == flow.remote.address)
    #expect(answer.topVia.rport == (via.contains("rport") ? 40_000 : nil))
    #expect(answer.field(.allow)?.contains("INVITE") ?? false)
    #expect(answer.field(.server) == nil)
  }

  @Test(
    "A14: nothing is ever sent to a broadcast or multicast address",
    arguments: [
      "255.255.255.255:5060", "224.0.1.75:5060", "0.0.0.0:5060", "[ff02::1]:5060",
    ])
  func notUnicast(remote: String) throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let flow = Flow.udp("192.0.2.2:5060", remote)
    #expect(try receive(&core, request("NEWMETHOD"), on: flow).effects.isEmpty)
    let asked = try receive(&core, request("OPTIONS"), on: flow)
    guard case .request(let id, _, _, _)? = asked.events.first else { return }
    var effects: [Transmission] = []
    core.respond(to: id, ResponseDraft(200), at: now(1), effects: &effects)
    #expect(effects.isEmpty)
    let broken = request("OPTIONS", "Content-Length: 99")
    #expect(try receive(&core, broken).answers.map(\.statusNumber) == [400], "from one host")
    #expect(try receive(&core, broken, on: flow).effects.isEmpty)
  }

  @Test("A09, A13: a challenge keeps nothing, is never repeated, and its ACK is absorbed")
  func stateless() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    var tags: [String] = []
    for time in Int64(0)..<3 {
      let asked = try receive(&core, request("INVITE", "Contact: <sip:a@192.0.2.1>"), at: time)
      guard case .request(let id, _, _, _)? = asked.events.first else { continue }
      var effects: [Transmission] = []
      core.respondStatelessly(to: id, ResponseDraft(401), at: now(time), effects: &effects)
      #expect(effects.count == 1)
      let answer = try parse(try #require(effects.first))
      tags.append(answer.toTag.map { answer.text($0) } ?? "")
      #expect(core.isAtRest)
    }
    #expect(tags.count == 3 && Set(tags).count == 1 && tags[0].count == 18)
    #expect(try receive(&core, request("ACK")).events.isEmpty)
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    core.handleDeadline(at: now(60_000), events: &events, effects: &effects)
    #expect(events.isEmpty && effects.isEmpty && core.deadline == nil)
  }

  @Test("RFC 3261 §8.2.7: a REGISTER leaves nothing, and all its copies get the same tag")
  func registration() throws {
    var configuration = SIPConfiguration()
    configuration.software = "Martinet"
    configuration.serverTransactionLimit = 0
    var core = SIPCore(configuration: configuration, dice: .seeded(SplitMix(seed: 1)))
    var tags: [String] = []
    for (cseq, via) in [(1, "a"), (1, "a"), (1, "b"), (2, "c")] {
      let via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\(via)"
      let asked = try receive(&core, request("REGISTER", via: via, cseq: cseq))
      guard case .stateless(let question)? = asked.events.first else { continue }
      var effects: [Transmission] = []
      var draft = ResponseDraft(423, headers: [HeaderDraft(.minExpires, "60")])
      draft.reasonPhrase = "Too Short"
      core.respond(to: question, draft, effects: &effects)
      #expect(effects.map(\.destination) == [.flow(flow)])
      let answer = try parse(try #require(effects.first))
      #expect(answer.statusNumber == 423 && answer.reasonPhrase == "Too Short")
      #expect(answer.field(.minExpires) == "60" && answer.field(.server) == "Martinet")
      tags.append(answer.toTag.map { answer.text($0) } ?? "")
      #expect(core.isAtRest)
    }
    #expect(tags.count == 4 && Set(tags[0..<3]).count == 1 && Set(tags).count == 2)
    #expect(tags.allSatisfy { $0.count == 18 })
  }

  @Test("A14: a REGISTER from an address of many is not answered")
  func registrationOfMany() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let many = Flow.udp("192.0.2.2:5060", "224.0.1.75:5060")
    for headers in ["", "Require: nothing"] {
      let asked = try receive(&core, request("REGISTER", headers), on: many)
      var effects: [Transmission] = asked.effects
      if case .stateless(let question)? = asked.events.first {
        core.respond(to: question, ResponseDraft(200), effects: &effects)
      }
      #expect(effects.isEmpty)
    }
  }

  @Test("A11: above the limit new requests get 503 with Retry-After, known ones go on")
  func limit() throws {
    var configuration = SIPConfiguration()
    configuration.serverTransactionLimit = 2
    var core = SIPCore(configuration: configuration, dice: .seeded(SplitMix(seed: 1)))
    func ask(_ number: Int) throws -> [Int] {
      let via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\(number)"
      let bytes = request("OPTIONS", via: via, cseq: number)
      return try receive(&core, bytes).answers.map(\.statusNumber)
    }
    #expect(try (1...4).flatMap { try ask($0) } == [503, 503])
    #expect(core.load.serverTransactions == 2)
    #expect(try ask(1).isEmpty)
  }

  @Test("A request is let go of with its final response, which a copy of it still gets")
  func answered() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let asked = try receive(&core, request("OPTIONS"))
    guard case .request(let id, _, _, _)? = asked.events.first else {
      Issue.record("not taken")
      return
    }
    #expect(core.request(of: id) != nil)
    var effects: [Transmission] = []
    core.respond(to: id, ResponseDraft(200), at: now(1), effects: &effects)
    #expect(core.request(of: id) == nil)
    #expect(try receive(&core, request("OPTIONS")).answers.map(\.statusNumber) == [200])
  }

  @Test("RFC 3261 §17.2.3: a request of RFC 2543 is matched without a branch")
  func ancient() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let invite = request("INVITE", "Contact: <sip:a@192.0.2.1>", via: "SIP/2.0/UDP 192.0.2.1")
    let asked = try receive(&core, invite)
    guard case .request(let id, _, _, _)? = asked.events.first else {
      Issue.record("not taken")
      return
    }
    #expect(try receive(&core, invite).answers.map(\.statusNumber) == [100])
    var effects: [Transmission] = []
    core.respond(to: id, ResponseDraft(486), at: now(1), effects: &effects)
    let ack = request("ACK", via: "SIP/2.0/UDP 192.0.2.1")
    #expect(try receive(&core, ack).events.isEmpty)
    #expect(core.deadline.map { $0 <= ms(5_000) } ?? false)
    let badBranch = request("OPTIONS", via: "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK")
    let other = request("OPTIONS", via: "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", cseq: 2)
    #expect(try receive(&core, badBranch).events.count == 1)
    #expect(try receive(&core, other).events.count == 1)
  }

  @Test("RFC 3261 §8.2.6.1: a 100 gives the Timestamp back")
  func timestamp() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    _ = try receive(&core, request("INVITE", "Timestamp: 54.21"))
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    core.handleDeadline(at: now(200), events: &events, effects: &effects)
    let answer = try parse(try #require(effects.first))
    #expect(answer.statusNumber == 100 && answer.field(.timestamp) == "54.21")
    #expect(answer.toTag == nil)
  }

  @Test("RFC 5626 §3.5.1: a ping on a stream gets its pong, datagrams only tell they live")
  func keepAlive() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let stream = Flow.tcp("192.0.2.2:5060", "203.0.113.7:40000", 1)
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    for (bytes, flow) in [
      (KeepAlive.ping, stream), (KeepAlive.pong, stream), (KeepAlive.ping, flow), ([0], flow),
      ([], flow),
    ] {
      core.receive(bytes, on: flow, at: now(0), events: &events, effects: &effects)
    }
    #expect(events.map(\.summary) == Array(repeating: "keep-alive", count: 5))
    #expect(effects.map(\.bytes) == [KeepAlive.pong])
    #expect(effects.first?.destination == .flow(stream))
  }

  @Test("RFC 3261 §18.2.2: over a stream answers go back on its connection")
  func stream() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let stream = Flow.tcp("192.0.2.2:5060", "203.0.113.7:40000", 7)
    let via = "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1"
    let asked = try receive(&core, request("MESSAGE", via: via), on: stream)
    guard case .request(let id, _, _, _)? = asked.events.first else { return }
    var effects: [Transmission] = []
    core.respond(to: id, ResponseDraft(200), at: now(1), effects: &effects)
    #expect(effects.map(\.destination) == [.flow(stream)])
    #expect(core.isAtRest)
  }

  @Test("Bytes that are no SIP are reported, and answered only where an answer has a way")
  func garbage() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let nothing = try receive(&core, Array("GET / HTTP/1.1\r\n\r\n".utf8))
    #expect(nothing.answers.isEmpty)
    #expect(nothing.events.count == 1)
    let broken = try receive(&core, request("OPTIONS", "Max-Forwards: many"))
    #expect(broken.answers.map(\.statusNumber) == [400])
    #expect(broken.events.map(\.summary) == ["malformed 400"])
    #expect(core.isAtRest)
  }
}
