import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// Properties over links that lose, double and reorder, with users who ring, answer, refuse, cancel
/// and hang up as the seed says.
@Suite struct LossyLinkTests {
  /// What one seed does, and what it must see.
  private struct Play {
    var random: SplitMix
    /// Final responses and failures for each request of ours.
    var endings: [String: Int] = [:]
    var dialogs: [Int: Set<DialogID>] = [:]

    mutating func roll(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
  }

  private static func react(
    _ world: inout SIPWorld, _ node: Int, _ event: SIPEvent, _ play: inout Play
  ) {
    switch event {
    case .request(let id, let message, _, _): answer(id, message, &world, node, &play)
    case .response(let id, let message, _, let dialog):
      response(id, message, dialog, &world, node, &play)
    case .clientFailed(let id, _): play.endings["\(node) \(id)", default: 0] += 1
    case .cancelled(let id, _): world.respond(id, ResponseDraft(487), node)
    case .acknowledged(let dialog, _):
      if play.roll(50) { hangUp(dialog, &world, node) }
    case .unacknowledged(let dialog): hangUp(dialog, &world, node)
    case .provisionalUnacknowledged(let id): world.respond(id, ResponseDraft(504), node)
    case .strayAnswer: break  // A copy that came when all was over.
    case .stranger, .stateless, .keepAlive, .malformed:
      Issue.record("nobody did that: \(event.summary)")
    }
  }

  private static func answer(
    _ id: ServerTransactionID, _ message: Message, _ world: inout SIPWorld, _ node: Int,
    _ play: inout Play
  ) {
    guard message.method == .invite, message.toTag == nil else {
      world.respond(id, ResponseDraft(200), node)
      return
    }
    if play.roll(60) {
      var ringing = ResponseDraft(180)
      ringing.reliably = play.roll(50)
      world.respond(id, ringing, node)
    }
    if play.roll(70) {
      world.respond(id, ResponseDraft(play.roll(70) ? 200 : 486), node)
    } else if !play.roll(50) {
      world.respond(id, ResponseDraft(183), node)
    }
    // The rest is for a CANCEL, or for the end of the play, to decide.
  }

  private static func response(
    _ id: ClientTransactionID, _ message: Message, _ dialog: DialogID?, _ world: inout SIPWorld,
    _ node: Int, _ play: inout Play
  ) {
    let status = message.statusNumber
    if status >= 200 { play.endings["\(node) \(id)", default: 0] += 1 }
    guard message.cseq.method == .invite else { return }
    if status < 200, let dialog {
      world.act(node) { core, now, effects in
        _ = try? core.acknowledgeProvisional(dialog, at: now, effects: &effects)
      }
      if play.roll(20) {
        world.act(node) { core, now, effects in core.cancel(id, at: now, effects: &effects) }
      }
    }
    guard status == 200, let dialog else { return }
    world.acknowledge(dialog, node)
    if play.roll(40) { hangUp(dialog, &world, node) }
  }

  private static func hangUp(_ dialog: DialogID, _ world: inout SIPWorld, _ node: Int) {
    _ = try? world.send(RequestDraft(.bye), in: dialog, node)
  }

  @Test(
    "Every transaction ends, each request has exactly one ending, nothing is left at rest",
    arguments: UInt64(1)...150)
  func endings(seed: UInt64) {
    var play = Play(random: SplitMix(seed: seed ^ 0xF00D))
    var world = SIPWorld(seed: seed)
    world.link = SIPWorld.Link(
      loss: Int(seed % 5) * 12, duplication: Int(seed % 3) * 15, delay: 1...(10 + Int64(seed) * 5))
    var sent: [String] = []
    for round in Int64(0)..<6 {
      let method: Method = play.roll(60) ? .invite : .options
      let from = play.roll(50) ? 0 : 1
      let headers = play.roll(50) ? [HeaderDraft(.supported, "100rel")] : []
      let id = world.send(
        world.draft(method, from, 1 - from, headers: headers), from, 1 - from)
      sent.append("\(from) \(id)")
      world.run(until: (round + 1) * 700) { Self.react(&$0, $1, $2, &play) }
    }
    world.run(until: 200_000) { Self.react(&$0, $1, $2, &play) }
    // Whoever still rings gives up; whoever still talks hangs up.
    for node in world.nodes.indices {
      for dialog in world.nodes[node].core.dialogIDs { Self.hangUp(dialog, &world, node) }
      for event in world.nodes[node].events {
        if case .request(let id, _, _, _) = event {
          world.respond(id, ResponseDraft(480), node)
        }
      }
    }
    world.run(until: 400_000) { Self.react(&$0, $1, $2, &play) }
    for node in world.nodes.indices {
      for dialog in world.nodes[node].core.dialogIDs { Self.hangUp(dialog, &world, node) }
    }
    world.run(until: 600_000) { Self.react(&$0, $1, $2, &play) }
    for request in sent { #expect(play.endings[request] == 1, "request \(request)") }
    #expect(play.endings.values.allSatisfy { $0 == 1 })
    #expect(world.nodes.allSatisfy { $0.core.load.clientTransactions == 0 })
    #expect(world.nodes.allSatisfy { $0.core.load.serverTransactions == 0 })
    #expect(world.isAtRest)
  }

  @Test("The same seed gives the same messages, byte by byte", arguments: UInt64(1)...5)
  func determinism(seed: UInt64) {
    func play() -> ([String], [String]) {
      var play = Play(random: SplitMix(seed: seed))
      var world = SIPWorld(seed: seed)
      world.link = SIPWorld.Link(loss: 20, duplication: 10, delay: 1...100)
      for round in Int64(0)..<5 {
        _ = world.send(world.draft(.invite, 0, 1), 0, 1)
        world.run(until: (round + 1) * 500) { Self.react(&$0, $1, $2, &play) }
      }
      world.run(until: 100_000) { Self.react(&$0, $1, $2, &play) }
      return (world.trace, world.nodes.flatMap { $0.events.map(\.summary) })
    }
    let (first, second) = (play(), play())
    #expect(first.0 == second.0 && first.1 == second.1)
  }
}
