import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// Next hops that are silent, broken or busy (RFC 3263 §4.3), and long requests (RFC 3261 §18.1.1).
@Suite struct FailoverTests {
  private struct Caller {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    var events: [SIPEvent] = []
    var effects: [Transmission] = []

    mutating func send(
      _ method: Method, to hops: [NextHop], bodyBytes: Int = 0
    ) throws -> ClientTransactionID {
      let target = try URI("sip:bob@example.com")
      let body = bodyBytes == 0 ? nil : BodyDraft.sdp([UInt8](repeating: 120, count: bodyBytes))
      return core.send(
        RequestDraft(
          method, target: target, from: NameAddress(uri: try URI("sip:alice@example.com")),
          to: NameAddress(uri: target), body: body),
        to: .open(hops[0]), alternatives: Array(hops.dropFirst()), at: now(0), effects: &effects)
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

  @Test("RFC 3263 §4.3: a silent next hop is left for the second, with a new branch")
  func silence() throws {
    var caller = Caller()
    let id = try caller.send(.invite, to: [hop(11), hop(12)])
    caller.runDeadlines(until: 4_000)
    #expect(
      caller.road
        == [
          "UDP 192.0.2.11", "UDP 192.0.2.11", "UDP 192.0.2.11", "UDP 192.0.2.11", "UDP 192.0.2.12",
        ])
    let (first, second) = (try parse(caller.effects[0]), try parse(caller.effects[4]))
    #expect(first.topVia.branch != second.topVia.branch)
    #expect(first[first.callID] == second[second.callID])
    #expect(first.cseq == second.cseq && caller.effects[4].transaction == id)
    try caller.answer(4, 486, at: 4_100)
    #expect(caller.events.map(\.summary) == ["response 486"])
    caller.runDeadlines(until: 100_000)
    #expect(caller.core.isAtRest)
  }

  @Test("RFC 3263 §4.3: the last next hop has the whole of 64*T1, then the user is told")
  func allSilent() throws {
    var caller = Caller()
    _ = try caller.send(.options, to: [hop(11), hop(12)])
    caller.runDeadlines(until: 100_000)
    #expect(caller.events.map(\.summary) == ["failed: no response in time"])
    #expect(caller.core.isAtRest)
    #expect(caller.road.last == "UDP 192.0.2.12")
  }

  @Test("RFC 3263 §4.3: 503 goes to the next one, the ACK of the 503 still leaves, copies too")
  func busy() throws {
    var caller = Caller()
    _ = try caller.send(.invite, to: [hop(11), hop(12)])
    try caller.answer(0, 503, at: 100)
    #expect(caller.road == ["UDP 192.0.2.11", "UDP 192.0.2.11", "UDP 192.0.2.12"])
    #expect(try parse(caller.effects[1]).method == .ack)
    #expect(caller.events.isEmpty)
    try caller.answer(0, 503, at: 600)
    #expect(try parse(try #require(caller.effects.last)).method == .ack)
    #expect(caller.events.isEmpty)
    try caller.answer(2, 503, at: 700)
    #expect(caller.events.map(\.summary) == ["response 503"])
    caller.runDeadlines(until: 100_000)
    #expect(caller.core.isAtRest)
  }

  @Test("RFC 3263 §4.3: what cannot be sent goes to the next one")
  func transport() throws {
    var caller = Caller()
    let id = try caller.send(.invite, to: [hop(11), hop(12)])
    caller.core.transportFailed(
      id, reason: "refused", at: now(5), events: &caller.events, effects: &caller.effects)
    #expect(caller.road == ["UDP 192.0.2.11", "UDP 192.0.2.12"])
    caller.core.transportFailed(
      id, reason: "refused", at: now(6), events: &caller.events, effects: &caller.effects)
    #expect(caller.events.map(\.summary) == ["failed: not sent: refused"])
    #expect(caller.core.isAtRest)
  }

  @Test("RFC 3261 §9.1: a cancelled INVITE tries no further next hop")
  func cancelled() throws {
    var caller = Caller()
    let id = try caller.send(.invite, to: [hop(11), hop(12)])
    caller.core.cancel(id, at: now(10), effects: &caller.effects)
    caller.runDeadlines(until: 100_000)
    #expect(!caller.road.contains("UDP 192.0.2.12"))
    #expect(caller.events.map(\.summary) == ["failed: no response in time"])
    #expect(caller.core.isAtRest)
  }

  @Test("RFC 3261 §18.1.1: a long request goes over TCP, and by datagram if nobody listens there")
  func longRequest() throws {
    var caller = Caller()
    let id = try caller.send(.invite, to: [hop(11, takesStream: true)], bodyBytes: 1_200)
    #expect(caller.road == ["TCP 192.0.2.11"])
    #expect(try parse(caller.effects[0]).topVia.transport == .tcp)
    #expect(try parse(caller.effects[0]).field(.contact)?.contains("transport=tcp") ?? false)
    caller.core.transportFailed(
      id, reason: "refused", at: now(5), events: &caller.events, effects: &caller.effects)
    #expect(caller.road == ["TCP 192.0.2.11", "UDP 192.0.2.11"])
    #expect(try parse(caller.effects[1]).topVia.transport == .udp)
    #expect(caller.events.isEmpty)

    var plain = Caller()
    _ = try plain.send(.invite, to: [hop(11)], bodyBytes: 1_200)
    _ = try plain.send(.invite, to: [hop(11, takesStream: true)], bodyBytes: 200)
    #expect(plain.road == ["UDP 192.0.2.11", "UDP 192.0.2.11"])
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
    _ = try caller.send(.options, to: [hop(11)])
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
