import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Offers and digits within a call of which nothing comes.
@Suite struct ExchangeTests {
  private static let video = "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

  private func body(_ version: Int, _ direction: String = "sendrecv") -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN").replacing("sendrecv", with: direction)
  }

  /// The last ACK answers an offer, and takes nothing of it.
  private func isRefused(_ offer: Message?, lines: Int) throws -> Bool {
    let answer = try SessionDescription(parsing: try #require(offer).bodyBytes)
    return answer.media.map(\.isRejected) == Array(repeating: true, count: lines)
  }

  // MARK: - Offers in a 2xx

  @Test("RFC 3261 §13.2.2.4: an offer in a 2xx that gets no ports is answered, and the call ends")
  func lateReinviteWithoutPorts() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    caller.send(in: try #require(caller.dialog), RequestDraft(.invite))
    bench.run(for: .seconds(1))
    bench.hasPortsToSpare = false
    callee.answer(try #require(callee.open.first?.server), 200, body: body(2) + Self.video)
    bench.run(for: .seconds(1))
    #expect(callee.acknowledgements.count == 2)
    #expect(try isRefused(callee.acknowledgements.last, lines: 2))
    #expect(caller.statuses().last == 488)
    #expect(callee.received(.bye).count == 1 && caller.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.mediaUnavailable])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("So is one that cannot be taken; where the 2xx has none, the call goes on")
  func lateReinviteRefused() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    caller.send(in: try #require(caller.dialog), RequestDraft(.invite))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200)
    bench.run(for: .seconds(1))
    #expect(caller.statuses().last == 488 && callee.acknowledgements.count == 2)
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    caller.send(in: try #require(caller.dialog), RequestDraft(.invite))
    bench.run(for: .seconds(1))
    let keyless = body(2).replacing("RTP/AVP", with: "RTP/SAVP")
    callee.answer(try #require(callee.open.first?.server), 200, body: keyless)
    bench.run(for: .seconds(1))
    #expect(try isRefused(callee.acknowledgements.last, lines: 1))
    #expect(caller.statuses().last == 488)
    #expect(callee.received(.bye).count == 1 && caller.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.incompatible])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("So is the offer that answers a call without one")
  func lateOfferWithoutPorts() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    bench.hasPortsToSpare = false
    caller.call("102", body: .some(nil))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: body(1))
    bench.run(for: .seconds(1))
    #expect(callee.acknowledgements.count == 1 && callee.received(.bye).count == 1)
    #expect(try isRefused(callee.acknowledgements.last, lines: 1))
    #expect(caller.statuses().last == 503 && bench.records.map(\.cause) == [.mediaUnavailable])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A 2xx whose offer the caller does not answer is acknowledged before the BYE")
  func lateOfferUnanswered() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    caller.acknowledges = false
    caller.call("102", body: .some(nil))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: body(1))
    bench.run(for: .seconds(1))
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(callee.acknowledgements.count == 1 && callee.received(.bye).count == 1)
    #expect(try isRefused(callee.acknowledgements.last, lines: 1))
    #expect(bench.records.map(\.cause) == [.normal])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("So is the one of a re-INVITE, whoever ends the call", arguments: [true, false])
  func lateReinviteUnanswered(byCaller: Bool) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    caller.acknowledges = false
    caller.send(in: try #require(caller.dialog), RequestDraft(.invite))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: body(2))
    bench.run(for: .seconds(1))
    #expect(caller.statuses().last == 200 && callee.acknowledgements.count == 1)
    if byCaller { caller.hangUp() } else { bench.command(.hangUpAll) }
    bench.run(for: .seconds(1))
    #expect(callee.acknowledgements.count == 2 && callee.received(.bye).count == 1)
    #expect(try isRefused(callee.acknowledgements.last, lines: 1))
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "RFC 3261 §13.2.2.4: a 2xx that cannot be passed back ends the call: that side has left the old session",
    arguments: [true, false])
  func unusableAnswer(isEmpty: Bool) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    caller.send(
      in: try #require(caller.dialog),
      RequestDraft(.invite, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    let unfit = body(2).replacing("m=audio", with: "m=video")
    callee.answer(try #require(callee.open.last?.server), 200, body: isEmpty ? nil : unfit)
    bench.run(for: .seconds(1))
    #expect(callee.acknowledgements.count == 2 && caller.statuses().last == 488)
    #expect(callee.received(.bye).count == 1 && caller.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.incompatible])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("Media that fail for a leg that is no part of the exchange are no reason to refuse it")
  func mediaOfAnother() throws {
    let bench = try Bench()
    let other = UserAgent(bench, user: "102", address: "198.51.100.9:5066")
    other.manner = .rings
    other.register()
    let (caller, callee) = bench.twoPhonesTalking()
    let leg = try #require(bench.core.calls.values.first?.value.answered)
    caller.send(
      in: try #require(caller.dialog),
      RequestDraft(.invite, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    bench.happen(
      .relay(.legFailed(MediaSessionID(1), leg: 3 - leg, .portsExhausted(.v4Any))))
    callee.answer(try #require(callee.open.last?.server), 200, body: body(2, "recvonly"))
    bench.run(for: .seconds(1))
    #expect(caller.statuses().last == 200)
    #expect(bench.loadAtRest().isAtRest)
  }

  // MARK: - What is passed back

  @Test(
    "RFC 3261 §12.2.1.2: a side whose dialog is gone ends the call; the other one gets 500 and BYE",
    arguments: [481, 408] as [StatusCode])
  func dialogIsGone(status: StatusCode) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    callee.refusals = [.invite: status]
    caller.send(
      in: try #require(caller.dialog),
      RequestDraft(.invite, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    #expect(caller.statuses().last == 500 && caller.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.sessionExpired])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "The answer to a digit asks nothing of the other side, and ends no dialog of it",
    arguments: [(401, 488), (407, 488), (302, 488), (408, 500), (481, 500), (415, 415), (500, 500)]
      as [(StatusCode, UInt16)])
  func refusedDigit(status: StatusCode, passed: UInt16) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    callee.refusals = [.info: status]
    caller.send(in: try #require(caller.dialog), RequestDraft(.info))
    bench.run(for: .seconds(1))
    #expect(caller.responses.last?.cseq.method == .info && caller.lastStatus == passed)
    #expect(bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A digit that nobody answers is 500")
  func lostDigit() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    bench.deaf.insert(callee.endpoint)
    caller.send(in: try #require(caller.dialog), RequestDraft(.info))
    bench.run(for: .seconds(40))
    bench.deaf = []
    // Too late for the phone, which has given up, too.
    let answers = bench.sent.filter { $0.to == caller.endpoint && $0.text.contains(" INFO\r\n") }
    #expect(answers.last?.text.hasPrefix("SIP/2.0 500 ") == true && bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }
}
