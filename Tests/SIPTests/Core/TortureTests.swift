import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

/// What the torture messages lead to in this layer (RFC 4475, RFC 5118).
@Suite struct TortureTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let path: String
    let section: String
    let isRequest: Bool
    let parser: String
    let allowed: Set<String>

    var testDescription: String { "\(path) §\(section)" }
  }

  static func rows(_ folder: String) -> [Row] {
    ((try? Fixtures.table("\(folder)/verdicts.tsv")) ?? []).compactMap { columns in
      guard columns.count >= 8 else { return nil }
      let allowed = Set([columns[6]] + columns[7].split(separator: "|").map(String.init))
      return Row(
        path: "\(folder)/\(columns[0])", section: columns[1], isRequest: columns[3] == "request",
        parser: columns[5], allowed: allowed)
    }
  }

  private func receive(_ path: String, _ flow: Flow) throws -> (answers: [String], isShown: Bool) {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 4_475)))
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    core.receive(
      try Fixtures.bytes(path), on: flow, at: now(0), events: &events, effects: &effects)
    // Answers to broken requests give back what was broken: only the status line is ours.
    let answers = effects.map { effect in
      String(decoding: effect.bytes.dropFirst("SIP/2.0 ".utf8.count).prefix(3), as: UTF8.self)
    }
    let isShown = events.contains { event in
      switch event {
      case .request, .stateless: true
      case .stranger, .cancelled, .acknowledged, .response, .strayAnswer, .clientFailed,
        .unacknowledged, .provisionalUnacknowledged, .keepAlive, .malformed:
        false
      }
    }
    #expect(effects.allSatisfy { $0.destination == .flow(flow) })
    return (answers, isShown)
  }

  @Test(
    "RFC 4475, RFC 5118: the answer of this layer", arguments: rows("rfc4475") + rows("rfc5118"))
  func verdict(row: Row) throws {
    let flow = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    let (answers, isShown) = try receive(row.path, flow)
    #expect(answers.count + (isShown ? 1 : 0) <= 1)
    guard row.isRequest else {
      #expect(answers.isEmpty && !isShown)
      return
    }
    if let answer = answers.first {
      #expect(row.allowed.contains(answer) || row.allowed.contains("-"))
    } else if isShown {
      // The user decides; nothing that this layer must refuse may come so far.
      #expect(row.parser != "reject" || row.allowed.contains("process"))
    } else {
      #expect(row.allowed.contains("drop") || row.parser == "any")
    }
  }

  @Test(
    "RFC 4475: what this layer refuses by itself",
    arguments: [
      ("wsinv", "481"), ("intmeth", "501"), ("esc02", "501"), ("badvers", "505"),
      ("mismatch01", "400"), ("mismatch02", "501"), ("unkscm", "416"), ("novelsc", "416"),
      ("bext01", "420"), ("scalar02", "400"), ("ncl", "400"), ("multi01", "400"),
    ])
  func refused(name: String, status: String) throws {
    let flow = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    let (answers, isShown) = try receive("rfc4475/\(name).dat", flow)
    #expect(answers == [status] && !isShown)
  }

  @Test("RFC 4475 §3.3.5: Unsupported names the options of Require, not of Proxy-Require")
  func unsupported() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    core.receive(
      try Fixtures.bytes("rfc4475/bext01.dat"), on: .udp("192.0.2.2:5060", "192.0.2.1:5060"),
      at: now(0), events: &events, effects: &effects)
    let answer = try parse(try #require(effects.first))
    #expect(
      answer.field(.unsupported)
        == "nothingSupportsThis, nothingSupportsThisEither")
  }

  @Test("RFC 4475 §3.3.10: a response for 255.255.255.255 goes nowhere")
  func broadcast() throws {
    let flow = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    let (answers, isShown) = try receive("rfc4475/bcast.dat", flow)
    #expect(answers.isEmpty && !isShown)
  }

  @Test(
    "A17: any message of the corpora, or of a call, cut and changed, ends no call",
    arguments: UInt64(1)...30)
  func mutations(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let (world, caller, callee) = try GlareTests.connected()
    let dialog = try #require(world.nodes[0].core.dialog(caller))
    var core = world.nodes[1].core
    var (events, effects): ([SIPEvent], [Transmission]) = ([], [])
    func mutate(_ bytes: inout [UInt8]) {
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      }
    }
    let start = Int64(50_000)
    for (index, name) in try Fixtures.names(in: "rfc4475", ending: ".dat").enumerated() {
      let (now, peer) = (now(start + Int64(index)), "192.0.2.1:5060")
      var bytes = try Fixtures.bytes("rfc4475/\(name)")
      mutate(&bytes)
      let flow =
        index % 2 == 0 ? Flow.udp("192.0.2.2:5060", peer) : .tcp("192.0.2.2:5060", peer, 1)
      core.receive(bytes, on: flow, at: now, events: &events, effects: &effects)
      bytes = bye(of: dialog, number: index)
      if index % 2 == 0 { mutate(&bytes) }
      let stranger = Flow.udp("192.0.2.2:5060", "203.0.113.9:5060")
      core.receive(bytes, on: stranger, at: now, events: &events, effects: &effects)
    }
    for event in events {
      switch event {
      case .request(let id, _, _, let dialog):
        let status: StatusCode = dialog == nil ? 404 : 200
        core.respond(to: id, ResponseDraft(status), at: now(start + 100), effects: &effects)
      case .stateless(let request):
        core.respond(to: request, ResponseDraft(404), effects: &effects)
      case .stranger(let id, _, _, _):
        core.respondStatelessly(
          to: id, ResponseDraft(401), at: now(start + 100), effects: &effects)
      case .response, .cancelled, .clientFailed, .acknowledged, .unacknowledged,
        .provisionalUnacknowledged, .strayAnswer, .keepAlive, .malformed:
        break
      }
    }
    for step in Int64(0)..<200 {
      core.handleDeadline(at: now(start + 1_000 * step), events: &events, effects: &effects)
    }
    #expect(core.dialogIDs == [callee])
    #expect(core.load.serverTransactions == 0 && core.load.clientTransactions == 0)
  }

  /// A BYE with the right tags, of somebody who has overheard them.
  private func bye(of dialog: Dialog, number: Int) -> [UInt8] {
    var builder = MessageBuilder(request: .bye, uri: dialog.remoteTarget)
    builder.add(.via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKforged\(number)")
    builder.add(.from, dialog.localAddress)
    builder.add(.to, dialog.remoteAddress)
    builder.add(.callID, dialog.callID)
    builder.add(.cseq, "\(50 + number) BYE")
    return builder.finish()
  }
}
