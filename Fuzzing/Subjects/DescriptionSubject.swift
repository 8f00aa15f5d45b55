import Elements
import SDP
import SRTP

/// A session description: read, rewritten for the other leg, answered.
struct DescriptionSubject: Subject {
  static let name = "description"
  static let mostBytes = SDPLimits.bytes + 1

  private let ours: IPAddress
  private let key = Array(
    "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz".utf8)

  init() throws {
    ours = IPAddress("192.0.2.77") ?? .v6Loopback
  }

  func work(_ input: [UInt8]) -> SessionDescription? {
    try? SessionDescription(parsing: input)
  }

  func check(_ outcome: SessionDescription?, of input: [UInt8]) {
    guard let description = outcome else { return }
    interrogate(description)
    let text = description.serialized()
    // Bare line feeds become CRLF, which may be beyond the limit.
    guard text.count <= SDPLimits.bytes else { return }
    let again = read(text)
    require(again.serialized() == text, "written again it is the same")
    require(again.media.count == description.media.count, "as many m= lines")
    checkRewritten(description, seed: fingerprint(of: input))
    checkAnswers(description)
  }

  private func read(_ text: [UInt8]) -> SessionDescription {
    require("what we write can be read: \(String(decoding: text.prefix(300), as: UTF8.self))") {
      try SessionDescription(parsing: text)
    }
  }

  private func checkRewritten(_ original: SessionDescription, seed: UInt64) {
    var dice = SplitMix(seed: seed)
    let local = original.media.map { media -> LocalMedia? in
      guard dice.next() % 4 != 0 else { return nil }
      let port = UInt16.random(in: 5_000...20_000, using: &dice) * 2
      let isMuxed = dice.next() % 3 == 0
      return LocalMedia(
        address: ours, rtp: port, rtcp: isMuxed ? port : port + 1, rtcpMux: isMuxed,
        profile: media.profile.secured(dice.next() % 2 == 0),
        crypto: dice.next() % 2 == 0 ? [key] : [],
        direction: dice.next() % 2 == 0 ? .sendOnly : nil)
    }
    var description = original
    var keeper = OriginKeeper(id: seed)
    keeper.rewrite(&description, address: ours, local: local)
    let text = description.serialized()
    guard text.count <= SDPLimits.bytes else { return }
    let passed = read(text)
    require(passed.media.count == original.media.count, "as many m= lines as before")
    for (index, place) in local.enumerated() {
      let media = passed.media[index]
      require(media.kind == original.media[index].kind, "the same media")
      guard let place else {
        require(media.isRejected && media.crypto.isEmpty, "what we do not take is rejected")
        continue
      }
      require(passed.endpoint(of: index) == Endpoint(ours, place.rtp), "media comes to us")
      let control = passed.rtcpEndpoint(of: index)
      require(control == nil || control == Endpoint(ours, place.rtcp), "reports come to us")
      require(media.crypto == place.crypto, "keys are ours")
      require(media.wantsRTCPMux == place.rtcpMux, "ports are shared as we want it")
      require(!passed.hasFingerprint(index), "no certificate of the writer")
      for name: StaticString in ["candidate", "ice-ufrag", "setup", "source-filter"] {
        require(media.attributes(name).isEmpty, "nothing of the writer's transport: \(name)")
      }
      if let direction = place.direction {
        require(media.direction == direction, "the direction is the one that we want")
      }
    }
    let last = keeper.last
    var same = original
    keeper.rewrite(&same, address: ours, local: local)
    require(same == last, "the version stays when nothing changes")
  }

  private func checkAnswers(_ offer: SessionDescription) {
    var answer = offer
    answer.media.removeLast(answer.media.count / 2)
    let whole = answer.completed(for: offer)
    require("an answer with all m= lines fits its offer") { try whole.checkAnswer(to: offer) }
    require(read(whole.serialized()).media.count == offer.media.count, "and is read so")
    for direction in Direction.allCases {
      var held = offer
      held.setDirection(direction)
      for index in held.media.indices where !held.media[index].isRejected {
        require(held.media[index].direction == direction, "all m= lines are \(direction)")
      }
    }
    for media in offer.media {
      var kept = media
      let types = media.payloadTypes
      kept.keepFormats(types.reversed())
      require(kept.payloadTypes == types.reversed() || types.isEmpty, "the order that we want")
      kept.keepFormats(Array(types.prefix(1)))
      require(kept.payloadTypes.allSatisfy { $0 == types.first }, "one format is left")
    }
  }

  private func interrogate(_ description: SessionDescription) {
    _ = (description.connection, description.originVersion, description.holds)
    for (index, media) in description.media.enumerated() {
      _ = (description.endpoint(of: index), description.rtcpEndpoint(of: index))
      _ = (description.direction(of: index), media.firstFormat, media.firstCodecName)
      _ = (media.packetTimeMs, media.bandwidthKbps, media.telephoneEvent, media.connection)
      for (codec, encoding) in zip(media.codecs, media.encodings) {
        require(codec.name == encoding.name, "a codec has one name")
      }
      for text in media.crypto {
        guard let attribute = KeyingAttribute(parsing: text) else { continue }
        let again = KeyingAttribute(parsing: attribute.serialized)
        require(again == attribute, "a key can be read again")
      }
    }
  }
}
