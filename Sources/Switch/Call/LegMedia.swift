import Directory
import Elements
import RTP
import Relay
import SDP
import SRTP

/// What one leg said about its media, what we said to it, and where we receive for it.
struct LegMedia: Sendable {
  /// Our address on the path to the party.
  var address: IPAddress?
  /// Where its signalling came from; its media may come from there too.
  var signallingSource: IPAddress?
  /// A trunk's media gateway may be anywhere; a phone may not name strangers (A44).
  var trustsNamedAddress = false
  /// What the customer allows it, in its own offers as in those that it gets.
  var rules = MediaEntry()
  /// Whether our offers to it ask for SRTP.
  var securesOffers = false
  /// Whether its SAVP-less a=crypto counts: only where nobody could read the key on the way.
  var signallingIsSecret = false

  var ports: LegPorts?
  var origin = OriginKeeper(id: 0)
  /// The last description that it got was an offer, and no answer to one of its own.
  var wasOffered = false
  /// The last description of the party.
  var said: SessionDescription?
  /// Our keys by m= line and suite, made once and kept, so that a refresh changes nothing.
  var keys: [StreamKeys] = []
  /// The relay knows this leg.
  var isAttached = false
}

/// The keys of one m= line of one leg.
struct StreamKeys: Hashable, Sendable {
  /// Ours, one for each suite that we offer or answered with.
  var ours: [KeyingAttribute] = []
  /// What both agreed upon.
  var receive: MasterKey?
  var send: MasterKey?
}

extension LegMedia {
  /// The last description that the party got from us.
  var sent: SessionDescription? { origin.last }

  /// What was agreed on before holds again; ports stay, as does where the party is, and descriptions are numbered on.
  mutating func goBack(to before: LegMedia) {
    let (ports, signallingSource) = (ports, signallingSource)
    var origin = origin
    origin.goBack(to: before.sent)
    self = before
    (self.ports, self.signallingSource, self.origin) = (ports, signallingSource, origin)
  }

  /// What the party has been told is told again, with a number above that of all that was withdrawn since.
  mutating func restate() -> SessionDescription? {
    guard var body = sent, let address else { return nil }
    origin.stamp(&body, address: address)
    return body
  }

  /// Whether the relay has given ports for every stream of `description` that it can carry.
  ///
  /// An m= line of another kind never gets any: that line alone is rejected (RFC 3264 §6).
  func hasPorts(for description: SessionDescription) -> Bool {
    guard let ports else { return false }
    return description.media.indices.allSatisfy {
      description.media[$0].relayKind == nil
        || ($0 < ports.streams.count && ports.streams[$0] != nil)
    }
  }

  /// The plan of a leg that has not said anything yet: sockets for what it will be offered.
  func plan(toReceive offer: SessionDescription?) -> LegPlan? {
    plan(
      streams: offer?.media.map { line in line.relayKind.map { StreamPlan($0) } ?? .rejected } ?? []
    )
  }

  /// The plan of a leg that has spoken.
  ///
  /// It may send what we told it that we receive, and hears what it said that it wants.
  func plan() -> LegPlan? {
    guard let said else { return plan(toReceive: sent) }
    return plan(streams: said.media.indices.map { stream($0, of: said) })
  }

  private func plan(streams: [StreamPlan]) -> LegPlan? {
    guard let address else { return nil }
    return LegPlan(
      local: address, signallingSource: signallingSource, trustsNamedAddress: trustsNamedAddress,
      streams: streams)
  }

  private func stream(_ index: Int, of said: SessionDescription) -> StreamPlan {
    let line = said.media[index]
    guard let kind = line.relayKind else { return .rejected }
    var plan = StreamPlan(
      kind, remote: said.endpoint(of: index), remoteRTCP: said.rtcpEndpoint(of: index),
      rtcpMux: line.wantsRTCPMux)
    let theirs = said.direction(of: index)
    (plan.legSends, plan.legReceives) = (theirs.sends, theirs.receives)
    if let sent, index < sent.media.count {
      let answered = sent.media[index]
      if answered.isRejected { return .rejected }
      let mine = sent.direction(of: index)
      plan.legSends = plan.legSends && mine.receives
      plan.legReceives = plan.legReceives && mine.sends
      (plan.formats, plan.bandwidthKbps) = (answered.payloadFormats, answered.bandwidthKbps)
    } else {
      plan.formats = line.payloadFormats
    }
    if index < keys.count {
      (plan.receiveKey, plan.sendKey) = (keys[index].receive, keys[index].send)
    }
    return plan
  }

  /// Whether either side has the other on hold, so that silence says nothing.
  var isOnHold: Bool { said?.holds == true || sent?.holds == true }
}

extension MediaDescription {
  /// What the relay shall make of an m= line; nil: it cannot carry it.
  var relayKind: StreamPlan.Kind? {
    guard !isRejected else { return nil }
    switch profile {
    case .dtlsSAVP, .dtlsSAVPF: return nil
    case .other(let name):
      return String(decoding: name, as: UTF8.self).lowercased() == "udptl" ? .other : nil
    case .avp, .avpf, .savp, .savpf: break
    }
    switch kind {
    case .audio: return .audio
    case .video: return .video
    case .image, .text, .application, .message, .other: return .other
    }
  }

  /// "t38" of a fax, whose format is no payload type (T.38 §D.2.1).
  fileprivate var faxName: String? {
    guard !profile.isRTP, relayKind != nil else { return nil }
    return firstFormat?.lowercased()
  }

  /// Its payload types as the relay reads them.
  fileprivate var payloadFormats: [PayloadFormat] {
    encodings.map {
      PayloadFormat(number: $0.payloadType, encodingName: $0.name, clockRate: $0.clockRate)
    }
  }
}

extension SessionDescription {
  /// Whether anything of it can be carried.
  var isUsable: Bool { media.contains { $0.relayKind != nil } }

  /// Whether it has RTP that anybody on the way can hear; for a fax over UDPTL there is no SRTP.
  var isInTheClear: Bool {
    media.contains { $0.relayKind != nil && $0.profile.isRTP && !$0.profile.isSecure }
  }

  /// Where the writer wants the first stream that it names an address for.
  var firstAddress: IPAddress? {
    media.indices.lazy.compactMap { endpoint(of: $0)?.address }.first
  }

  /// Whether it ends every stream that there was (RFC 3264 §8.2).
  var endsAllMedia: Bool { !media.isEmpty && media.allSatisfy(\.isRejected) }

  /// The names of the codecs that are in force when this is the answer: the first of each stream.
  var codecNames: [String] {
    var names: [String] = []
    for index in media.indices where media[index].port != 0 {
      if let name = media[index].firstCodecName ?? media[index].faxName { names.append(name) }
    }
    return names
  }
}
