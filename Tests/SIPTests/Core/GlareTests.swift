import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// Requests that cross within a dialog (RFC 3261 §14, RFC 3311 §5), and what may not begin.
@Suite struct GlareTests {
  /// A world with a call that is up, and the dialogs of both sides.
  static func connected(
    _ transport: Transport = .udp
  ) throws
    -> (world: SIPWorld, caller: DialogID, callee: DialogID)
  {
    var world = SIPWorld(transport)
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(until: 40_000) { world, node, event in
      switch event {
      case .request(let id, _, _, _): world.respond(id, ResponseDraft(200), node)
      case .response(_, _, _, let dialog?): world.acknowledge(dialog, node)
      case .response, .stranger, .cancelled, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    world.trace = []
    for node in world.nodes.indices { world.nodes[node].events = [] }
    return (
      world, try #require(world.nodes[0].core.dialogIDs.first),
      try #require(world.nodes[1].core.dialogIDs.first)
    )
  }

  @Test("A31, RFC 3261 §14.1: two re-INVITEs that cross are both refused with 491")
  func crossingInvites() throws {
    var (world, caller, callee) = try Self.connected()
    _ = try world.send(RequestDraft(.invite), in: caller, 0)
    _ = try world.send(RequestDraft(.invite), in: callee, 1)
    world.run(until: 80_000) { _, _, _ in }
    #expect(world.nodes[0].events.map(\.summary) == ["response 491"])
    #expect(world.nodes[1].events.map(\.summary) == ["response 491"])
    let (owner, other) = (
      world.nodes[0].core.glareDelay(in: caller), world.nodes[1].core.glareDelay(in: callee)
    )
    #expect(owner >= .milliseconds(2_100) && owner <= .seconds(4))
    #expect(other <= .seconds(2))
    #expect(world.nodes[0].core.mayInvite(in: caller))
  }

  @Test("RFC 3261 §14.2: a second INVITE before the answer to the first gets 500 with Retry-After")
  func secondInvite() throws {
    var (world, caller, callee) = try Self.connected()
    _ = try world.send(RequestDraft(.invite), in: caller, 0)
    #expect(throws: DialogError.pending(.invite)) {
      _ = try world.send(RequestDraft(.invite), in: caller, 0)
    }
    world.run(until: 40_100) { _, _, _ in }
    #expect(throws: DialogError.pending(.invite)) {
      _ = try world.send(RequestDraft(.invite), in: callee, 1)
    }
    // A peer that does not care about the rule.
    let dialog = try #require(world.nodes[0].core.dialog(caller))
    var builder = MessageBuilder(request: .invite, uri: dialog.remoteTarget)
    builder.add(.via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKimpatient")
    builder.add(.from, dialog.localAddress)
    builder.add(.to, dialog.remoteAddress)
    builder.add(.callID, dialog.callID)
    builder.add(.cseq, "99 INVITE")
    let bytes = builder.finish()
    let flow = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    world.nodes[1].core.receive(
      bytes, on: flow, at: world.now, events: &events, effects: &effects)
    let answer = try parse(try #require(effects.first))
    #expect(answer.statusNumber == 500)
    let seconds = try #require(answer.field(.retryAfter).flatMap { Int($0) })
    #expect((0...10).contains(seconds))
    #expect(events.isEmpty)
  }

  @Test("RFC 3311 §5.2: UPDATEs with offers must not cross or pile up")
  func updates() throws {
    var (world, caller, callee) = try Self.connected()
    let offer = BodyDraft.sdp(Array("v=0\r\n".utf8))
    _ = try world.send(RequestDraft(.update, body: offer), in: caller, 0)
    _ = try world.send(RequestDraft(.update, body: offer), in: callee, 1)
    world.run(until: 80_000) { _, _, _ in }
    #expect(world.nodes[0].events.map(\.summary) == ["response 491"])
    #expect(world.nodes[1].events.map(\.summary) == ["response 491"])
    #expect(throws: Never.self) {
      _ = try world.send(RequestDraft(.update, body: offer), in: caller, 0)
    }
    world.run(until: 120_000) { world, node, event in
      if case .request(let id, _, _, _) = event { world.respond(id, ResponseDraft(200), node) }
    }
    #expect(world.nodes[0].events.last?.summary == "response 200")
  }

  @Test("A31, RFC 3261 §12.2.2: a lower CSeq gets 500, an unknown dialog 481")
  func order() throws {
    var (world, caller, _) = try Self.connected()
    let dialog = try #require(world.nodes[0].core.dialog(caller))
    func ask(_ cseq: String, tag: String? = nil) throws -> Int {
      var builder = MessageBuilder(request: Method("INFO"), uri: dialog.remoteTarget)
      builder.add(.via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK\(cseq.hashValue)\(tag ?? "")")
      builder.add(.from, dialog.localAddress)
      builder.add(
        .to, tag.map { Array("<sip:bob@192.0.2.2>;tag=\($0)".utf8) } ?? dialog.remoteAddress)
      builder.add(.callID, dialog.callID)
      builder.add(.cseq, cseq)
      var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
      world.nodes[1].core.receive(
        builder.finish(), on: .udp("192.0.2.2:5060", "192.0.2.1:5060"), at: world.now,
        events: &events, effects: &effects)
      guard let effect = effects.first else { return events.isEmpty ? 0 : 1 }
      return try parse(effect).statusNumber
    }
    #expect(try ask("7 INFO") == 1)
    #expect(try ask("6 INFO") == 500)
    #expect(try ask("8 INFO", tag: "unknown") == 481)
    #expect(try ask("8 INFO") == 1)
  }

  @Test("A30: a request from elsewhere is a stranger's until its digest is right")
  func stranger() throws {
    var (world, caller, callee) = try Self.connected()
    let dialog = try #require(world.nodes[0].core.dialog(caller))
    var builder = MessageBuilder(request: .bye, uri: dialog.remoteTarget)
    builder.add(.via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKforged")
    builder.add(.from, dialog.localAddress)
    builder.add(.to, dialog.remoteAddress)
    builder.add(.callID, dialog.callID)
    builder.add(.cseq, "50 BYE")
    let elsewhere = Flow.udp("192.0.2.2:5060", "203.0.113.9:5060")
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    let bytes = builder.finish()
    world.nodes[1].core.receive(
      bytes, on: elsewhere, at: world.now, events: &events, effects: &effects)
    guard case .stranger(let id, _, _, let found)? = events.first else {
      Issue.record("no stranger")
      return
    }
    #expect(found == callee && effects.isEmpty)
    #expect(world.nodes[1].core.dialog(callee)?.remoteSequence == 1)
    var refused = world.nodes[1].core
    refused.respondStatelessly(to: id, ResponseDraft(401), at: world.now, effects: &effects)
    #expect(effects.first?.destination == .flow(elsewhere))
    #expect(refused.dialog(callee) != nil)
    #expect(refused.load.serverTransactions == 0)

    world.nodes[1].core.admit(id, hasMoved: true, at: world.now, events: &events, effects: &effects)
    #expect(events.last?.summary == "request BYE")
    #expect(world.nodes[1].core.dialog(callee)?.flow == elsewhere)
    world.nodes[1].core.respond(
      to: id, ResponseDraft(200), at: world.now, effects: &effects)
    #expect(world.nodes[1].core.dialog(callee) == nil)
  }

  @Test("RFC 3261 §12.2.1.2: both sides follow a new Contact")
  func targetRefresh() throws {
    var (world, caller, callee) = try Self.connected()
    var draft = RequestDraft(.invite)
    draft.contact = .exactly(Array("<sip:alice@192.0.2.77:5099>".utf8))
    _ = try world.send(draft, in: caller, 0)
    world.run(until: 80_000) { world, node, event in
      switch event {
      case .request(let id, _, _, _):
        var draft = ResponseDraft(200)
        draft.contact = .exactly(Array("<sip:bob@192.0.2.88>".utf8))
        world.respond(id, draft, node)
      case .response(_, _, _, let dialog?): world.acknowledge(dialog, node)
      case .response, .stranger, .cancelled, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    let targets = [
      world.nodes[1].core.dialog(callee)?.remoteTarget.description,
      world.nodes[0].core.dialog(caller)?.remoteTarget.description,
    ]
    #expect(targets == ["sip:alice@192.0.2.77:5099", "sip:bob@192.0.2.88"])
  }

  @Test("RFC 3261 §15.1.2: BYEs that cross end the dialog on both sides")
  func crossingByes() throws {
    var (world, caller, callee) = try Self.connected()
    _ = try world.send(RequestDraft(.bye), in: caller, 0)
    _ = try world.send(RequestDraft(.bye), in: callee, 1)
    world.run { world, node, event in
      if case .request(let id, _, _, _) = event { world.respond(id, ResponseDraft(200), node) }
    }
    #expect(world.isAtRest)
    #expect(throws: DialogError.unknownDialog) {
      _ = try world.send(RequestDraft(.bye), in: caller, 0)
    }
  }

  @Test("RFC 3261 §14.2: a refused INVITE in an early dialog leaves it alone")
  func inviteInEarlyDialog() throws {
    var world = SIPWorld()
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    world.run(until: 100) { world, node, event in
      if case .request(let id, _, _, _) = event { world.respond(id, ResponseDraft(180), node) }
    }
    let caller = try #require(world.nodes[0].core.dialogIDs.first)
    let dialog = try #require(world.nodes[0].core.dialog(caller))
    var builder = MessageBuilder(request: .invite, uri: dialog.remoteTarget)
    builder.add(.via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKimpatient")
    builder.add(.from, dialog.localAddress)
    builder.add(.to, dialog.remoteAddress)
    builder.add(.callID, dialog.callID)
    builder.add(.cseq, "9 INVITE")
    let bytes = builder.finish()
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    world.nodes[1].core.receive(
      bytes, on: .udp("192.0.2.2:5060", "192.0.2.1:5060"), at: world.now, events: &events,
      effects: &effects)
    #expect(try effects.map { try parse($0).statusNumber } == [500])
    #expect(world.nodes[1].core.dialogIDs.count == 1)
  }

  @Test("A30: the ACK may come from the second machine of a carrier, but brings no media with it")
  func acknowledgementFromElsewhere() throws {
    var world = SIPWorld()
    world.isLost = { $0 == "0>1 ACK" }
    _ = world.send(world.draft(.invite, 0, 1), 0, 1)
    var acks: [[UInt8]] = []
    world.run(until: 100) { world, node, event in
      switch event {
      case .request(let id, _, _, _): world.respond(id, ResponseDraft(200), node)
      case .response(_, _, _, let dialog?):
        for body in [BodyDraft.sdp(Array("v=0\r\n".utf8)), nil] {
          var effects: [Transmission] = []
          try? world.nodes[node].core.acknowledge(
            dialog, body: body, at: world.now, effects: &effects)
          acks += effects.map(\.bytes)
        }
      case .response, .stranger, .cancelled, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .stateless, .keepAlive, .malformed:
        break
      }
    }
    let elsewhere = Flow.udp("192.0.2.2:5060", "198.51.100.4:5060")
    var seen: [[String]] = []
    for ack in acks {
      var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
      world.nodes[1].core.receive(
        ack, on: elsewhere, at: world.now, events: &events, effects: &effects)
      seen.append(events.map(\.summary))
    }
    #expect(seen == [[], ["acknowledged"]])
  }
}
