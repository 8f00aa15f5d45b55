import Directory
import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Lines of an offer that the relay cannot carry, and lines that change what they carry.
@Suite struct MediaLineTests {
  static let foreign = [
    "application 42050 UDP/BFCP *", "application 42050 TCP/BFCP *", "message 42040 TCP/MSRP *",
    "application 9 UDP/DTLS/SCTP webrtc-datachannel", "data 42040 udp wb", "image 42030 tcp t38",
    "video 42010 UDP/TLS/RTP/SAVPF 97",
  ]

  private func line(_ text: String) -> String { "m=\(text)\r\n" }

  /// The same line as the other side would refuse it.
  private func refused(_ text: String) -> String {
    let words = text.split(separator: " ")
    return line("\(words[0]) 0 \(words[2...].joined(separator: " "))")
  }

  private func body(_ version: Int, _ extra: String = "") -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN") + extra
  }

  private func fax(_ version: Int) -> String {
    let head = Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN").components(before: "m=audio")
    return head + "m=image 40000 udptl t38\r\na=T38FaxVersion:0\r\n"
  }

  /// What the relay was last told about a leg.
  private func plan(_ leg: Int, _ bench: Bench) -> LegPlan? {
    bench.commands.compactMap { if case .update(_, leg, let plan) = $0 { plan } else { nil } }.last
  }

  private func described(_ message: Message?) throws -> SessionDescription {
    try SessionDescription(parsing: try #require(message).bodyBytes)
  }

  @Test(
    "RFC 3264 §6: a line that nobody can carry is rejected alone, the call goes on",
    arguments: foreign)
  func initialOffer(_ text: String) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    caller.call("102", body: .some(body(1, line(text))))
    bench.run(for: .seconds(1))
    let invite = try #require(callee.open.first)
    let offer = try described(invite.message)
    #expect(offer.media.map(\.isRejected) == [false, true])
    #expect(offer.media[0].port != 40_000)
    callee.answer(invite.server, 200, body: body(1, refused(text)))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    let answer = try described(caller.responses.last)
    #expect(answer.media.map(\.isRejected) == [false, true])
    #expect(answer.media[1].kind == offer.media[1].kind)
    #expect(plan(0, bench)?.streams.map(\.kind) == [.audio, .rejected])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
  }

  @Test(
    "RFC 3264 §6: so is one that a re-INVITE adds, or that comes rejected",
    arguments: foreign + ["video 0 RTP/AVP 96"])
  func addedByReinvite(_ text: String) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, line(text)).utf8))))
    bench.run(for: .seconds(1))
    let reinvite = try #require(callee.open.first)
    #expect(try described(reinvite.message).media.map(\.isRejected) == [false, true])
    callee.answer(reinvite.server, 200, body: body(2, refused(text)))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    #expect(try described(caller.responses.last).media.map(\.isRejected) == [false, true])
    #expect(bench.core.calls.values.first?.value.exchange == nil)
  }

  @Test("RFC 3264 §6: so is one of a late offer, in the 200 and in the ACK", arguments: foreign)
  func lateOffer(_ text: String) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    caller.lateAnswer = body(1, refused(text))
    caller.call("102", body: .some(nil))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: body(1, line(text)))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    #expect(try described(caller.responses.last).media.map(\.isRejected) == [false, true])
    #expect(
      try described(callee.acknowledgements.last).media.map(\.isRejected) == [false, true])
    #expect(plan(1, bench)?.streams.map(\.kind) == [.audio, .rejected])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
  }

  @Test("An offer of nothing that can be carried is 488, in the INVITE and within the call")
  func nothingToCarry() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let dialog = try #require(caller.dialog)
    let foreign = Bench.sdp.components(before: "m=audio") + line(Self.foreign[0])
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(foreign.utf8))))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 488 && callee.open.isEmpty)
    #expect(bench.core.calls.count == 1)
  }

  @Test("More m= lines than the relay carries are 488, in the INVITE and within the call")
  func tooManyLines() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let many = String(repeating: line("video 40002 RTP/AVP 96"), count: 16)
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, many).utf8))))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 488 && callee.open.isEmpty)
    let further = UserAgent(bench, user: "103", address: "198.51.100.9:5066")
    further.register()
    further.call("102", body: .some(body(1, many)))
    bench.run(for: .seconds(1))
    #expect(further.lastStatus == 488)
    #expect(bench.core.calls.count == 1)
  }

  @Test("RFC 3264 §8.2: a re-INVITE may end every stream, and a further one brings the voice back")
  func allStreamsEnded() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let dialog = try #require(caller.dialog)
    let ended = body(2).replacing("m=audio 40000", with: "m=audio 0")
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(ended.utf8))))
    bench.run(for: .seconds(1))
    let reinvite = try #require(callee.open.first)
    #expect(try described(reinvite.message).media.map(\.isRejected) == [true])
    callee.answer(reinvite.server, 200, body: ended)
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    #expect(try described(caller.responses.last).media.map(\.isRejected) == [true])
    #expect(plan(0, bench)?.streams.map(\.kind) == [.rejected])
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(3).utf8))))
    bench.run(for: .seconds(1))
    let again = try #require(callee.open.first)
    #expect(try described(again.message).media.map(\.isRejected) == [false])
    callee.answer(again.server, 200, body: body(3))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    #expect(plan(0, bench)?.streams.map(\.kind) == [.audio])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
  }

  @Test(
    "RFC 3264 §6: lines that an answer leaves out at its end are rejected",
    arguments: [false, true])
  func fewerLines(late: Bool) throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    let video = line("video 40002 RTP/AVP 96") + line("video 40004 RTP/AVP 97")
    caller.lateAnswer = late ? body(1) : nil
    caller.call("102", body: .some(late ? nil : body(1, video)))
    bench.run(for: .seconds(1))
    callee.answer(
      try #require(callee.open.first?.server), 200, body: late ? body(1, video) : body(1))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    let heard = late ? callee.acknowledgements.last : caller.responses.last
    #expect(try described(heard).media.map(\.isRejected) == [false, true, true])
    #expect(plan(1, bench)?.streams.map(\.kind) == [.audio, .rejected, .rejected])
    #expect(plan(0, bench)?.streams.map(\.kind) == [.audio, .rejected, .rejected])
    #expect(bench.core.calls.values.first?.value.phase == .talking)
  }

  @Test("RFC 3264 §6: so they are in the answer to a re-INVITE")
  func fewerLinesInReinvite() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let dialog = try #require(caller.dialog)
    let video = line("video 40002 RTP/AVP 96")
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(body(2, video).utf8))))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: body(2))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    #expect(try described(caller.responses.last).media.map(\.isRejected) == [false, true])
  }

  @Test(
    "A phone that signals by IPv4 and offers IPv6 media gets an address of that family, where one is known",
    arguments: [false, true])
  func offeredFamily(isKnown: Bool) throws {
    let mine = try #require(IPAddress("2001:db8::1"))
    let bench = try Bench { if isKnown { $0.mediaAddresses = [.v6Loopback, mine] } }
    let (caller, callee) = bench.twoPhones()
    callee.manner = .answers(after: .seconds(1))
    let offer = Bench.sdp.replacing("IP4 198.51.100.7", with: "IP6 2001:db8::7")
    caller.call("102", body: .some(offer))
    bench.run(for: .seconds(3))
    let answer = try described(caller.responses.last)
    let address = try #require(answer.endpoint(of: 0)?.address)
    #expect(address == (isKnown ? mine : Bench.switchEndpoint.address))
    let named = IPAddress("2001:db8::7")
    #expect(plan(0, bench)?.streams.first?.remote?.address == named)
    #expect(plan(1, bench)?.local == Bench.switchEndpoint.address)
  }

  @Test("Media from an address that nothing names is told once a call")
  func unnamedMedia() throws {
    let bench = try Bench()
    _ = bench.twoPhonesTalking()
    let session = try #require(bench.core.calls.values.first?.value.media.session)
    let heard = LegQuality(leg: 0, streams: [StreamQuality(kind: .audio)])
    var unheard = LegQuality(leg: 1, streams: [StreamQuality(kind: .audio)])
    unheard.streams[0].strangers = 500
    bench.publications.removeAll()
    bench.happen(.relay(.closed(session, [heard, unheard])))
    let lines = bench.publications.compactMap {
      if case .log(let line) = $0, line.level == .warning { line } else { nil }
    }
    #expect(lines.count == 1 && lines.first?.event.contains("neither SDP nor signalling") == true)
    #expect(lines.first?.facts.map(\.value) == ["1", "500"])
  }

  @Test("Where media must be protected, a line that is rejected anyway needs no key")
  func requiredProtection() throws {
    var town = Town()
    var secure = MediaEntry()
    secure.srtp = .required
    town.office("101") { $0.media = secure }
    let bench = try Bench(town)
    let (caller, callee) = bench.twoPhones()
    let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    let secured =
      Bench.sdp.replacing("RTP/AVP", with: "RTP/SAVP")
      + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)\r\n"
    caller.call("102", body: .some(secured + line(Self.foreign[0])))
    bench.run(for: .seconds(1))
    #expect(callee.open.count == 1)
  }

  private static let key =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"

  /// A protected description; an answer names the tag of the suite that was offered (RFC 4568 §5.1.2).
  private func secured(_ version: Int, tag: Int = 1) -> String {
    body(version).replacing("RTP/AVP", with: "RTP/SAVP")
      + Self.key.replacing("crypto:1", with: "crypto:\(tag)")
  }

  /// A town where the media of one extension must be protected.
  private func guarded(_ number: String) -> Town {
    var town = Town()
    var secure = MediaEntry()
    secure.srtp = .required
    town.office(number) { $0.media = secure }
    return town
  }

  @Test(
    "Where media must be protected, RTP in the clear is no new offer either",
    arguments: ["101", "102"])
  func requiredInCall(_ number: String) throws {
    let bench = try Bench(guarded(number))
    let (caller, callee) = bench.twoPhones()
    caller.call("102", body: .some(number == "101" ? secured(1) : body(1)))
    bench.run(for: .seconds(1))
    let invite = try #require(callee.open.first)
    callee.answer(invite.server, 200, body: number == "102" ? secured(1, tag: 3) : body(1))
    bench.run(for: .seconds(1))
    #expect(bench.core.calls.values.first?.value.phase == .talking)
    let (bound, free) = number == "101" ? (caller, callee) : (callee, caller)
    let plans = bench.commands.count
    for method in [Method.invite, .update] {
      let video = secured(2) + line("video 40010 RTP/AVP 97")
      for offer in [body(2), video] {
        bound.send(
          in: try #require(bound.dialog), RequestDraft(method, body: .sdp(Array(offer.utf8))))
        bench.run(for: .seconds(1))
        #expect(bound.lastStatus == 488)
        #expect(bound.responses.last?.text(.warning)?.contains("302") == true)
        #expect(free.received(.update).isEmpty && free.open.isEmpty)
      }
    }
    #expect(bench.commands.count == plans, "the media go on as they were")
    // Protected, or from the side that may speak in the clear, it passes.
    bound.send(
      in: try #require(bound.dialog), RequestDraft(.invite, body: .sdp(Array(secured(3).utf8))))
    bench.run(for: .seconds(1))
    #expect(free.open.count == 1)
  }

  @Test("Where media must be protected, a late offer in the clear is not taken")
  func requiredLate() throws {
    // The caller's INVITE without an offer is offered SRTP, over UDP as well.
    let bench = try Bench(guarded("101"))
    let (caller, callee) = bench.twoPhones()
    caller.call("102", body: .some(nil))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: body(1))
    bench.run(for: .seconds(1))
    let offer = try described(caller.responses.last)
    #expect(offer.media.map(\.profile) == [.savp] && offer.media[0].crypto.count > 0)
    // And what the called phone offers in its 200 must be protected where it is the one.
    let other = try Bench(guarded("102"))
    let (free, bound) = other.twoPhones()
    free.call("102", body: .some(nil))
    other.run(for: .seconds(1))
    bound.answer(try #require(bound.open.first?.server), 200, body: body(1))
    other.run(for: .seconds(1))
    #expect(free.statuses().last == 488 && other.requests("BYE", to: bound.endpoint).count == 1)
  }

  @Test("A re-INVITE that asks for an offer gets none in the clear from who must protect")
  func requiredLateInCall() throws {
    let bench = try Bench(guarded("102"))
    let (free, bound) = bench.twoPhones()
    free.call("102")
    bench.run(for: .seconds(1))
    bound.answer(try #require(bound.open.first?.server), 200, body: secured(1, tag: 3))
    bench.run(for: .seconds(1))
    free.send(in: try #require(free.dialog), RequestDraft(.invite))
    bench.run(for: .seconds(1))
    bound.answer(try #require(bound.open.last?.server), 200, body: body(2))
    bench.run(for: .seconds(1))
    #expect(free.lastStatus == 488)
    // It has left what was agreed on before: an answer that takes nothing, and BYE.
    #expect(try described(bound.acknowledgements.last).media.map(\.isRejected) == [true])
    #expect(bench.requests("BYE", to: bound.endpoint).count == 1 && bench.core.calls.isEmpty)
  }

  @Test("T.38 §D.2.1: the record of a fax names its codec")
  func faxInRecord() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    callee.send(
      in: try #require(callee.dialog), RequestDraft(.invite, body: .sdp(Array(fax(2).utf8))))
    bench.run(for: .seconds(1))
    caller.answer(try #require(caller.open.last?.server), 200, body: fax(2))
    bench.run(for: .seconds(1))
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.first?.legs.map(\.codecs) == [["t38"], ["t38"]])
  }

  @Test("T.38 §D.2.2: a fax takes the place of the voice in its m= line, and gives it back")
  func faxInPlaceOfVoice() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let dialog = try #require(callee.dialog)
    callee.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(fax(2).utf8))))
    bench.run(for: .seconds(1))
    let offer = try described(caller.received(.invite).last)
    #expect(offer.media.map(\.kind) == [.image] && offer.media[0].port != 40_000)
    caller.answer(try #require(caller.open.last?.server), 200, body: fax(2))
    bench.run(for: .seconds(1))
    #expect(callee.lastStatus == 200)
    for leg in [0, 1] {
      let stream = try #require(plan(leg, bench)?.streams.first)
      #expect(stream.kind == .other && stream.formats.isEmpty && stream.receiveKey == nil)
    }
    caller.send(
      in: try #require(caller.dialog), RequestDraft(.invite, body: .sdp(Array(body(3).utf8))))
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.last?.server), 200, body: body(3))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    for leg in [0, 1] { #expect(plan(leg, bench)?.streams.first?.kind == .audio) }
  }

  @Test("A protected voice that a fax replaced comes back protected, with new keys")
  func protectedVoiceComesBack() throws {
    var town = Town()
    var secure = MediaEntry()
    secure.srtp = .required
    town.office("101") { $0.media = secure }
    let bench = try Bench(town)
    let (caller, callee) = bench.twoPhones()
    callee.manner = .answers(after: .seconds(1))
    let key =
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
    let secured = Bench.sdp.replacing("RTP/AVP", with: "RTP/SAVP") + key
    caller.call("102", body: .some(secured))
    bench.run(for: .seconds(3))
    callee.manner = .waits
    let before = try #require(described(caller.responses.last).media[0].crypto.first?.last(40))
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(fax(2).utf8))))
    bench.run(for: .seconds(1))
    #expect(try described(callee.open.last?.message).media.map(\.kind) == [.image])
    callee.answer(try #require(callee.open.last?.server), 200, body: fax(2))
    bench.run(for: .seconds(1))
    let faxed = try #require(plan(0, bench)?.streams.first)
    #expect(faxed.kind == .other && faxed.receiveKey == nil && faxed.sendKey == nil)
    callee.send(
      in: try #require(callee.dialog), RequestDraft(.invite, body: .sdp(Array(body(3).utf8))))
    bench.run(for: .seconds(1))
    let offer = try described(caller.open.last?.message)
    #expect(offer.media[0].profile == .savp)
    let offered = offer.media[0].crypto.map { $0.last(40) }
    #expect(!offered.isEmpty && !offered.contains(before))
  }
}

extension String {
  /// What stands before the first `mark`.
  func components(before mark: String) -> String {
    range(of: mark).map { String(self[..<$0.lowerBound]) } ?? self
  }
}

extension [UInt8] {
  /// The key of an `a=crypto` of 128 bits stands at its end, in 40 letters.
  fileprivate func last(_ count: Int) -> [UInt8] { Array(suffix(count)) }
}
