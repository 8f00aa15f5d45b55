import Directory
import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Requests within a dialog that no 2xx has confirmed yet.
@Suite struct EarlyDialogTests {
  private static let digit = RequestDraft(
    .info,
    body: BodyDraft(
      contentType: "application/dtmf-relay", bytes: Array("Signal=5\r\nDuration=160\r\n".utf8)))

  private func body(_ version: Int, _ direction: String = "sendrecv") -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN").replacing("sendrecv", with: direction)
  }

  private func update(_ text: String) -> RequestDraft {
    RequestDraft(.update, body: .sdp(Array(text.utf8)))
  }

  /// A call that the carrier has answered with a 183, and the INVITE that waits there.
  private func ringing(
    _ bench: Bench, reliably: Bool = false, callerIsReliable: Bool = true, allow: String? = nil
  ) throws -> (phone: UserAgent, carrier: UserAgent, invite: ServerTransactionID) {
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    phone.pracks = true
    if let allow { carrier.allow = allow }
    phone.register()
    let supported = callerIsReliable ? [HeaderDraft(.supported, "100rel")] : []
    phone.call("976333444", headers: supported + [HeaderDraft(.allow, phone.allow)])
    bench.run(for: .seconds(1))
    let invite = try #require(carrier.open.first?.server)
    carrier.answer(invite, 183, body: body(1), reliably: reliably)
    bench.run(for: .seconds(1))
    #expect(phone.statuses(.prack) == (callerIsReliable ? [200] : []))
    return (phone, carrier, invite)
  }

  /// The call is answered and hung up, and nothing is left of it.
  private func talkAndEnd(
    _ bench: Bench, _ phone: UserAgent, _ carrier: UserAgent, _ invite: ServerTransactionID,
    body: String? = Bench.sdp
  ) throws {
    carrier.answer(invite, 200, body: body)
    bench.run(for: .seconds(1))
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    #expect(phone.statuses() == [183, 200] && carrier.acknowledgements.count == 1)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(carrier.received(.bye).count == 1 && bench.core.calls.isEmpty)
    #expect(bench.core.owners.dialogs.isEmpty)
  }

  @Test("RFC 3261 §12.1: the called side's early dialog takes UPDATE, OPTIONS and INFO")
  func fromCarrier() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench)
    let dialog = try #require(carrier.dialog)
    carrier.send(in: dialog, RequestDraft(.update))
    carrier.send(in: dialog, RequestDraft(.options))
    carrier.send(in: dialog, Self.digit)
    bench.run(for: .seconds(1))
    #expect(carrier.statuses(.update) == [200] && carrier.statuses(.options) == [200])
    #expect(phone.received(.info).first?.body.isEmpty == false && carrier.statuses(.info) == [200])
    try talkAndEnd(bench, phone, carrier, invite)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A digit that is sent as INFO during early media reaches the carrier")
  func digitFromPhone() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench)
    phone.send(in: try #require(phone.early), Self.digit)
    bench.run(for: .seconds(1))
    let passed = try #require(carrier.received(.info).first)
    #expect(String(decoding: passed.bodyBytes, as: UTF8.self).hasPrefix("Signal=5"))
    #expect(phone.statuses(.info) == [200])
    try talkAndEnd(bench, phone, carrier, invite)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3311 §5.1: once both sides have acknowledged, the phone may make a new offer")
  func offerOfPhone() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true)
    carrier.updateAnswer = body(2, "recvonly")
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    bench.run(for: .seconds(1))
    let passed = try #require(carrier.received(.update).first)
    let offer = try SessionDescription(parsing: passed.bodyBytes)
    #expect(offer.direction(of: 0) == .sendOnly && passed.text(.sessionExpires) == nil)
    #expect(phone.statuses(.update) == [200])
    let answer = try #require(phone.responses.last { $0.cseq.method == .update })
    #expect(try SessionDescription(parsing: answer.bodyBytes).direction(of: 0) == .receiveOnly)
    // The 200 of the carrier repeats its first answer, which is old by now.
    try talkAndEnd(bench, phone, carrier, invite, body: body(1))
    #expect(phone.responses.last { $0.cseq.method == .invite }?.body.isEmpty == true)
    let plan = bench.commands.compactMap {
      if case .update(_, 0, let plan) = $0 { plan.streams.first } else { nil }
    }.last
    #expect(plan?.legReceives == false && plan?.legSends == true)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3311 §5.1: and so may the carrier, whose media move before the answer")
  func offerOfCarrier() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true)
    phone.updateAnswer = body(2)
    let moved = body(2).replacing("40000", with: "40444")
    carrier.send(in: try #require(carrier.dialog), update(moved))
    bench.run(for: .seconds(1))
    #expect(phone.received(.update).first?.body.isEmpty == false)
    #expect(carrier.statuses(.update) == [200])
    try talkAndEnd(bench, phone, carrier, invite, body: nil)
    let plan = bench.commands.compactMap {
      if case .update(_, 1, let plan) = $0 { plan.streams.first } else { nil }
    }.last
    #expect(plan?.remote?.port == 40_444)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3311 §5.2: 491 while an offer has no reliable answer, 504 where UPDATE is not allowed")
  func offersThatMustWait() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench)
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    carrier.send(in: try #require(carrier.dialog), update(body(2, "sendonly")))
    bench.run(for: .seconds(1))
    #expect(phone.statuses(.update) == [491] && carrier.statuses(.update) == [491])
    #expect(phone.received(.update).isEmpty && carrier.received(.update).isEmpty)
    try talkAndEnd(bench, phone, carrier, invite)
    let other = try Bench()
    let (simple, plain, _) = try ringing(other, reliably: true, allow: "INVITE, ACK, BYE, PRACK")
    simple.send(in: try #require(simple.early), update(body(2, "sendonly")))
    other.run(for: .seconds(1))
    #expect(simple.statuses(.update) == [504] && plain.received(.update).isEmpty)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "RFC 6337 §2.2: a caller without 100rel cannot be asked before the answer: 504, and not 491")
  func callerWithoutReliability() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true, callerIsReliable: false)
    let dialog = try #require(carrier.dialog)
    carrier.send(in: dialog, update(body(2, "sendonly")))
    bench.run(for: .seconds(1))
    #expect(carrier.statuses(.update) == [504] && phone.received(.update).isEmpty)
    // Its own offer crosses none of ours: RFC 3311 §5.2 asks for 500 with Retry-After.
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    bench.run(for: .seconds(1))
    #expect(phone.statuses(.update) == [500])
    #expect(phone.responses.last?.text(.retryAfter) != nil)
    try talkAndEnd(bench, phone, carrier, invite, body: nil)
  }

  @Test("A new offer that waits when the carrier fails is refused, and the call goes its way")
  func failsMeanwhile() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true)
    carrier.mute = true
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    bench.run(for: .milliseconds(100))
    carrier.mute = false
    carrier.answer(invite, 486)
    bench.run(for: .milliseconds(300))
    #expect(phone.statuses(.update) == [491] && phone.statuses() == [183, 486])
    bench.run(for: .seconds(60))
    #expect(bench.core.calls.isEmpty && bench.core.owners.dialogs.isEmpty)
    #expect(bench.loadAtRest().isAtRest)
  }

  private static let video = "m=video 40002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
  private static let noVideo = "m=video 0 RTP/AVP 96\r\n"

  @Test(
    "What was agreed on before the answer is what the next trunk is offered",
    arguments: [true, false])
  func failsOver(byPhone: Bool) throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true)
    let spare = UserAgent(bench, user: "", address: "192.0.2.51:5060", domain: "spare.example")
    let (asks, says) = byPhone ? (phone, carrier) : (carrier, phone)
    let answer = byPhone ? Self.video : Self.noVideo
    says.updateAnswer = body(2) + answer
    asks.send(
      in: try #require(byPhone ? phone.early : carrier.dialog), update(body(2) + Self.video))
    bench.run(for: .seconds(1))
    #expect(asks.statuses(.update) == [200])
    carrier.answer(invite, 503)
    bench.run(for: .seconds(1))
    let next = try #require(spare.open.first)
    let offer = try SessionDescription(parsing: next.message.bodyBytes)
    #expect(offer.media.map(\.isRejected) == [false, !byPhone])
    spare.answer(next.server, 200, body: body(1) + answer)
    bench.run(for: .seconds(1))
    #expect(phone.statuses() == [183, 200])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "A new offer holds for its fork alone: the answer of another one is taken",
    arguments: [true, false])
  func anotherForkAnswers(isAgreed: Bool) throws {
    let bench = try Bench()
    let (phone, carrier, _) = try ringing(bench, reliably: true)
    carrier.updateAnswer = body(2, "recvonly")
    carrier.mute = !isAgreed
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    bench.run(for: .milliseconds(300))
    #expect(phone.statuses(.update) == (isAgreed ? [200] : []))
    try bench.answerFork(of: carrier, "200 OK", body: body(1).replacing("40000", with: "40777"))
    bench.run(for: .milliseconds(100))
    #expect(phone.statuses(.update) == [isAgreed ? 200 : 491])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    #expect(phone.responses.last { $0.cseq.method == .invite }?.body.isEmpty == false)
    let plan = bench.commands.compactMap {
      if case .update(_, 1, let plan) = $0 { plan.streams.first } else { nil }
    }.last
    #expect(plan?.remote?.port == 40_777)
    carrier.mute = false
    bench.run(for: .seconds(2))
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A new offer that is refused at once changes nothing of what the answer says")
  func unusableOffer() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true)
    let foreign = body(2).replacing("audio 40000 RTP/AVP 8 0 101", with: "message 9 TCP/MSRP *")
    phone.send(in: try #require(phone.early), update(foreign))
    bench.run(for: .seconds(1))
    #expect(phone.statuses(.update) == [488] && carrier.received(.update).isEmpty)
    try talkAndEnd(bench, phone, carrier, invite, body: body(1))
    #expect(phone.responses.last { $0.cseq.method == .invite }?.body.isEmpty == false)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "RFC 3261 §12.2.1.2: 481 and 408 would end the phone's own dialog, which rings: it is told 500",
    arguments: [481, 408] as [StatusCode])
  func dialogIsGone(status: StatusCode) throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench, reliably: true)
    carrier.refusals = [.update: status, .info: status]
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    phone.send(in: try #require(phone.early), Self.digit)
    bench.run(for: .seconds(1))
    #expect(phone.statuses(.update) == [500] && phone.statuses(.info) == [500])
    carrier.refusals = [:]
    try talkAndEnd(bench, phone, carrier, invite)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A new offer to a phone that fell silent does not outlive it: who answers instead talks on")
  func forwardedMeanwhile() throws {
    var town = Town()
    town.office("102") { line in
      line.forwards.noAnswer = "103"
      line.forwards.noAnswerSeconds = 5
    }
    let bench = try Bench(town)
    let phones = ["101", "102", "103"].enumerated().map { index, number in
      UserAgent(bench, user: number, address: "198.51.100.7:\(5062 + 2 * index)")
    }
    for phone in phones { phone.register() }
    let (phone, silent, colleague) = (phones[0], phones[1], phones[2])
    phone.pracks = true
    phone.call(
      "102", headers: [HeaderDraft(.supported, "100rel"), HeaderDraft(.allow, phone.allow)])
    bench.run(for: .seconds(1))
    silent.answer(try #require(silent.open.first?.server), 183, body: body(1), reliably: true)
    bench.run(for: .seconds(1))
    bench.deaf.insert(silent.endpoint)
    phone.send(in: try #require(phone.early), update(body(2, "sendonly")))
    colleague.manner = .answers(after: .seconds(1))
    bench.run(for: .seconds(10))
    #expect(phone.statuses(.update) == [491])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    phone.send(
      in: try #require(phone.dialog),
      RequestDraft(.invite, body: .sdp(Array(body(3, "sendonly").utf8))))
    bench.run(for: .seconds(60))
    #expect(phone.statuses().last == 200 && phone.received(.bye).isEmpty)
    phone.hangUp()
    bench.run(for: .seconds(60))
    #expect(bench.records.map(\.cause) == [.normal] && bench.core.load.isAtRest)
  }

  @Test("RFC 3261 §15: BYE of the called side in its early dialog is 481 and ends nothing")
  func earlyBye() throws {
    let bench = try Bench()
    let (phone, carrier, invite) = try ringing(bench)
    carrier.hangUp()
    bench.run(for: .seconds(1))
    #expect(carrier.statuses(.bye) == [481] && bench.core.calls.count == 1)
    #expect(phone.statuses() == [183])
    carrier.answer(invite, 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    #expect(phone.statuses() == [183, 200])
    #expect(bench.loadAtRest().isAtRest)
  }
}
