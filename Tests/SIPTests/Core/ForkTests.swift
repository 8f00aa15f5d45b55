import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// Responses of several forks to one INVITE of ours (RFC 3261 §13.2.2.4), by hand.
@Suite struct ForkTests {
  /// A caller and what a proxy in front of two phones would answer.
  private struct Caller {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    var events: [SIPEvent] = []
    var effects: [Transmission] = []
    var id = ClientTransactionID(0)
    var invite: [UInt8] = []
    let flow = Flow.udp("192.0.2.1:5060", "192.0.2.9:5060")

    init() throws {
      let target = try URI("sip:bob@example.com")
      let hop = NextHop(transport: .udp, remote: flow.remote, local: flow.local)
      id = core.send(
        RequestDraft(
          .invite, target: target, from: NameAddress(uri: try URI("sip:alice@example.com")),
          to: NameAddress(uri: target)),
        to: .open(hop), at: now(0), effects: &effects)
      invite = effects[0].bytes
      effects = []
    }

    mutating func answer(
      _ status: StatusCode, tag: String, _ headers: [HeaderDraft] = [], at: Int64
    ) throws {
      let request = try MessageParser.parse(invite, framing: .datagram)
      var builder = MessageBuilder(
        responseTo: request, status, source: nil, toTag: Array(tag.utf8))
      builder.add(.contact, "<sip:\(tag)@192.0.2.8>")
      builder.add(headers)
      core.receive(
        builder.finish(), on: flow, at: now(at), events: &events, effects: &effects)
    }

    mutating func runDeadlines(until milliseconds: Int64) {
      while let next = core.deadline, next <= ms(milliseconds) {
        core.handleDeadline(
          at: now((next - .start).wholeMilliseconds), events: &events, effects: &effects)
      }
    }
  }

  @Test("RFC 3261 §12.1.2: each fork that rings has an early dialog of its own")
  func earlyDialogs() throws {
    var caller = try Caller()
    try caller.answer(180, tag: "x", at: 10)
    try caller.answer(180, tag: "y", at: 20)
    try caller.answer(183, tag: "x", at: 30)
    #expect(caller.core.dialogIDs.count == 2)
    try caller.answer(486, tag: "y", at: 40)
    #expect(caller.core.dialogIDs.isEmpty)
    #expect(caller.events.map(\.summary).last == "response 486")
  }

  @Test("RFC 3261 §13.2.2.4: a second 2xx is a second dialog, a repeated one is not")
  func twoAnswers() throws {
    var caller = try Caller()
    try caller.answer(180, tag: "x", at: 10)
    try caller.answer(180, tag: "y", at: 20)
    try caller.answer(180, tag: "z", at: 20)
    try caller.answer(200, tag: "x", at: 30)
    try caller.answer(200, tag: "y", at: 40)
    try caller.answer(200, tag: "x", at: 530)
    let answers: [DialogID] = caller.events.compactMap {
      if case .response(_, let message, _, let dialog) = $0, message.status == 200 {
        dialog
      } else {
        nil
      }
    }
    #expect(answers.count == 2)
    #expect(Set(answers).count == 2)
    #expect(caller.core.dialogIDs.count == 3)
    caller.runDeadlines(until: 40_000)
    #expect(caller.core.dialogIDs == answers.sorted())
    #expect(caller.core.load.clientTransactions == 0)
  }

  @Test("RFC 6026 §8.7: a 2xx that comes again after the transaction still gets its ACK")
  func lateCopy() throws {
    var caller = try Caller()
    try caller.answer(200, tag: "x", at: 10)
    let dialog = try #require(caller.core.dialogIDs.first)
    try caller.core.acknowledge(dialog, at: now(20), effects: &caller.effects)
    let acknowledgement = caller.effects[0].bytes
    try caller.answer(200, tag: "x", at: 510)
    caller.runDeadlines(until: 60_000)
    #expect(caller.core.load.clientTransactions == 0)
    try caller.answer(200, tag: "x", at: 60_000)
    #expect(caller.effects.map(\.bytes) == [acknowledgement, acknowledgement, acknowledgement])
    try caller.answer(200, tag: "stranger", at: 60_000)
    #expect(caller.effects.count == 3)
    #expect(caller.core.dialogIDs == [dialog])
  }

  @Test("RFC 3261 §12.1.2: the route set is that of the 2xx, in reverse order")
  func routeSet() throws {
    var caller = try Caller()
    let early = HeaderDraft(.recordRoute, "<sip:p9.example.com;lr>")
    try caller.answer(180, tag: "x", [early], at: 10)
    let recorded = [
      HeaderDraft(.recordRoute, "<sip:p2.example.com;lr>, <sip:p1.example.com;lr>"),
      HeaderDraft(.recordRoute, "<sip:p0.example.com;lr>"),
    ]
    try caller.answer(200, tag: "x", recorded, at: 20)
    let dialog = try #require(caller.core.dialogIDs.first)
    try caller.core.acknowledge(dialog, at: now(30), effects: &caller.effects)
    let message = try parse(try #require(caller.effects.last))
    #expect(
      message.values(.route).map { message.text($0) }
        == ["<sip:p0.example.com;lr>", "<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"])
    #expect(message.requestURI?.description == "sip:x@192.0.2.8")
    #expect(message.cseq == CSeq(number: 1, method: .ack))
  }

  @Test("RFC 3261 §12.2.1.1: a strict router becomes the Request-URI")
  func strictRoute() throws {
    let set = RouteSet([
      Array("<sip:strict.example.com>".utf8), Array("<sip:loose.example.com;lr>".utf8),
    ])
    let (uri, routes) = set.plan(to: try URI("sip:bob@192.0.2.8"))
    #expect(uri.description == "sip:strict.example.com")
    #expect(
      routes.map { String(decoding: $0, as: UTF8.self) }
        == ["<sip:loose.example.com;lr>", "<sip:bob@192.0.2.8>"])
  }

  @Test("RFC 3261 §8.1.3.3: a response with a second Via, or with a foreign tag, is dropped")
  func foreignResponses() throws {
    var caller = try Caller()
    let request = try MessageParser.parse(caller.invite, framing: .datagram)
    var builder = MessageBuilder(
      responseTo: request, 200, source: nil, toTag: Array("x".utf8))
    builder.add(.via, "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKother")
    caller.core.receive(
      builder.finish(), on: caller.flow, at: now(5), events: &caller.events,
      effects: &caller.effects)
    let text = String(decoding: caller.invite, as: UTF8.self)
    let tag = try #require(request.fromTag.map { request.text($0) })
    let forged = try MessageParser.parse(
      Array(text.replacing(tag, with: "forged").utf8), framing: .datagram)
    let answer = MessageBuilder(responseTo: forged, 200, source: nil, toTag: Array("x".utf8))
    caller.core.receive(
      answer.finish(), on: caller.flow, at: now(6), events: &caller.events,
      effects: &caller.effects)
    #expect(caller.events.isEmpty && caller.effects.isEmpty)
    #expect(caller.core.dialogIDs.isEmpty)
  }

  @Test("RFC 3261 §12.1.2: a 2xx without a tag makes a dialog with an empty one")
  func withoutTag() throws {
    var caller = try Caller()
    let request = try MessageParser.parse(caller.invite, framing: .datagram)
    for status in [StatusCode(180), 200] {
      let builder = MessageBuilder(responseTo: request, status, source: nil, toTag: nil)
      caller.core.receive(
        builder.finish(), on: caller.flow, at: now(5), events: &caller.events,
        effects: &caller.effects)
    }
    #expect(caller.events.map(\.summary) == ["response 180", "response 200"])
    let dialog = try #require(caller.core.dialogIDs.first)
    #expect(caller.core.dialog(dialog)?.remoteTag == [])
    try caller.core.acknowledge(dialog, at: now(6), effects: &caller.effects)
    #expect(try parse(try #require(caller.effects.last)).toTag == nil)
  }

  @Test("A response with another CSeq number than its request is dropped")
  func foreignSequence() throws {
    var caller = try Caller()
    let text = String(decoding: caller.invite, as: UTF8.self)
    let forged = try MessageParser.parse(
      Array(text.replacing("CSeq: 1 ", with: "CSeq: 2147483647 ").utf8), framing: .datagram)
    let builder = MessageBuilder(responseTo: forged, 401, source: nil, toTag: Array("x".utf8))
    caller.core.receive(
      builder.finish(), on: caller.flow, at: now(5), events: &caller.events,
      effects: &caller.effects)
    #expect(caller.events.isEmpty && caller.effects.isEmpty)
  }

  @Test("Dialogs of one INVITE are bounded, the first 2xx is always taken")
  func forkLimit() throws {
    var caller = try Caller()
    for number in 0..<100 { try caller.answer(180, tag: "early\(number)", at: 10) }
    #expect(caller.core.dialogIDs.count == ClientTransaction.forkLimit)
    for number in 0..<100 { try caller.answer(200, tag: "late\(number)", at: 20) }
    let answers = caller.events.filter { $0.summary == "response 200" }
    #expect(answers.count == ClientTransaction.forkLimit)
    caller.runDeadlines(until: 60_000)
    #expect(caller.core.dialogIDs.count == ClientTransaction.forkLimit)
  }
}
