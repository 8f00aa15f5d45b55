import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Several answers before the 2xx, which itself describes nothing.
@Suite struct EarlyAnswerTests {
  /// An answer with one codec, from a port of its own.
  private func body(_ port: UInt16, _ codec: UInt8) -> String {
    Bench.sdp.replacing("audio 40000 RTP/AVP 8 0 101", with: "audio \(port) RTP/AVP \(codec)")
  }

  /// Who talks with the caller hears it at that port, in that codec, and the caller knows.
  private func expectTalk(
    _ bench: Bench, _ caller: UserAgent, _ port: UInt16, _ codec: UInt8
  ) throws {
    let call = try #require(bench.core.calls.values.first?.value)
    let leg = try #require(call.answered)
    #expect(call.phase == .talking && call.media.bridged == leg)
    let bridges = bench.commands.compactMap {
      if case .bridge(_, let pair) = $0 { pair } else { nil }
    }
    #expect(bridges.last == LegPair(0, leg))
    let plan = bench.commands.compactMap { command -> StreamPlan? in
      if case .update(_, leg, let plan) = command { plan.streams.first } else { nil }
    }.last
    #expect(plan?.remote?.port == port)
    let response = try #require(
      caller.responses.last { $0.status == 200 && $0.cseq.method == .invite })
    let answer = try SessionDescription(parsing: response.bodyBytes)
    #expect(answer.media[0].payloadTypes == [codec])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("Of two phones the one that answers is heard, whichever of them had spoken last")
  func phones() throws {
    let bench = try Bench()
    let (caller, first) = bench.twoPhones()
    let second = UserAgent(bench, user: "102", address: "198.51.100.9:5066")
    second.register()
    caller.call("102")
    bench.run(for: .seconds(1))
    let server = try #require(first.open.first?.server)
    first.answer(server, 183, body: body(40_002, 8), reliably: true)
    bench.run(for: .seconds(1))
    #expect(first.received(.prack).count == 1)
    second.answer(try #require(second.open.first?.server), 183, body: body(40_004, 0))
    bench.run(for: .seconds(1))
    first.answer(server, 200)
    bench.run(for: .seconds(1))
    #expect(bench.requests("CANCEL", to: second.endpoint).count == 1)
    try expectTalk(bench, caller, 40_002, 8)
  }

  @Test("RFC 3261 §13.2.2.4: of two forks of a carrier so is the one that answers")
  func forks() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    phone.call("976333444")
    bench.run(for: .seconds(1))
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 183, body: body(40_002, 8), reliably: true)
    bench.run(for: .seconds(1))
    try bench.answerFork(of: carrier, "183 Session Progress", body: body(40_004, 0))
    bench.run(for: .seconds(1))
    carrier.answer(server, 200)
    bench.run(for: .seconds(1))
    try expectTalk(bench, phone, 40_002, 8)
  }
}
