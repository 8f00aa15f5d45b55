import Directory
import Elements
import Limits
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What happens within a running call.
@Suite struct SessionTests {
  private func talking(
    _ bench: Bench, headers: [HeaderDraft] = []
  ) -> (caller: UserAgent, callee: UserAgent) {
    let caller = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let callee = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    callee.manner = .answers(after: .seconds(1))
    caller.register()
    callee.register()
    caller.call("102", headers: headers)
    bench.run(for: .seconds(3))
    callee.manner = .waits
    return (caller, callee)
  }

  private func body(_ version: Int, _ direction: String, _ extra: String = "") -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN").replacing("sendrecv", with: direction)
      + extra
  }

  @Test("RFC 3261 §14: hold is passed from end to end, and the media of both legs follow")
  func hold() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    let reinvite = try #require(callee.open.first)
    let offer = try SessionDescription(parsing: reinvite.message.bodyBytes)
    #expect(offer.direction(of: 0) == .sendOnly)
    callee.answer(reinvite.server, 200, body: body(2, "recvonly"))
    bench.run(for: .seconds(1))
    let answer = try SessionDescription(parsing: try #require(caller.responses.last).bodyBytes)
    #expect(answer.direction(of: 0) == .receiveOnly)
    let plan = bench.commands.compactMap { command -> StreamPlan? in
      if case .update(_, 0, let plan) = command { plan.streams.first } else { nil }
    }.last
    #expect(plan?.legReceives == false && plan?.legSends == true)
    bench.happen(.relay(.silent(MediaSessionID(1), since: bench.now.instant)))
    bench.run(for: .seconds(1))
    #expect(caller.received(.bye).isEmpty, "silence on hold is no dead call")
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("The o= line of each leg is ours: one id, one version more with each change")
  func origin() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let first = try SessionDescription(
      parsing: try #require(callee.received(.invite).first).bodyBytes)
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, "inactive").utf8))))
    bench.run(for: .seconds(1))
    let second = try SessionDescription(parsing: try #require(callee.open.first).message.bodyBytes)
    #expect(second.originVersion == first.originVersion.map { $0 + 1 })
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A refused re-INVITE leaves everything as it was and passes 488 on")
  func refusedReinvite() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 488)
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 488)
    for leg in [0, 1] {
      let plan = bench.commands.compactMap { command -> StreamPlan? in
        if case .update(_, leg, let plan) = command { plan.streams.first } else { nil }
      }.last
      #expect(plan?.legReceives == true && plan?.legSends == true)
    }
    #expect(bench.core.calls.count == 1)
    let refused = try SessionDescription(
      parsing: try #require(callee.received(.invite).last).bodyBytes)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(3, "inactive").utf8))))
    bench.run(for: .seconds(1))
    let next = try SessionDescription(
      parsing: try #require(callee.received(.invite).last).bodyBytes)
    let (old, new) = (try #require(refused.originVersion), try #require(next.originVersion))
    #expect(new > old, "RFC 3264 §8: each offer that differs has a higher version")
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3261 §14.2: re-INVITEs of both sides at once: one of them gets 491")
  func glare() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let (mine, theirs) = (try #require(caller.dialog), try #require(callee.dialog))
    caller.send(in: mine, RequestDraft(.invite, body: .sdp(Array(body(2, "sendonly").utf8))))
    callee.send(in: theirs, RequestDraft(.invite, body: .sdp(Array(body(2, "inactive").utf8))))
    bench.run(for: .seconds(1))
    #expect([caller.lastStatus, callee.lastStatus].contains(491))
    #expect(bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A video stream that is added gets ports on both legs before the offer goes on")
  func addVideo() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    let video = "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    caller.send(
      in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, "sendrecv", video).utf8))))
    bench.run(for: .seconds(1))
    let offer = try SessionDescription(parsing: try #require(callee.open.first).message.bodyBytes)
    #expect(offer.media.count == 2 && offer.media[1].port != 0 && offer.media[1].port != 40_002)
    callee.answer(
      try #require(callee.open.first?.server), 200, body: body(2, "sendrecv", video))
    bench.run(for: .seconds(1))
    let answer = try SessionDescription(parsing: try #require(caller.responses.last).bodyBytes)
    #expect(answer.media.count == 2 && answer.media[1].port != 0)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A re-INVITE without offer: the other side offers, the ACK answers")
  func lateReinvite() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    caller.lateAnswer = body(2, "sendrecv")
    caller.send(in: dialog, RequestDraft(.invite))
    bench.run(for: .seconds(1))
    let reinvite = try #require(callee.open.first)
    #expect(reinvite.message.body.isEmpty)
    callee.answer(reinvite.server, 200, body: body(3, "sendrecv"))
    bench.run(for: .seconds(1))
    #expect(caller.responses.last?.body.isEmpty == false)
    #expect(callee.acknowledgements.last?.body.isEmpty == false)
    #expect(bench.core.calls.values.first?.value.exchange == nil)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3311: UPDATE with an offer is passed and answered")
  func update() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    callee.updateAnswer = body(2, "recvonly")
    caller.send(in: dialog, RequestDraft(.update, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    #expect(callee.received(.update).first?.body.isEmpty == false)
    #expect(caller.statuses(.update) == [200])
    #expect(caller.responses.last?.body.isEmpty == false)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3311 §5.1: to a party that does not allow UPDATE its offer goes as a re-INVITE")
  func updateAsReinvite() throws {
    let bench = try Bench()
    let caller = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let callee = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    (callee.manner, callee.allow) = (.answers(after: .seconds(1)), "INVITE, ACK, CANCEL, BYE")
    caller.register()
    callee.register()
    caller.call("102")
    bench.run(for: .seconds(3))
    callee.manner = .waits
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.update, body: .sdp(Array(body(2, "sendonly").utf8))))
    bench.run(for: .seconds(1))
    #expect(callee.received(.update).isEmpty)
    let reinvite = try #require(callee.open.first)
    let offer = try SessionDescription(parsing: reinvite.message.bodyBytes)
    #expect(offer.direction(of: 0) == .sendOnly)
    callee.answer(reinvite.server, 200, body: body(2, "recvonly"))
    bench.run(for: .seconds(1))
    #expect(callee.acknowledgements.count == 2, "of the INVITE and of this one")
    #expect(caller.statuses(.update) == [200])
    let answer = try SessionDescription(parsing: try #require(caller.responses.last).bodyBytes)
    #expect(answer.direction(of: 0) == .receiveOnly)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("DTMF as INFO is passed with its body, and its answer comes back")
  func info() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    caller.send(
      in: dialog,
      RequestDraft(
        .info,
        body: BodyDraft(
          contentType: "application/dtmf-relay", bytes: Array("Signal=5\r\nDuration=160\r\n".utf8)))
    )
    bench.run(for: .seconds(1))
    let passed = try #require(callee.received(.info).first)
    #expect(String(decoding: passed.bodyBytes, as: UTF8.self) == "Signal=5\r\nDuration=160\r\n")
    #expect(passed.text(.contentType) == "application/dtmf-relay")
    #expect(caller.statuses(.info) == [200])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("The Reason of a BYE is passed to the other side")
  func reason() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    caller.hangUp([HeaderDraft(.reason, "Q.850;cause=31;text=\"Normal, unspecified\"")])
    bench.run(for: .seconds(1))
    #expect(callee.received(.bye).first?.text(.reason)?.contains("cause=31") == true)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A30: BYE and re-INVITE of a stranger with the right tags end nothing")
  func forgedBye() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    caller.source = Endpoint("203.0.113.66:5060")
    caller.password = nil
    caller.hangUp()
    bench.run(for: .seconds(2))
    #expect(callee.received(.bye).isEmpty && bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A30: nor does the right password of another phone, from wherever")
  func colleaguesBye() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    let dialog = try #require(caller.dialog)
    let elsewhere = try #require(Endpoint("203.0.113.66:5060"))
    (caller.source, caller.password, bench.agents[elsewhere]) = (elsewhere, nil, caller)
    caller.send(in: dialog, RequestDraft(.info))
    bench.run(for: .seconds(1))
    let challenge = try #require(caller.responses.last)
    #expect(challenge.status == 401)
    let colleague = DigestAccount(
      user: "103", realm: Town.domain, password: Secret(Town.password))
    var dice = Dice.seeded(SplitMix(seed: 5))
    let header = try #require(
      colleague.answer(challenge, method: .bye, uri: URI(host: .name(Town.domain)), dice: &dice))
    caller.send(in: dialog, RequestDraft(.bye, headers: [header]))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 403)
    #expect(callee.received(.bye).isEmpty && bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  // MARK: - RFC 4028

  @Test("RFC 4028 §9: the timer is agreed on each leg; too short an interval gets 422 with Min-SE")
  func timerAgreement() throws {
    let bench = try Bench()
    let (caller, callee) = talking(
      bench,
      headers: [HeaderDraft(.supported, "timer"), HeaderDraft(.sessionExpires, "600")])
    let answer = try #require(caller.responses.last)
    #expect(answer.text(.sessionExpires) == "600;refresher=uac")
    #expect(answer.require.contains("timer"))
    #expect(callee.received(.invite).first?.text(.sessionExpires) == "1800")
    let hasty = UserAgent(bench, user: "103", address: "198.51.100.9:5062")
    hasty.call(
      "102", headers: [HeaderDraft(.supported, "timer"), HeaderDraft(.sessionExpires, "30")])
    bench.run(for: .seconds(1))
    #expect(hasty.lastStatus == 422)
    #expect(hasty.responses.last?.text(.minSE) == "90")
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 4028 §7.4: where it is our turn, the session is refreshed at half of its time")
  func refreshes() throws {
    let bench = try Bench { $0.calls.sessionSeconds = 120 }
    let (caller, callee) = talking(bench)
    _ = callee
    bench.run(for: .seconds(70))
    let refresh = caller.received(.invite) + caller.received(.update)
    #expect(refresh.count == 1)
    #expect(bench.core.calls.count == 1 && bench.records.isEmpty)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "RFC 4028 §10: a refresh that is refused in passing is tried again before the session ends",
    arguments: [.update, .invite] as [Method], [500, 503, 405, 501] as [StatusCode])
  func refusedRefresh(method: Method, status: StatusCode) throws {
    let bench = try Bench { $0.calls.sessionSeconds = 120 }
    let (caller, callee) = talking(bench, headers: [HeaderDraft(.allow, "INVITE, \(method)")])
    (caller.manner, caller.refusals) = (.answers(after: .zero), [method: status])
    bench.run(for: .seconds(60))
    #expect(caller.received(method).count == 1)
    let isUnknown = method == .update && (status == 405 || status == 501)
    // One that does not know UPDATE never will: it gets a re-INVITE.
    if !isUnknown { caller.refusals = [:] }
    bench.run(for: .seconds(140))
    #expect(bench.core.calls.count == 1 && callee.received(.bye).isEmpty)
    #expect(caller.received(method).count == (isUnknown ? 1 : 2))
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3261 §20.33: a refresh is tried again after the time that its refusal names")
  func refreshLater() throws {
    let bench = try Bench { $0.calls.sessionSeconds = 120 }
    let (caller, callee) = talking(bench, headers: [HeaderDraft(.allow, "INVITE, UPDATE")])
    caller.answersUpdate = false
    bench.run(for: .seconds(60))
    caller.answer(
      try #require(caller.open.first?.server), 500, headers: [HeaderDraft(.retryAfter, "20")])
    bench.run(for: .seconds(18))
    #expect(caller.received(.update).count == 1)
    bench.run(for: .seconds(4))
    #expect(caller.received(.update).count == 2)
    bench.run(for: .seconds(20))
    #expect(callee.received(.bye).count == 1, "nothing has refreshed it")
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 4028 §10: after 422 a refresh asks for the longer interval, and not without end")
  func refreshTooShort() throws {
    let bench = try Bench { $0.calls.sessionSeconds = 120 }
    let (caller, _) = talking(bench, headers: [HeaderDraft(.allow, "INVITE, UPDATE")])
    caller.answersUpdate = false
    bench.run(for: .seconds(55))
    for _ in 0..<150 {
      bench.run(for: .milliseconds(200))
      for request in caller.open {
        caller.answer(request.server, 422, headers: [HeaderDraft(.minSE, "300")])
      }
    }
    let updates = caller.received(.update)
    #expect((2...4).contains(updates.count))
    #expect(updates.last?.text(.sessionExpires) == "300" && updates.last?.minSE == 300)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 4028 §10: a caller that stops refreshing loses the call, both sides get BYE")
  func expires() throws {
    let bench = try Bench()
    let (caller, callee) = talking(
      bench,
      headers: [
        HeaderDraft(.supported, "timer"), HeaderDraft(.sessionExpires, "120;refresher=uac"),
      ])
    bench.run(for: .seconds(125))
    #expect(caller.received(.bye).count == 1 && callee.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.sessionExpired])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 4028 §8: a refresh of the caller is answered here and keeps the session")
  func callerRefreshes() throws {
    let bench = try Bench()
    let (caller, callee) = talking(
      bench,
      headers: [
        HeaderDraft(.supported, "timer"), HeaderDraft(.sessionExpires, "120;refresher=uac"),
      ])
    let dialog = try #require(caller.dialog)
    for _ in 0..<4 {
      caller.send(
        in: dialog,
        RequestDraft(
          .invite,
          headers: [
            HeaderDraft(.supported, "timer"), HeaderDraft(.sessionExpires, "120;refresher=uac"),
          ], body: .sdp(Array(Bench.sdp.utf8))))
      bench.run(for: .seconds(60))
    }
    #expect(callee.open.isEmpty, "the other leg has a timer of its own")
    #expect(bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("P3: a call of four hours stays up by refreshes alone")
  func fourHours() throws {
    let bench = try Bench()
    let (caller, callee) = talking(bench)
    caller.manner = .answers(after: .zero)
    callee.manner = .answers(after: .zero)
    bench.run(for: .seconds(4 * 3600))
    #expect(bench.core.calls.count == 1)
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(callee.received(.bye).count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }
}
