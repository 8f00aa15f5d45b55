package import Elements
package import RTP
package import SRTP

/// What a session starts with: its legs in order of their numbers (0 is the caller), and its bounds.
package struct MediaPlan: Hashable, Sendable {
  /// At most ``RelayConfiguration/maximumLegs``.
  package var legs: [LegPlan]
  /// The two legs that hear each other from the start; nil: nobody hears anybody yet.
  package var bridge: LegPair?
  /// Until when the session may carry media unless renewed; nil: until it is closed.
  package var until: Instant?
  /// After how long without media `.silent` and `.oneWay` are reported; nil: never.
  package var silenceAfter: Duration?

  package init(
    legs: [LegPlan], bridge: LegPair? = nil, until: Instant? = nil, silenceAfter: Duration? = nil
  ) {
    (self.legs, self.bridge) = (legs, bridge)
    (self.until, self.silenceAfter) = (until, silenceAfter)
  }
}

/// Two legs of a session that hear each other.
package struct LegPair: Hashable, Sendable {
  package let first: Int
  package let second: Int

  package init(_ first: Int, _ second: Int) {
    (self.first, self.second) = (first, second)
  }
}

/// One party of a session: where we receive for it, and whom we believe to be it.
package struct LegPlan: Hashable, Sendable {
  /// The local address whose sockets serve this leg; never the unspecified address.
  package var local: IPAddress
  /// Where the leg's signalling came from.
  ///
  /// Media may come from there too, whatever its SDP names (a phone behind NAT). Nil: only the addresses in ``StreamPlan/remote`` count.
  package var signallingSource: IPAddress?
  /// Whether media may be sent to the address its SDP names before it has sent itself.
  ///
  /// For trunks, whose media gateways have addresses of their own. A phone may name a stranger
  /// (media denial of service, A44): to it we send first only where the name is the signalling source.
  package var trustsNamedAddress: Bool
  /// In the order of the m= lines; the n-th stream of one leg is bridged to the n-th of the other.
  ///
  /// At most ``RelayConfiguration/maximumStreams``.
  package var streams: [StreamPlan]

  package init(
    local: IPAddress, signallingSource: IPAddress? = nil, trustsNamedAddress: Bool = false,
    streams: [StreamPlan]
  ) {
    (self.local, self.signallingSource) = (local, signallingSource)
    (self.trustsNamedAddress, self.streams) = (trustsNamedAddress, streams)
  }
}

/// One m= line of one leg.
package struct StreamPlan: Hashable, Sendable {
  package enum Kind: UInt8, Hashable, Sendable {
    case audio, video
    /// RTP of another kind, or with neither formats nor keys any datagrams (T.38 over UDPTL).
    case other
    /// An m= line with port 0: holds its place, has no sockets.
    case rejected
  }

  package var kind: Kind
  /// Where the leg's SDP wants RTP; nil: its SDP is not here yet, so nothing is taken from it unless
  /// ``LegPlan/signallingSource`` is known.
  package var remote: Endpoint?
  /// Where the leg's SDP wants RTCP (`a=rtcp`, RFC 3605); nil: the port above `remote`.
  package var remoteRTCP: Endpoint?
  /// RTP and RTCP share a port, agreed in offer and answer (RFC 5761).
  package var rtcpMux: Bool
  /// The payload types the leg may send to us; empty: any.
  package var formats: [PayloadFormat]
  /// The leg may send (not on hold from our side): false switches silence detection off and drops its media.
  package var legSends: Bool
  /// The leg wants to hear (not on hold from its side).
  package var legReceives: Bool
  /// The key the leg protects its packets with; nil: plain RTP.
  package var receiveKey: MasterKey?
  /// The key we protect packets to the leg with; nil: plain RTP.
  package var sendKey: MasterKey?
  /// Agreed packet time in milliseconds, where known; bounds the packet rate (A45).
  package var packetTimeMs: Int?
  /// Agreed bandwidth in kbit/s (`b=AS`), where known; bounds the packet rate of video.
  package var bandwidthKbps: Int?

  package init(
    _ kind: Kind, remote: Endpoint? = nil, remoteRTCP: Endpoint? = nil, rtcpMux: Bool = false,
    formats: [PayloadFormat] = [], legSends: Bool = true, legReceives: Bool = true,
    receiveKey: MasterKey? = nil, sendKey: MasterKey? = nil, packetTimeMs: Int? = nil,
    bandwidthKbps: Int? = nil
  ) {
    (self.kind, self.remote, self.remoteRTCP, self.rtcpMux) = (kind, remote, remoteRTCP, rtcpMux)
    (self.formats, self.legSends, self.legReceives) = (formats, legSends, legReceives)
    (self.receiveKey, self.sendKey) = (receiveKey, sendKey)
    (self.packetTimeMs, self.bandwidthKbps) = (packetTimeMs, bandwidthKbps)
  }

  /// The place of a rejected m= line.
  package static let rejected = StreamPlan(.rejected)
}
