import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// Calls between two cores: node 0 calls, node 1 answers.
@Suite struct CallTests {
  /// What the users of a plain call do: ring, answer, acknowledge, hang up.
  static func plainCall(_ world: inout SIPWorld, _ node: Int, _ event: SIPEvent) {
    switch event {
    case .request(let id, let message, _, _):
      if message.method == .invite { world.respond(id, ResponseDraft(180), node) }
      world.respond(id, ResponseDraft(200), node)
    case .response(_, let message, _, let dialog?):
      if message.status == 200, message.cseq.method == .invite { world.acknowledge(dialog, node) }
    case .acknowledged(let dialog, _):
      _ = try? world.send(RequestDraft(.bye), in: dialog, node)
    case .response, .stranger, .cancelled, .clientFailed, .unacknowledged,
      .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
      break
    }
  }

  @Test("RFC 3665 §3.1: a call is set up, answered and ended", arguments: [Transport.udp, .tcp])
  func call(transport: Transport) {
    var world = SIPWorld(transport)
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(Self.plainCall)
    #expect(
      world.trace == [
        "0>1 INVITE", "1>0 180 INVITE", "1>0 200 INVITE", "0>1 ACK", "1>0 BYE", "0>1 200 BYE",
      ])
    #expect(
      world.nodes[0].events.map(\.summary) == ["response 180", "response 200", "request BYE"])
    #expect(
      world.nodes[1].events.map(\.summary) == ["request INVITE", "acknowledged", "response 200"])
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §17.2.1: without an answer of the user a 100 goes out after 200 ms")
  func trying() {
    var world = SIPWorld()
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(until: 600) { _, _, _ in }
    #expect(world.trace == ["0>1 INVITE", "1>0 100 INVITE"])
    #expect(world.nodes[0].events.isEmpty)
  }

  @Test("RFC 3261 §13.3.1.4: a 2xx is repeated until its ACK, repeated ones get the same ACK")
  func lostAcknowledgement() {
    var world = SIPWorld()
    var lost = 2
    world.isLost = { line in
      guard line == "0>1 ACK", lost > 0 else { return false }
      lost -= 1
      return true
    }
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(Self.plainCall)
    #expect(world.trace.filter { $0 == "1>0 200 INVITE" }.count == 3)
    #expect(world.trace.filter { $0 == "0>1 ACK" }.count == 3)
    #expect(world.nodes[0].events.filter { $0.summary == "response 200" }.count == 1)
    #expect(world.nodes[1].events.filter { $0.summary == "acknowledged" }.count == 1)
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §13.3.1.4: a 2xx without any ACK is reported after 64*T1")
  func unacknowledged() {
    var world = SIPWorld()
    world.isLost = { $0 == "0>1 ACK" }
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run { world, node, event in
      Self.plainCall(&world, node, event)
      if case .unacknowledged(let dialog) = event {
        #expect(world.now.instant >= ms(32_000))
        _ = try? world.send(RequestDraft(.bye), in: dialog, node)
      }
    }
    #expect(world.nodes[1].events.map(\.summary).contains("unacknowledged"))
    // Sent at 10 ms, then after 0.5, 1, 2, 4, 4 … s: eleven times in 32 s.
    #expect(world.trace.filter { $0 == "1>0 200 INVITE" }.count == 11)
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §15: a BYE waits for the ACK of our 2xx")
  func byeBehindAcknowledgement() {
    var world = SIPWorld()
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run { world, node, event in
      switch event {
      case .request(let id, let message, _, _):
        world.respond(id, ResponseDraft(200), node)
        guard message.method == .invite, let dialog = world.nodes[node].core.dialog(of: id) else {
          return
        }
        _ = try? world.send(RequestDraft(.bye), in: dialog, node)
      case .response(_, let message, _, let dialog?) where message.cseq.method == .invite:
        world.acknowledge(dialog, node)
      case .response, .stranger, .cancelled, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    #expect(
      world.trace == ["0>1 INVITE", "1>0 200 INVITE", "0>1 ACK", "1>0 BYE", "0>1 200 BYE"])
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §15: who made the call need not wait with BYE for the ACK of a re-INVITE")
  func byeOfTheCaller() {
    var world = SIPWorld()
    world.isLost = { $0 == "1>0 ACK" }
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run { world, node, event in
      switch event {
      case .request(let id, let message, _, _):
        world.respond(id, ResponseDraft(200), node)
        guard message.method == .invite, node == 0, let dialog = world.nodes[0].core.dialog(of: id)
        else { return }
        _ = try? world.send(RequestDraft(.bye), in: dialog, node)
      case .response(_, let message, _, let dialog?) where message.cseq.method == .invite:
        world.acknowledge(dialog, node)
      case .acknowledged(let dialog, _):
        _ = try? world.send(RequestDraft(.invite), in: dialog, node)
      case .response, .stranger, .cancelled, .clientFailed, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    #expect(world.trace.contains("0>1 BYE"))
    #expect(world.trace.filter { $0 == "0>1 200 INVITE" }.count == 1)
    #expect(world.isAtRest)
  }

  @Test(
    "RFC 3261 §17.1.1: a refused INVITE is acknowledged hop by hop",
    arguments: [Transport.udp, .tcp])
  func refused(transport: Transport) {
    var world = SIPWorld(transport)
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run { world, node, event in
      if case .request(let id, _, _, _) = event {
        world.respond(id, ResponseDraft(180), node)
        world.respond(id, ResponseDraft(486), node)
        world.respond(id, ResponseDraft(200), node)
      }
    }
    #expect(world.trace == ["0>1 INVITE", "1>0 180 INVITE", "1>0 486 INVITE", "0>1 ACK"])
    #expect(world.nodes[0].events.map(\.summary) == ["response 180", "response 486"])
    #expect(world.nodes[1].events.map(\.summary) == ["request INVITE"])
    #expect(world.isAtRest)
  }

  @Test("RFC 3261 §17.1.1.2, §17.1.2.2: silence ends a request after 64*T1")
  func silence() {
    for method in [Method.invite, .options] {
      var world = SIPWorld()
      world.isLost = { _ in true }
      _ = world.send(world.draft(method, 0, 1), 0, 1)
      world.run { _, _, _ in }
      #expect(world.nodes[0].events.map(\.summary) == ["failed: no response in time"])
      #expect(world.now.instant == ms(32_000))
      #expect(world.trace.count == (method == .invite ? 7 : 11))
      #expect(world.isAtRest)
    }
  }

  @Test("RFC 3261 §12: both sides agree on the dialog, and CSeq counts on")
  func dialogState() throws {
    var world = SIPWorld()
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    var dialogs: [Dialog] = []
    world.run(until: 200) { world, node, event in
      switch event {
      case .request(let id, let message, _, _):
        world.respond(id, ResponseDraft(200), node)
        guard message.method == .invite else { return }
        dialogs += world.nodes[node].core.dialogIDs.compactMap { world.nodes[node].core.dialog($0) }
      case .response(_, let message, _, let dialog?) where message.cseq.method == .invite:
        world.acknowledge(dialog, node)
        if let found = world.nodes[node].core.dialog(dialog) { dialogs.append(found) }
        _ = try? world.send(RequestDraft(.info), in: dialog, node)
        _ = try? world.send(RequestDraft(.message), in: dialog, node)
      case .response, .stranger, .cancelled, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    let (uas, uac) = (try #require(dialogs.first), try #require(dialogs.last))
    #expect(uas.isUAS && !uac.isUAS)
    #expect(uas.callID == uac.callID)
    #expect(uas.localTag == uac.remoteTag && uas.remoteTag == uac.localTag)
    #expect(uas.localAddress == uac.remoteAddress && uas.remoteAddress == uac.localAddress)
    #expect(uac.remoteTarget.description == "sip:192.0.2.2:5060")
    #expect(uas.remoteTarget.description == "sip:192.0.2.1:5060")
    let last = world.nodes[1].core.dialog(uas.id)
    #expect(last?.remoteSequence == 3)
    let name = Replaces(callID: uas.callID, toTag: uas.localTag, fromTag: uas.remoteTag)
    #expect(world.nodes[1].core.dialog(named: name) == uas.id)
    #expect(world.nodes[0].core.dialog(named: name) == nil)
  }
}
