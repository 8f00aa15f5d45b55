import Directory
import Elements
import Relay
import SDP
import SRTP

// The descriptions that a leg gets from us: the other leg's words with our addresses, ports and keys.

extension LegMedia {
  /// As many m= lines as the relay takes.
  private static let maximumStreams = RelayConfiguration().maximumStreams

  /// The suites that we offer, strongest first.
  private static let offeredProfiles: [ProtectionProfile] = [
    .aeadAES256GCM, .aes256CMSHA1Tag80, .aes128CMSHA1Tag80,
  ]

  /// Rewrites what the other side said into an offer for this leg; nil without ports, or where it may use none of the codecs.
  mutating func makeOffer(
    from source: SessionDescription, using dice: inout Dice
  ) -> SessionDescription? {
    guard let ports, let address else { return nil }
    var body = source
    guard body.keepCodecs(rules.codecs) else { return nil }
    if securesOffers { makeKeys(for: source, using: &dice) }
    let local = source.media.indices.map { index -> LocalMedia? in
      let line = source.media[index]
      guard line.relayKind != nil, index < ports.streams.count, let pair = ports.streams[index]
      else { return nil }
      let mux = said.map { index < $0.media.count && $0.media[index].wantsRTCPMux } ?? false
      return LocalMedia(
        address: address, rtp: pair.rtp, rtcp: mux ? pair.rtp : pair.rtcp, rtcpMux: mux,
        profile: line.profile.secured(securesOffers && line.profile.isRTP),
        crypto: securesOffers && line.profile.isRTP ? keys[index].ours.map(\.serialized) : [],
        direction: source.direction(of: index))
    }
    origin.rewrite(&body, address: address, local: local)
    wasOffered = true
    return body
  }

  /// The answer to a party that offers what it has said already.
  ///
  /// `source`, the other side's last words, may be an offer that it has answered: then they say more than an answer may
  /// (RFC 3264 §6).
  mutating func answerAgain(from source: SessionDescription?) -> SessionDescription? {
    guard wasOffered, var source, let said, said.media.count == source.media.count else {
      return sent
    }
    for index in source.media.indices where !said.media[index].isRejected {
      let direction = said.direction(of: index).answer(wishing: source.direction(of: index))
      if direction != source.direction(of: index) { source.media[index].setDirection(direction) }
      let offered = said.media[index].payloadTypes
      let wanted = source.media[index].payloadTypes.filter(offered.contains)
      source.media[index].keepFormats(wanted)
    }
    return makeAnswer(from: source) ?? sent
  }

  /// Rewrites the other side's answer into the answer to what this leg offered.
  mutating func makeAnswer(from source: SessionDescription) -> SessionDescription? {
    guard let ports, let address, let said, said.media.count == source.media.count else {
      return nil
    }
    var body = source
    let local = source.media.indices.map { index -> LocalMedia? in
      let offered = said.media[index]
      guard source.media[index].port != 0, offered.relayKind != nil, index < ports.streams.count,
        let pair = ports.streams[index]
      else { return nil }
      var crypto: [[UInt8]] = []
      // Of the suites that we have offered once, the one in force (RFC 4568 §5.1.2).
      if index < keys.count, let send = keys[index].send {
        crypto = keys[index].ours.filter { $0.key == send }.map(\.serialized)
      }
      return LocalMedia(
        address: address, rtp: pair.rtp, rtcp: offered.wantsRTCPMux ? pair.rtp : pair.rtcp,
        rtcpMux: offered.wantsRTCPMux, profile: offered.profile, crypto: crypto,
        direction: source.direction(of: index))
    }
    origin.rewrite(&body, address: address, local: local)
    wasOffered = false
    return body
  }

  /// An answer to what the party has offered that takes nothing of it; nil: it has said nothing.
  mutating func makeRefusal() -> SessionDescription? {
    guard let said, let address else { return nil }
    var body = said
    origin.rewrite(&body, address: address, local: said.media.map { _ in nil })
    return body
  }

  /// Whether there is something in an offer that this leg may be offered.
  func mayHear(_ offer: SessionDescription) -> Bool {
    offer.hasVoice(in: rules.codecs)
  }

  /// What of an offer of the party its rules allow; nil: a voice without codecs, or SRTP where it is off.
  func permitted(_ offer: SessionDescription) -> SessionDescription? {
    if rules.srtp == .off,
      offer.media.contains(where: { $0.relayKind != nil && $0.profile.isSecure })
    {
      return nil
    }
    var body = offer
    return body.keepCodecs(rules.codecs) ? body : nil
  }

  // MARK: - Keys

  /// Takes the party's offer: its key, and one of ours in the same suite.
  ///
  /// - Returns: False when a stream must be protected and cannot be, when there are too many, or when the rules allow none of it.
  mutating func takeOffer(_ offer: SessionDescription, using dice: inout Dice) -> Bool {
    guard offer.media.count <= Self.maximumStreams, let offer = permitted(offer) else {
      return false
    }
    let old = keys
    said = offer
    keys = Array(repeating: StreamKeys(), count: offer.media.count)
    let streams = offer.media.indices.filter {
      offer.media[$0].relayKind != nil && offer.media[$0].profile.isRTP
    }
    for index in streams {
      let line = offer.media[index]
      let wants =
        line.profile.isSecure
        || (signallingIsSecret && rules.srtp != .off && !line.crypto.isEmpty)
      guard wants else { continue }
      let offers = line.crypto.compactMap { KeyingAttribute(parsing: $0) }
      guard let chosen = offers.min(by: { $0.key.profile.rawValue < $1.key.profile.rawValue })
      else {
        if line.profile.isSecure { return false }
        continue
      }
      // The same key as before where the suite is the same: a refresh must not change anything.
      let kept = index < old.count ? old[index].send : nil
      let mine =
        kept?.profile == chosen.key.profile
        ? kept : MasterKey(random: chosen.key.profile, using: &dice)
      guard let mine else { return false }
      keys[index].ours = [KeyingAttribute(tag: chosen.tag, key: mine)]
      (keys[index].receive, keys[index].send) = (chosen.key, mine)
    }
    // A fax alone says nothing of how the voice is to be protected when it comes back.
    if !streams.isEmpty { securesOffers = streams.contains { offer.media[$0].profile.isSecure } }
    return true
  }

  /// Takes the party's answer to our offer.
  ///
  /// - Returns: The answer with every m= line of the offer; one that does not fit changes nothing.
  @discardableResult
  mutating func takeAnswer(
    _ answer: SessionDescription
  ) throws(SDPError) -> SessionDescription {
    guard let sent else { throw .answerMismatch("nothing was offered") }
    let answer = answer.completed(for: sent)
    try answer.checkAnswer(to: sent)
    var keys = keys
    for (index, line) in answer.media.enumerated() where !line.isRejected {
      let isOffered = sent.media[index].profile.isSecure
      guard line.profile.isSecure == isOffered else {
        throw .answerMismatch("m= line \(index + 1) has another profile")
      }
      guard index < keys.count else { continue }
      guard isOffered else {
        keys[index] = StreamKeys()
        continue
      }
      guard let theirs = line.crypto.compactMap({ KeyingAttribute(parsing: $0) }).first,
        let mine = keys[index].ours.first(where: {
          $0.tag == theirs.tag && $0.key.profile == theirs.key.profile
        })
      else { throw .answerMismatch("m= line \(index + 1) has no key for a suite we offered") }
      (keys[index].receive, keys[index].send) = (theirs.key, mine.key)
    }
    (said, self.keys) = (answer, keys)
    return answer
  }

  private mutating func makeKeys(for source: SessionDescription, using dice: inout Dice) {
    while keys.count < source.media.count { keys.append(StreamKeys()) }
    for index in source.media.indices {
      guard source.media[index].relayKind != nil, source.media[index].profile.isRTP else {
        keys[index] = StreamKeys()
        continue
      }
      // A stream that comes back gets new keys: who knows what the party remembers of the old ones.
      if let said, index < said.media.count, said.media[index].isRejected {
        keys[index] = StreamKeys()
      }
      if let send = keys[index].send,
        let current = keys[index].ours.first(where: { $0.key == send })
      {
        // In a running session the agreed suite is offered again, with the key in use.
        keys[index].ours = [current]
      } else if keys[index].ours.isEmpty {
        keys[index].ours = Self.offeredProfiles.enumerated().map { place, profile in
          KeyingAttribute(tag: place + 1, key: MasterKey(random: profile, using: &dice))
        }
      }
    }
  }
}

extension SessionDescription {
  /// Whether something of each voice is left where only these codecs may be used; empty: all of them.
  func hasVoice(in names: [String]) -> Bool {
    var body = self
    return body.keepCodecs(names)
  }

  /// A name of a codec to compare by: many phones call G.729 by the annexes that they take, which fmtp says (RFC 4856 §2.1.9).
  private static func plain(_ name: String) -> String {
    let plain = name.lowercased()
    return ["g729a", "g729b", "g729ab"].contains(plain) ? "g729" : plain
  }

  /// Keeps the codecs that a customer allows, in its order, with their telephone events and comfort noise.
  ///
  /// - Parameter names: Empty: all of them.
  /// - Returns: False where nothing is left of a voice.
  fileprivate mutating func keepCodecs(_ names: [String]) -> Bool {
    if names.isEmpty { return true }
    for index in media.indices where media[index].kind == .audio && media[index].profile.isRTP {
      let codecs = media[index].codecs
      var wanted: [UInt8] = []
      for name in names {
        for codec in codecs
        where Self.plain(codec.name) == Self.plain(name) && !wanted.contains(codec.payloadType) {
          wanted.append(codec.payloadType)
        }
      }
      guard !wanted.isEmpty else {
        if media[index].isRejected { continue }
        return false
      }
      let helpers = codecs.helpers(besides: wanted)
      let formats = wanted + helpers.map(\.payloadType)
      if formats != codecs.map(\.payloadType) { media[index].keepFormats(formats) }
    }
    return true
  }
}

extension [Codec] {
  /// Telephone events and comfort noise at the clock rates of those codecs, whose timestamps they share (RFC 4733 §2.1);
  /// all of them where none has such a rate.
  fileprivate func helpers(besides payloadTypes: [UInt8]) -> [Codec] {
    let rates = filter { payloadTypes.contains($0.payloadType) }.map(\.clockRate)
    let helpers = filter { $0.isTelephoneEvent || $0.name.uppercased() == "CN" }
    let matching = helpers.filter { rates.contains($0.clockRate) }
    return matching.isEmpty ? helpers : matching
  }
}
