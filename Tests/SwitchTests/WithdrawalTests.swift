import Elements
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Offers in a call that are taken back before their answer.
@Suite struct WithdrawalTests {
  private static let video = "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

  private func body(_ version: Int, _ extra: String = "") -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN") + extra
  }

  private func offer(_ text: String) -> RequestDraft {
    RequestDraft(.invite, body: .sdp(Array(text.utf8)))
  }

  /// A call in which one side has offered video, and the other one asks its user.
  private struct Ends {
    let bench: Bench
    let asking: UserAgent
    let asked: UserAgent
    let request: ClientTransactionID

    var call: Call? { bench.core.calls.values.first?.value }

    func cancel() {
      asking.cancel(of: request)
      bench.run(for: .seconds(1))
    }
  }

  private func asked(_ offer: RequestDraft, byCaller: Bool = true) throws -> Ends {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    caller.manner = .waits
    let (asking, asked) = byCaller ? (caller, callee) : (callee, caller)
    let dialog = try #require(asking.dialog)
    let request = try #require(asking.send(in: dialog, offer))
    bench.run(for: .seconds(1))
    asked.answer(try #require(asked.open.first?.server), 180)
    bench.run(for: .seconds(1))
    return Ends(bench: bench, asking: asking, asked: asked, request: request)
  }

  /// Whether an offer passes and is answered.
  private func holds(_ ends: Ends) throws -> Bool {
    let text = body(9).replacing("sendrecv", with: "sendonly")
    ends.asking.send(in: try #require(ends.asking.dialog), offer(text))
    ends.bench.run(for: .seconds(1))
    guard let server = ends.asked.open.last?.server else { return false }
    ends.asked.answer(server, 200, body: text.replacing("sendonly", with: "recvonly"))
    ends.bench.run(for: .seconds(1))
    return ends.asking.statuses().last == 200
  }

  @Test(
    "RFC 3261 §9: a CANCEL of a re-INVITE is passed on, and all is as before",
    arguments: [true, false])
  func cancelled(byCaller: Bool) throws {
    let ends = try asked(offer(body(2, Self.video)), byCaller: byCaller)
    ends.cancel()
    #expect(ends.bench.requests("CANCEL", to: ends.asked.endpoint).count == 1)
    #expect(ends.asking.statuses().last == 487)
    let call = try #require(ends.call)
    #expect(call.phase == .talking && call.exchange == nil)
    #expect(call.legs.allSatisfy { $0.media.said?.media.count == 1 })
    #expect(try holds(ends))
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("One that waits for ports leaves nothing to be cancelled")
  func cancelledEarly() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let before = callee.received(.invite).count
    bench.portsTake = .seconds(1)
    let dialog = try #require(caller.dialog)
    let request = try #require(caller.send(in: dialog, offer(body(2, Self.video))))
    bench.run(for: .milliseconds(200))
    caller.cancel(of: request)
    bench.run(for: .seconds(2))
    #expect(caller.statuses().last == 487 && callee.received(.invite).count == before)
    #expect(bench.core.calls.values.first?.value.exchange == nil)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "A 2xx that crosses the CANCEL is acknowledged, and its side brought back",
    arguments: [true, false])
  func crossed(byCaller: Bool) throws {
    let ends = try asked(offer(body(2, Self.video)), byCaller: byCaller)
    let server = try #require(ends.asked.open.first?.server)
    ends.asked.heedsCancel = false
    ends.cancel()
    let withdrawn = try #require(ends.asked.received(.invite).last)
    let count = ends.asked.received(.invite).count
    ends.asked.answer(server, 200, body: body(2, Self.video))
    ends.bench.run(for: .seconds(1))
    #expect(ends.asking.statuses().last == 487)
    #expect(ends.asked.received(.invite).count == count + 1)
    let back = try SessionDescription(
      parsing: try #require(ends.asked.received(.invite).last).bodyBytes)
    let old = try SessionDescription(parsing: withdrawn.bodyBytes)
    #expect(old.media.count == 2 && back.media.count == 1)
    let versions = (try #require(old.originVersion), try #require(back.originVersion))
    #expect(versions.0 < versions.1, "RFC 3264 §8")
    ends.asked.answer(try #require(ends.asked.open.last?.server), 200, body: body(3))
    ends.bench.run(for: .seconds(1))
    let call = try #require(ends.call)
    #expect(call.phase == .talking && call.exchange == nil)
    #expect(call.legs.allSatisfy { $0.media.said?.media.count == 1 && !$0.mustReturn })
    #expect(try holds(ends))
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("A side that does not come back is in no call with the other one")
  func staysAway() throws {
    let ends = try asked(offer(body(2, Self.video)))
    let server = try #require(ends.asked.open.first?.server)
    ends.asked.heedsCancel = false
    ends.cancel()
    ends.asked.answer(server, 200, body: body(2, Self.video))
    ends.bench.run(for: .seconds(1))
    ends.asked.answer(try #require(ends.asked.open.last?.server), 488)
    ends.bench.run(for: .seconds(1))
    #expect(ends.asking.received(.bye).count == 1 && ends.asked.received(.bye).count == 1)
    #expect(ends.bench.records.map(\.cause) == [.incompatible])
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("An offer in the 2xx that crosses has nobody to answer it")
  func crossedLate() throws {
    let ends = try asked(RequestDraft(.invite))
    let server = try #require(ends.asked.open.first?.server)
    ends.asked.heedsCancel = false
    ends.cancel()
    ends.asked.answer(server, 200, body: body(2))
    ends.bench.run(for: .seconds(1))
    let answer = try SessionDescription(
      parsing: try #require(ends.asked.acknowledgements.last).bodyBytes)
    #expect(answer.media.map(\.isRejected) == [true])
    #expect(ends.asking.received(.bye).count == 1 && ends.asked.received(.bye).count == 1)
    #expect(ends.bench.records.map(\.cause) == [.incompatible])
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("A side that rings for an offer, and does no more, holds up nobody for longer than a call")
  func timedOut() throws {
    let ends = try asked(offer(body(2, Self.video)))
    ends.bench.run(for: .seconds(27))
    #expect(ends.bench.requests("CANCEL", to: ends.asked.endpoint).isEmpty)
    ends.bench.run(for: .seconds(3))
    #expect(ends.bench.requests("CANCEL", to: ends.asked.endpoint).count == 1)
    #expect(ends.asking.statuses().last == 500)
    let call = try #require(ends.call)
    #expect(call.phase == .talking && call.exchange == nil)
    #expect(try holds(ends))
    #expect(ends.bench.loadAtRest().isAtRest)
  }

  @Test("A side that has not even heard of it is gone, and the call ends")
  func unheard() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    bench.deaf.insert(callee.endpoint)
    caller.send(in: try #require(caller.dialog), offer(body(2, Self.video)))
    bench.run(for: .seconds(40))
    #expect(caller.received(.bye).count == 1)
    #expect(bench.loadAtRest().isAtRest && bench.records.map(\.cause) == [.sessionExpired])
  }

  @Test("A refresh of ours that rings is cancelled, and the next one passes")
  func refreshTimedOut() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    caller.manner = .rings
    callee.allow = "INVITE, ACK, CANCEL, BYE"
    caller.call("102")
    bench.run(for: .seconds(1))
    let timer = [HeaderDraft(.sessionExpires, "1800;refresher=uac")]
    callee.answer(try #require(callee.open.first?.server), 200, body: body(1), headers: timer)
    bench.run(for: .seconds(905))
    let refresh = try #require(callee.open.last)
    callee.answer(refresh.server, 180)
    bench.run(for: .seconds(32))
    #expect(bench.requests("CANCEL", to: callee.endpoint).count == 1)
    #expect(bench.core.calls.values.first?.value.exchange == nil)
    // It is sent again after a twelfth of its interval.
    bench.run(for: .seconds(150))
    callee.answer(try #require(callee.open.last?.server), 200, body: body(1), headers: timer)
    bench.run(for: .seconds(800))
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    #expect(bench.loadAtRest().isAtRest)
  }
}
