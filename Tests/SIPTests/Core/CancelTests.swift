import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// RFC 3261 §9 and its races.
@Suite struct CancelTests {
  /// Node 1 rings and refuses with 487 when asked to.
  private func ringing(_ world: inout SIPWorld, _ node: Int, _ event: SIPEvent) {
    switch event {
    case .request(let id, let message, _, _) where message.method == .invite:
      world.respond(id, ResponseDraft(180), node)
    case .request(let id, _, _, _): world.respond(id, ResponseDraft(200), node)
    case .cancelled(let id, _): world.respond(id, ResponseDraft(487), node)
    case .response, .stranger, .clientFailed, .acknowledged, .unacknowledged,
      .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
      break
    }
  }

  private func cancel(_ id: ClientTransactionID, _ world: inout SIPWorld) {
    world.act(0) { core, now, effects in
      core.cancel(id, headers: [HeaderDraft(.reason, Reason.sip(487))], at: now, effects: &effects)
    }
  }

  @Test("RFC 3665 §3.8: CANCEL, its 200, the 487 and the ACK", arguments: [Transport.udp, .tcp])
  func cancel(transport: Transport) {
    var world = SIPWorld(transport)
    let id = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(until: 100, ringing)
    cancel(id, &world)
    cancel(id, &world)
    world.run(ringing)
    #expect(
      world.trace == [
        "0>1 INVITE", "1>0 180 INVITE", "0>1 CANCEL", "1>0 200 CANCEL", "1>0 487 INVITE",
        "0>1 ACK",
      ])
    #expect(world.nodes[0].events.map(\.summary) == ["response 180", "response 487"])
    #expect(world.nodes[1].events.map(\.summary) == ["request INVITE", "cancelled"])
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §9.1: CANCEL waits for a provisional response")
  func waits() {
    var world = SIPWorld()
    let id = world.send(world.draft(.invite, 0, 1), 0, 1)
    cancel(id, &world)
    #expect(world.trace == ["0>1 INVITE"])
    world.run { world, node, event in
      if case .cancelled(let id, let message) = event {
        #expect(message.field(.reason) == #"SIP;cause=487;text="Request Terminated""#)
        world.respond(id, ResponseDraft(487), node)
      }
    }
    #expect(
      world.trace == [
        "0>1 INVITE", "1>0 100 INVITE", "0>1 CANCEL", "1>0 200 CANCEL", "1>0 487 INVITE",
        "0>1 ACK",
      ])
    #expect(world.isAtRest)
  }

  @Test("A31: a 200 that crosses the CANCEL is delivered, to be ended by BYE")
  func crossing() {
    var world = SIPWorld()
    let id = world.send(world.draft(.invite, 0, 1), 0, 1)
    var answered = false
    world.run { world, node, event in
      switch event {
      case .request(let request, let message, _, _):
        if message.method == .invite { world.respond(request, ResponseDraft(180), node) }
        world.respond(request, ResponseDraft(200), node)
      case .response(_, let message, _, let dialog?):
        if message.status == 180 {
          self.cancel(id, &world)
        } else if message.cseq.method == .invite {
          answered = true
          world.acknowledge(dialog, node)
          _ = try? world.send(RequestDraft(.bye), in: dialog, node)
        }
      case .cancelled: Issue.record("the INVITE was answered already")
      case .response, .stranger, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    #expect(answered)
    #expect(world.trace.filter { $0 == "0>1 BYE" }.count == 1)
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §9.1: an INVITE that is neither refused nor answered ends 64*T1 after CANCEL")
  func silentPeer() {
    var world = SIPWorld()
    let id = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(until: 1_000, ringing)
    world.isLost = { _ in true }
    cancel(id, &world)
    world.run(until: 40_000) { _, _, _ in }
    #expect(
      world.nodes[0].events.map(\.summary) == ["response 180", "failed: no response in time"])
    #expect(world.nodes[0].core.isAtRest)
  }

  @Test("RFC 3261 §9.2: a CANCEL without its INVITE is answered 481 and keeps nothing")
  func unknown() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let text = """
      CANCEL sip:bob@192.0.2.2 SIP/2.0
      Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport
      From: <sip:alice@192.0.2.1>;tag=a
      To: <sip:bob@192.0.2.2>
      Call-ID: c
      CSeq: 1 CANCEL
      """
    let flow = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    core.receive(wire(text), on: flow, at: now(0), events: &events, effects: &effects)
    #expect(try parse(try #require(effects.first)).statusNumber == 481)
    #expect(events.isEmpty && core.isAtRest)
  }

  @Test(
    "A30, A31: a CANCEL from another address does not find its INVITE, a second one changes nothing"
  )
  func forged() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let invite = """
      INVITE sip:bob@192.0.2.2 SIP/2.0
      Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
      From: <sip:alice@192.0.2.1>;tag=a
      To: <sip:bob@192.0.2.2>
      Call-ID: c
      CSeq: 1 INVITE
      Contact: <sip:alice@192.0.2.1>
      """
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    let honest = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    core.receive(wire(invite), on: honest, at: now(0), events: &events, effects: &effects)
    let cancel = invite.replacing("INVITE", with: "CANCEL")
    let forged = Flow.udp("192.0.2.2:5060", "203.0.113.9:5060")
    core.receive(wire(cancel), on: forged, at: now(1), events: &events, effects: &effects)
    #expect(events.map(\.summary) == ["request INVITE"])
    #expect(try effects.map { try parse($0).statusNumber } == [481])
    core.receive(wire(cancel), on: honest, at: now(2), events: &events, effects: &effects)
    core.receive(wire(cancel), on: honest, at: now(3), events: &events, effects: &effects)
    #expect(events.map(\.summary) == ["request INVITE", "cancelled"])
    let answers = try effects.map(parse)
    #expect(answers.map(\.statusNumber) == [481, 200, 200])
    #expect(answers[1].bytes == answers[2].bytes)
  }

  @Test("A31, RFC 3261 §9.2: a CANCEL behind the final response changes nothing")
  func tooLate() {
    var world = SIPWorld()
    let id = world.send(world.draft(.invite, 0, 1), 0, 1)
    // The 486 is on its way when the CANCEL leaves.
    world.run { world, node, event in
      switch event {
      case .request(let request, _, _, _):
        world.respond(request, ResponseDraft(180), node)
        world.respond(request, ResponseDraft(486), node)
      case .response(_, let message, _, _) where message.status == 180: self.cancel(id, &world)
      case .cancelled: Issue.record("the INVITE was answered already")
      case .response, .stranger, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    #expect(world.nodes[0].events.map(\.summary) == ["response 180", "response 486"])
    #expect(world.isAtRest)
  }
}
