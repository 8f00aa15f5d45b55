import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// Next hops that are silent or cannot be reached, and long requests (RFC 3261 §18.1.1).
@Suite struct FailoverTests {
  private struct Caller {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    var events: [SIPEvent] = []
    var effects: [Transmission] = []

    mutating func send(
      _ method: Method, to hop: NextHop, bodyBytes: Int = 0, headers: [HeaderDraft] = [],
      at milliseconds: Int64 = 0
    ) throws -> ClientTransactionID {
      let target = try URI("sip:bob@example.com")
      let body = bodyBytes == 0 ? nil : BodyDraft.sdp([UInt8](repeating: 120, count: bodyBytes))
      return core.send(
        RequestDraft(
          method, target: target, from: NameAddress(uri: try URI("sip:alice@example.com")),
          to: NameAddress(uri: target), headers: headers, body: body),
        to: .open(hop), at: now(milliseconds), effects: &effects)
    }

    /// The lane tells that message `index` could not be sent.
    mutating func fail(_ index: Int, at milliseconds: Int64) {
      guard let attempt = effects[index].attempt else { return }
      core.transportFailed(
        attempt, reason: "refused", at: now(milliseconds), events: &events, effects: &effects)
    }

    mutating func runDeadlines(until milliseconds: Int64) {
      while let next = core.deadline, next <= ms(milliseconds) {
        core.handleDeadline(
          at: now((next - .start).wholeMilliseconds), events: &events, effects: &effects)
      }
    }

    mutating func answer(_ index: Int, _ status: StatusCode, at milliseconds: Int64) throws {
      let request = try parse(effects[index])
      let builder = MessageBuilder(
        responseTo: request, status, source: nil, toTag: Array("x".utf8))
      let destination = effects[index].destination
      let flow = Flow(
        transport: destination.transport, local: destination.local, remote: destination.remote)
      core.receive(
        builder.finish(), on: flow, at: now(milliseconds), events: &events, effects: &effects)
    }

    /// Transport and address of each message, in order.
    var road: [String] {
      effects.map { "\($0.destination.transport.viaToken) \($0.destination.remote.address)" }
    }
  }

  private func hop(_ last: UInt32, takesStream: Bool = false) -> NextHop {
    NextHop(
      transport: .udp, remote: Endpoint(IPAddress(v4: 0xC000_0200 + last), 5060),
      local: endpoint("192.0.2.1:5060"), takesStream: takesStream)
  }

  @Test("What cannot be sent is told once, and what is silent has the whole of 64*T1")
  func unsent() throws {
    var caller = Caller()
    _ = try caller.send(.invite, to: hop(11))
    caller.fail(0, at: 5)
    caller.fail(0, at: 6)
    #expect(caller.events.map(\.summary) == ["failed: not sent: refused"])
    #expect(caller.core.isAtRest)

    var silent = Caller()
    _ = try silent.send(.options, to: hop(11))
    silent.runDeadlines(until: 31_999)
    #expect(silent.events.isEmpty)
    silent.runDeadlines(until: 32_000)
    #expect(silent.events.map(\.summary) == ["failed: no response in time"])
    #expect(silent.core.isAtRest)
  }

  @Test("RFC 3261 §18.1.1: a long request goes over TCP, and by datagram if nobody listens there")
  func longRequest() throws {
    var caller = Caller()
    let id = try caller.send(.invite, to: hop(11, takesStream: true), bodyBytes: 1_200)
    #expect(caller.road == ["TCP 192.0.2.11"])
    #expect(try parse(caller.effects[0]).topVia.transport == .tcp)
    #expect(try parse(caller.effects[0]).field(.contact)?.contains("transport=tcp") ?? false)
    caller.fail(0, at: 5)
    #expect(caller.road == ["TCP 192.0.2.11", "UDP 192.0.2.11"])
    let (first, second) = (try parse(caller.effects[0]), try parse(caller.effects[1]))
    #expect(second.topVia.transport == .udp)
    #expect(first.topVia.branch != second.topVia.branch)
    #expect(first[first.callID] == second[second.callID])
    #expect(first.cseq == second.cseq && caller.effects[1].transaction == id)
    #expect(caller.events.isEmpty)

    var plain = Caller()
    _ = try plain.send(.invite, to: hop(11), bodyBytes: 1_200)
    _ = try plain.send(.invite, to: hop(11, takesStream: true), bodyBytes: 200)
    #expect(plain.road == ["UDP 192.0.2.11", "UDP 192.0.2.11"])
  }

  @Test("That the connection failed, told late, does not end what has gone by datagram meanwhile")
  func failedLate() throws {
    var caller = Caller()
    _ = try caller.send(.invite, to: hop(11, takesStream: true), bodyBytes: 1_200)
    caller.fail(0, at: 5)
    caller.fail(0, at: 6)
    #expect(caller.road == ["TCP 192.0.2.11", "UDP 192.0.2.11"])
    #expect(caller.events.isEmpty)
    try caller.answer(1, 200, at: 900)
    #expect(caller.events.map(\.summary) == ["response 200"])
  }

  @Test(
    "What a peer may have got over a connection never goes by datagram, too: he would answer both")
  func silentStream() throws {
    var silent = Caller()
    _ = try silent.send(.invite, to: hop(11, takesStream: true), bodyBytes: 1_200)
    silent.runDeadlines(until: 100_000)
    #expect(silent.road == ["TCP 192.0.2.11"])
    #expect(silent.events.map(\.summary) == ["failed: no response in time"])

    var busy = Caller()
    _ = try busy.send(.invite, to: hop(11, takesStream: true), bodyBytes: 1_200)
    try busy.answer(0, 503, at: 100)
    #expect(busy.road == ["TCP 192.0.2.11", "TCP 192.0.2.11"])
    #expect(try parse(busy.effects[1]).method == .ack)
    #expect(busy.events.map(\.summary) == ["response 503"])

    var cancelled = Caller()
    let id = try cancelled.send(.invite, to: hop(11, takesStream: true), bodyBytes: 1_200)
    cancelled.core.cancel(id, at: now(10), effects: &cancelled.effects)
    cancelled.fail(0, at: 20)
    #expect(cancelled.road == ["TCP 192.0.2.11"])
    #expect(cancelled.events.map(\.summary) == ["failed: not sent: refused"])
    #expect(cancelled.core.isAtRest)
  }

  @Test(
    "Behind a connection that nobody took, long requests go by datagram at once, for ten minutes")
  func streamless() throws {
    var caller = Caller()
    let peer = hop(11, takesStream: true)
    func send(at milliseconds: Int64) throws {
      _ = try caller.send(.options, to: peer, bodyBytes: 1_200, at: milliseconds)
    }
    try send(at: 0)
    caller.fail(0, at: 3_000)
    try send(at: 4_000)
    try send(at: 602_999)
    try send(at: 603_000)
    #expect(caller.road == ["TCP", "UDP", "UDP", "UDP", "TCP"].map { "\($0) 192.0.2.11" })
    // Of others nothing is known.
    _ = try caller.send(.options, to: hop(12, takesStream: true), bodyBytes: 1_200, at: 4_000)
    #expect(caller.road.last == "TCP 192.0.2.12")
  }

  @Test("RFC 3261 §17.1.1.3: the ACK of a refusal, and of its copy, goes the way of its INVITE")
  func routedRefusal() throws {
    var caller = Caller()
    let route = HeaderDraft(.route, "<sip:edge.example.com;lr>")
    _ = try caller.send(.invite, to: hop(11), headers: [route, HeaderDraft(.subject, "x")])
    try caller.answer(0, 486, at: 100)
    try caller.answer(0, 486, at: 600)
    #expect(caller.effects.count == 3)
    for ack in try caller.effects.dropFirst().map({ try parse($0) }) {
      #expect(ack.method == .ack && ack.field(.route) == "<sip:edge.example.com;lr>")
      #expect(ack.field(.subject) == nil)
    }
  }

  @Test("A closed connection fails what was sent over it, and nothing else")
  func closed() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    let draft = RequestDraft(
      .options, target: try URI("sip:a@192.0.2.9"),
      from: NameAddress(uri: try URI("sip:b@192.0.2.1")),
      to: NameAddress(uri: try URI("sip:a@192.0.2.9")))
    var ids: [ClientTransactionID] = []
    for connection in [UInt64(1), 2, 1] {
      let flow = Flow.tcp("192.0.2.1:5060", "192.0.2.9:4000\(connection)", connection)
      ids.append(core.send(draft, to: .flow(flow), at: now(0), effects: &effects))
    }
    core.flowClosed(FlowID(1), at: now(1), events: &events, effects: &effects)
    let failed: [ClientTransactionID] = events.compactMap {
      if case .clientFailed(let id, .transport) = $0 { id } else { nil }
    }
    #expect(failed == [ids[0], ids[2]])
    #expect(core.load.clientTransactions == 1)
  }

  @Test("A21: a request is repeated after a challenge with the next CSeq and the same Call-ID")
  func repeated() throws {
    var caller = Caller()
    _ = try caller.send(.options, to: hop(11))
    try caller.answer(0, 401, at: 10)
    guard case .response(_, let response, _, _)? = caller.events.first else {
      Issue.record("no response")
      return
    }
    let target = try URI("sip:bob@example.com")
    let draft = RequestDraft(
      .options, target: target, from: NameAddress(uri: try URI("sip:alice@example.com")),
      to: NameAddress(uri: target))
    let again = draft.repeated(
      after: response, adding: [HeaderDraft(.authorization, "Digest username=\"x\"")])
    _ = caller.core.send(again, to: .open(hop(11)), at: now(20), effects: &caller.effects)
    let (first, second) = (try parse(caller.effects[0]), try parse(caller.effects[1]))
    #expect(second.cseq.number == first.cseq.number + 1)
    #expect(first[first.callID] == second[second.callID])
    #expect(first.fromTag.map { first.text($0) } == second.fromTag.map { second.text($0) })
    #expect(second.has(.authorization))
  }
}
