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
  /// Whether our offers to it ask for SRTP.
  var securesOffers = false
  /// Whether its SAVP-less a=crypto counts: only where nobody could read the key on the way.
  var signallingIsSecret = false

  var ports: LegPorts?
  var origin = OriginKeeper(id: 0)
  /// The last description of the party.
  var said: SessionDescription?
  /// The last description that the party got from us, and whether it was our offer.
  var sent: SessionDescription?
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
  /// Whether the relay has given ports for every stream of `description` that is not rejected.
  func hasPorts(for description: SessionDescription) -> Bool {
    guard let ports, ports.streams.count >= description.media.count else { return false }
    return description.media.indices.allSatisfy {
      description.media[$0].isRejected || ports.streams[$0] != nil
    }
  }

  /// The plan of a leg that has not said anything yet: sockets for what it will be offered.
  func plan(toReceive offer: SessionDescription?) -> LegPlan? {
    plan(
      streams: offer?.media.indices.map { index in
        guard let kind = offer?.relayKind(of: index) else { return .rejected }
        return StreamPlan(kind)
      } ?? [])
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
    guard let kind = said.relayKind(of: index) else { return .rejected }
    let ours = sent.flatMap { index < $0.media.count ? $0 : nil }
    if let ours, ours.media[index].isRejected { return .rejected }
    let theirs = said.direction(of: index)
    let mine = ours?.direction(of: index) ?? .sendReceive
    let key = index < keys.count ? keys[index] : StreamKeys()
    return StreamPlan(
      kind, remote: said.endpoint(of: index), remoteRTCP: said.rtcpEndpoint(of: index),
      rtcpMux: said.media[index].wantsRTCPMux,
      formats: (ours ?? said).media[index].encodings.map {
        PayloadFormat(number: $0.payloadType, encodingName: $0.name, clockRate: $0.clockRate)
      },
      legSends: theirs.sends && mine.receives, legReceives: theirs.receives && mine.sends,
      receiveKey: key.receive, sendKey: key.send,
      bandwidthKbps: ours?.media[index].bandwidthKbps)
  }

  /// Whether either side has the other on hold, so that silence says nothing.
  var isOnHold: Bool { said?.holds == true || sent?.holds == true }
}

extension SessionDescription {
  /// What the relay shall make of an m= line; nil: it cannot carry it.
  func relayKind(of index: Int) -> StreamPlan.Kind? {
    let line = media[index]
    guard !line.isRejected else { return nil }
    switch line.profile {
    case .dtlsSAVP, .dtlsSAVPF: return nil
    case .other(let name):
      return String(decoding: name, as: UTF8.self).lowercased() == "udptl" ? .other : nil
    case .avp, .avpf, .savp, .savpf: break
    }
    switch line.kind {
    case .audio: return .audio
    case .video: return .video
    case .image, .text, .application, .message, .other: return .other
    }
  }

  /// Whether anything of it can be carried.
  var isUsable: Bool { media.indices.contains { relayKind(of: $0) != nil } }

  /// The names of the codecs that are in force when this is the answer: the first of each stream.
  var codecNames: [String] {
    var names: [String] = []
    for line in media where !line.isRejected {
      if let name = line.firstCodecName { names.append(name) }
    }
    return names
  }
}
