import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

@Suite struct ReliableProvisionalTests {
  @Test("RFC 3262 §3: repeated with doubled intervals, failed after 64*T1")
  func timers() {
    var machine = ReliableProvisional(after: 41, timers: TransactionTimers())
    #expect(machine.deadline == nil)
    let number = machine.send(at: ms(0))
    #expect(number == 42)
    var sent: [Int64] = []
    var last: [ReliableProvisional.Effect] = []
    while let deadline = machine.deadline {
      last = []
      machine.handleDeadline(at: deadline, into: &last)
      if last == [.resend] { sent.append((deadline - .start).wholeMilliseconds) }
    }
    #expect(sent == [500, 1_500, 3_500, 7_500, 15_500, 31_500])
    #expect(last == [.fail])
    #expect(machine.state == .failed)
    machine.handleDeadline(at: ms(99_000), into: &last)
    #expect(last == [.fail])
  }

  @Test("RFC 3262 §3: only the number that waits is acknowledged, once")
  func acknowledge() {
    var machine = ReliableProvisional(after: 9, timers: TransactionTimers())
    let early = machine.acknowledge(9)
    _ = machine.send(at: ms(0))
    let verdicts = [UInt32(9), 11, 10, 10].map { machine.acknowledge($0) }
    #expect(!early && verdicts == [false, false, true, false])
    let second = machine.send(at: ms(10))
    #expect(second == 11)
    machine.stop()
    #expect(!machine.isWaiting)
  }

  @Test("RFC 3262 §4: responses in order, copies and gaps are not shown")
  func order() {
    var order = ProvisionalOrder()
    let verdicts = [UInt32(7), 7, 9, 8, 8, 9, 7, 10].map { order.judge($0) }
    #expect(verdicts == [.next, .repeated, .early, .next, .repeated, .next, .repeated, .next])
    var last = ProvisionalOrder()
    #expect([UInt32.max, 0, UInt32.max].map { last.judge($0) } == [.next, .repeated, .repeated])
  }

  /// Node 1 rings reliably and answers; node 0 sends PRACK for each reliable response.
  private func react(_ world: inout SIPWorld, _ node: Int, _ event: SIPEvent) {
    switch event {
    case .request(let id, let message, _, _):
      if message.method == .invite {
        for status in [StatusCode(183), 180] {
          var draft = ResponseDraft(status)
          draft.reliably = true
          world.respond(id, draft, node)
        }
      }
      world.respond(id, ResponseDraft(200), node)
    case .response(_, let message, _, let dialog?) where message.cseq.method == .invite:
      if message.status == 200 {
        world.acknowledge(dialog, node)
      } else {
        world.act(node) { core, now, effects in
          _ = try? core.acknowledgeProvisional(dialog, at: now, effects: &effects)
        }
      }
    case .acknowledged(let dialog, _): _ = try? world.send(RequestDraft(.bye), in: dialog, node)
    case .response, .stranger, .cancelled, .clientFailed, .unacknowledged,
      .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
      break
    }
  }

  private func invite(_ world: inout SIPWorld) {
    _ = world.send(world.draft(.invite, 0, 1, headers: [HeaderDraft(.supported, "100rel")]), 0, 1)
  }

  @Test("RFC 3262 §3: one at a time, and the 2xx behind them", arguments: [Transport.udp, .tcp])
  func flow(transport: Transport) {
    var world = SIPWorld(transport)
    invite(&world)
    world.run(react)
    #expect(
      world.trace == [
        "0>1 INVITE", "1>0 183 INVITE", "0>1 PRACK", "1>0 180 INVITE", "1>0 200 PRACK",
        "0>1 PRACK", "1>0 200 INVITE", "1>0 200 PRACK", "0>1 ACK", "1>0 BYE", "0>1 200 BYE",
      ])
    #expect(world.isAtRest)
  }

  @Test("RFC 3262 §3, §4: lost responses and PRACKs are made up for", arguments: UInt64(1)...20)
  func loss(seed: UInt64) {
    var world = SIPWorld(seed: seed)
    world.link = SIPWorld.Link(loss: 30, duplication: 10, delay: 5...80)
    invite(&world)
    world.run(react)
    let answers = world.nodes[0].events.map(\.summary).filter { $0.hasPrefix("response 18") }
    #expect(answers.filter { $0 == "response 183" }.count <= 1)
    #expect(answers.filter { $0 == "response 180" }.count <= 1)
    for node in world.nodes { #expect(node.core.load.clientTransactions == 0) }
    for node in world.nodes { #expect(node.core.load.serverTransactions == 0) }
  }

  @Test("RFC 3262 §3: without a PRACK the user is told after 64*T1, and refuses")
  func unacknowledged() {
    var world = SIPWorld()
    world.isLost = { $0 == "0>1 PRACK" }
    invite(&world)
    world.run { world, node, event in
      react(&world, node, event)
      if case .provisionalUnacknowledged(let id) = event {
        world.respond(id, ResponseDraft(504), node)
      }
    }
    #expect(world.nodes[1].events.map(\.summary).contains("provisional unacknowledged"))
    #expect(world.nodes[0].events.map(\.summary).contains("response 504"))
    #expect(!world.trace.contains("1>0 200 INVITE"))
    #expect(world.isAtRest)
  }

  @Test("RFC 3262 §3: a peer without 100rel gets plain provisional responses")
  func unsupported() throws {
    var world = SIPWorld()
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(react)
    #expect(
      world.trace.prefix(4) == [
        "0>1 INVITE", "1>0 183 INVITE", "1>0 180 INVITE", "1>0 200 INVITE",
      ])
  }

  @Test("RFC 3262 §3: a PRACK that matches nothing is answered 481")
  func unmatched() throws {
    var (world, caller, _) = try GlareTests.connected()
    let prack = RequestDraft(.prack, headers: [HeaderDraft(.rack, "1 1 INVITE")])
    _ = try world.send(prack, in: caller, 0)
    world.run(until: 80_000) { _, _, _ in }
    #expect(world.nodes[1].events.isEmpty)
    #expect(world.nodes[0].events.map(\.summary) == ["response 481"])
    #expect(throws: DialogError.nothingToAcknowledge) {
      var effects: [Transmission] = []
      _ = try world.nodes[0].core.acknowledgeProvisional(
        caller, at: world.now, effects: &effects)
    }
  }
}
