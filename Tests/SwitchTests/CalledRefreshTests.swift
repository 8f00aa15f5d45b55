import Directory
import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What a called side is answered that offers once more what it has said.
@Suite struct CalledRefreshTests {
  private static let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

  /// Voice with these formats and another line.
  private func body(
    _ formats: String, _ direction: String = "sendrecv", crypto: Int? = nil, video: UInt16
  ) -> String {
    let profile = crypto == nil ? "RTP/AVP" : "RTP/SAVP"
    let line = crypto.map {
      "a=crypto:\($0) AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)\r\n"
    }
    return Bench.sdp.replacing("RTP/AVP 8 0 101", with: "\(profile) \(formats)")
      .replacing("sendrecv", with: direction) + (line ?? "")
      + "m=video \(video) \(profile) 96\r\na=rtpmap:96 H264/90000\r\n"
  }

  /// A call that has been answered by `answer`.
  private func talking(
    _ bench: Bench, _ answer: String
  ) throws -> (callee: UserAgent, offer: SessionDescription) {
    let (caller, callee) = bench.twoPhones()
    caller.call("102", body: .some(body("8 0 101", video: 40_002)))
    bench.run(for: .seconds(1))
    let invite = try #require(callee.open.first)
    callee.answer(invite.server, 200, body: answer)
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    return (callee, try SessionDescription(parsing: invite.message.bodyBytes))
  }

  /// What it is answered when it says that once more.
  private func refresh(_ callee: UserAgent, _ text: String) throws -> SessionDescription {
    callee.send(
      in: try #require(callee.dialog), RequestDraft(.invite, body: .sdp(Array(text.utf8))))
    callee.bench.run(for: .seconds(1))
    let response = try #require(callee.responses.last)
    #expect(response.status == 200)
    return try SessionDescription(parsing: response.bodyBytes)
  }

  /// What the relay was told last of the voice of the called side.
  private func plan(_ bench: Bench) -> StreamPlan? {
    bench.commands.compactMap {
      if case .update(_, 1, let plan) = $0 { plan.streams.first } else { nil }
    }.last
  }

  @Test("RFC 4568 §5.1.2, RFC 3264 §6: one key with the offered tag, and no line that was refused")
  func keys() throws {
    var town = Town()
    var secure = MediaEntry()
    secure.srtp = .required
    town.office("102") { $0.media = secure }
    let bench = try Bench(town)
    let said = body("8 0 101", crypto: 3, video: 0)
    let (callee, offer) = try talking(bench, said)
    let agreed = try #require(plan(bench))
    #expect(offer.media[0].crypto.count == 3 && offer.media[1].port != 0)
    let answer = try refresh(callee, said)
    #expect(answer.media[0].crypto == [offer.media[0].crypto[2]])
    #expect(answer.media[1].isRejected)
    #expect(try refresh(callee, said) == answer, "RFC 3264 §8: the same again has the same version")
    let now = try #require(plan(bench))
    #expect(now.sendKey == agreed.sendKey && now.receiveKey == agreed.receiveKey)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("RFC 3264 §6.1: the direction answers the one that is offered, and no codec is new")
  func directions() throws {
    let bench = try Bench()
    let said = body("8 101", "recvonly", video: 0)
    let (callee, _) = try talking(bench, said)
    let answer = try refresh(callee, said)
    #expect(answer.direction(of: 0) == .sendOnly)
    #expect(answer.media[0].payloadTypes == [8, 101])
    let voice = try #require(plan(bench))
    #expect(!voice.legSends && voice.legReceives)
    #expect(bench.loadAtRest().isAtRest)
  }
}
