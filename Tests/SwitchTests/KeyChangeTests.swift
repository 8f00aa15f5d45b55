import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import SRTP
import Testing

@testable import Switch

/// What the relay is told of keys while an offer in the running call waits for its answer, and after it.
@Suite struct KeyChangeTests {
  private static let keys = [
    "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
    "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR",
  ]

  private func crypto(_ key: Int, tag: Int = 1) -> String {
    "a=crypto:\(tag) AES_CM_128_HMAC_SHA1_80 inline:\(Self.keys[key])\r\n"
  }

  private func audio(_ version: Int, key: Int, tag: Int = 1) -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN").replacing("RTP/AVP", with: "RTP/SAVP")
      + crypto(key, tag: tag)
  }

  private func video(key: Int, tag: Int = 1) -> String {
    "m=video 40002 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\n" + crypto(key, tag: tag)
  }

  private func material(_ key: Int) throws -> MasterKey {
    // CR and LF are one character.
    let text = String(crypto(key).dropFirst("a=crypto:".count).dropLast())
    return try #require(KeyingAttribute(parsing: Array(text.utf8))).key
  }

  /// A phone with SRTP has called one without.
  private func talking() throws -> (bench: Bench, caller: UserAgent, callee: UserAgent) {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhones()
    callee.manner = .answers(after: .seconds(1))
    caller.call("102", body: .some(audio(1, key: 0)))
    bench.run(for: .seconds(3))
    callee.manner = .waits
    return (bench, caller, callee)
  }

  /// A leg with two pairs of ports that is offered SRTP.
  private static func offering() -> LegMedia {
    var media = LegMedia()
    let local = Bench.switchEndpoint.address
    (media.address, media.securesOffers) = (local, true)
    media.ports = LegPorts(
      leg: 1, local: local,
      streams: [10_000, 10_002].map { LegPorts.Pair(rtp: $0, rtcp: $0 + 1) })
    return media
  }

  private func described(_ text: String) throws -> SessionDescription {
    try SessionDescription(parsing: Array(text.utf8))
  }

  /// What the relay was told of a leg behind the first `count` commands.
  private func plans(_ leg: Int, _ bench: Bench, after count: Int = 0) -> [LegPlan] {
    bench.commands.dropFirst(count).compactMap {
      if case .update(_, leg, let plan) = $0 { plan } else { nil }
    }
  }

  private func reinvite(_ phone: UserAgent, _ body: String?) throws {
    let draft = RequestDraft(.invite, body: body.map { .sdp(Array($0.utf8)) })
    phone.send(in: try #require(phone.dialog), draft)
    phone.bench.run(for: .seconds(1))
  }

  @Test(
    "A40: an offer with another key and a further stream changes nothing before its answer, nor refused",
    arguments: [491, 488, 500] as [StatusCode], [false, true])
  func refused(status: StatusCode, endsVoice: Bool) throws {
    let (bench, caller, callee) = try talking()
    let agreed = try [0, 1].map { try #require(plans($0, bench).last?.streams.first) }
    #expect(try agreed[0].receiveKey == material(0) && agreed[0].sendKey != nil)
    let count = bench.commands.count
    let voice = audio(2, key: 1).replacing(
      "m=audio 40000", with: endsVoice ? "m=audio 0" : "m=audio 40000")
    try reinvite(caller, voice + video(key: 2))
    #expect(callee.open.count == 1 && !plans(0, bench, after: count).isEmpty)
    callee.answer(try #require(callee.open.last?.server), status)
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == status.number)
    for leg in [0, 1] {
      for plan in plans(leg, bench, after: count) {
        #expect(plan.streams.first == agreed[leg])
        // Nobody has agreed on the further one: nothing passes, least of all in the clear.
        #expect(plan.streams.dropFirst().allSatisfy { !$0.legSends && !$0.legReceives })
      }
    }
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A40: so does an offer in a 2xx, until the ACK brings the answer")
  func lateOffer() throws {
    let (bench, caller, callee) = try talking()
    let agreed = try #require(plans(0, bench).last?.streams.first)
    let count = bench.commands.count
    callee.acknowledges = false
    try reinvite(callee, nil)
    caller.answer(
      try #require(caller.open.last?.server), 200, body: audio(2, key: 1) + video(key: 2))
    bench.run(for: .seconds(1))
    #expect(callee.lastStatus == 200 && !plans(0, bench, after: count).isEmpty)
    for plan in plans(0, bench, after: count) { #expect(plan.streams.first == agreed) }
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("Hold and resume with a new key each: theirs changes with the answer, ours stays")
  func holdWithNewKeys() throws {
    let (bench, caller, callee) = try talking()
    let ours = try #require(plans(0, bench).last?.streams.first?.sendKey)
    for (version, direction) in [(2, "sendonly"), (3, "sendrecv")] {
      let offer = audio(version, key: version - 1).replacing("sendrecv", with: direction)
      try reinvite(caller, offer)
      #expect(plans(0, bench).last?.streams.first?.receiveKey == (try material(version - 2)))
      let answer = Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN")
      callee.answer(
        try #require(callee.open.last?.server), 200,
        body: direction == "sendonly" ? answer.replacing("sendrecv", with: "recvonly") : answer)
      bench.run(for: .seconds(1))
      #expect(caller.lastStatus == 200)
      let stream = try #require(plans(0, bench).last?.streams.first)
      #expect(try stream.receiveKey == material(version - 1) && stream.sendKey == ours)
    }
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A stream that was ended and comes back with its old key gets a new one of ours")
  func endedAndBack() throws {
    let (bench, caller, callee) = try talking()
    let before = try #require(plans(0, bench).last?.streams.first)
    let ended = Bench.sdp.replacing("1 1 IN", with: "1 2 IN").replacing(
      "m=audio 40000", with: "m=audio 0")
    try reinvite(caller, audio(2, key: 0).replacing("m=audio 40000", with: "m=audio 0"))
    callee.answer(try #require(callee.open.last?.server), 200, body: ended)
    bench.run(for: .seconds(1))
    #expect(plans(0, bench).last?.streams == [.rejected])
    try reinvite(caller, audio(3, key: 0))
    callee.answer(
      try #require(callee.open.last?.server), 200,
      body: Bench.sdp.replacing("1 1 IN", with: "1 3 IN"))
    bench.run(for: .seconds(1))
    let after = try #require(plans(0, bench).last?.streams.first)
    #expect(after.receiveKey == before.receiveKey)
    #expect(after.sendKey != nil && after.sendKey != before.sendKey)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "A stream that an answer has rejected is offered with new keys, the others with those in use")
  func rejectedAndBack() throws {
    var (dice, media) = (Dice.seeded(SplitMix(seed: 1)), Self.offering())
    let offer = try described(audio(1, key: 0) + video(key: 0))
    #expect(media.makeOffer(from: offer, using: &dice) != nil)
    try media.takeAnswer(described(audio(1, key: 0, tag: 3) + video(key: 1, tag: 3)))
    let first = media.keys
    let kept = try #require(media.makeOffer(from: offer, using: &dice))
    #expect(media.keys == first.map { $0.using(tag: 3) })
    #expect(kept.media.map(\.crypto.count) == [1, 1])
    let ended = video(key: 1, tag: 3).replacing("m=video 40002", with: "m=video 0")
    try media.takeAnswer(described(audio(2, key: 0, tag: 3) + ended))
    let again = try #require(media.makeOffer(from: offer, using: &dice))
    #expect(media.keys[0] == first[0].using(tag: 3))
    #expect(again.media[1].crypto.count == 3 && media.keys[1].send == nil)
    let old = try #require(first[1].send)
    #expect(!media.keys[1].ours.contains { $0.key == old })
  }

  @Test("An answer that does not fit in one m= line changes no key of another")
  func unfitAnswer() throws {
    var (dice, media) = (Dice.seeded(SplitMix(seed: 1)), Self.offering())
    let offer = try described(audio(1, key: 0) + video(key: 0))
    #expect(media.makeOffer(from: offer, using: &dice) != nil)
    // The third suite of ours is theirs.
    try media.takeAnswer(described(audio(1, key: 0, tag: 3) + video(key: 1, tag: 3)))
    let keys = media.keys
    #expect(try keys.map(\.receive) == [material(0), material(1)])
    let unfit = try described(audio(2, key: 2, tag: 3) + video(key: 2, tag: 9))
    #expect(throws: SDPError.self) { try media.takeAnswer(unfit) }
    #expect(media.keys == keys)
  }
}

extension StreamKeys {
  /// The same, offered again with the one suite that was agreed on.
  fileprivate func using(tag: Int) -> StreamKeys {
    var keys = self
    keys.ours = ours.filter { $0.tag == tag }
    return keys
  }
}
