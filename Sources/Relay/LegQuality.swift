package import Elements

/// How one leg has been heard, and how it heard us: counters since the session began.
package struct LegQuality: Hashable, Sendable {
  package let leg: Int
  /// In the order of the plan's streams; a rejected one stays at zero.
  package var streams: [StreamQuality]

  package init(leg: Int, streams: [StreamQuality]) {
    (self.leg, self.streams) = (leg, streams)
  }

  /// The first audio stream, what records and panels show.
  package var audio: StreamQuality? { streams.first { $0.kind == .audio } }
}

/// The numbers of one stream of one leg.
package struct StreamQuality: Hashable, Sendable {
  package var kind: StreamPlan.Kind
  /// Packets and bytes of RTP accepted from the leg.
  package var packetsReceived: UInt64 = 0
  package var bytesReceived: UInt64 = 0
  /// Packets sent to the leg, tones included.
  package var packetsSent: UInt64 = 0
  /// Packets of the leg that never arrived (RFC 3550 §A.3).
  package var packetsLost: UInt64 = 0
  /// Interarrival jitter of what the leg sends (RFC 3550 §A.8), its mean over all packets.
  package var jitter: Duration = .zero
  /// Between us and the leg, from its RTCP reports; nil: it never answered one.
  package var roundTrip: Duration?
  /// What the leg last reported about our packets: share lost of 256, and its jitter.
  package var reportedLossOf256: UInt8?
  package var reportedJitter: Duration?
  /// Mean opinion score of what the leg sends, 1.0 to 4.5, by the E-model; nil: nothing was heard.
  package var meanOpinionScore: Double?
  /// The payload format last heard.
  package var payloadType: UInt8?
  package var firstPacketAt: Instant?
  package var lastPacketAt: Instant?
  /// Where the leg's packets come from; nil: nothing was learned.
  package var source: Endpoint?
  /// Dropped: packets of strangers (A37, A38).
  package var strangers: UInt64 = 0
  /// Dropped: not RTP, RTCP or ZRTP where it should be.
  package var malformed: UInt64 = 0
  /// Dropped: SRTP that failed authentication (A40).
  package var unauthentic: UInt64 = 0
  /// Dropped: SRTP seen before.
  package var replayed: UInt64 = 0
  /// Dropped: above the agreed rate (A45).
  package var policed: UInt64 = 0
  /// Accepted, but with nobody to hear it: mute, on hold, not bridged, or no address learned yet.
  package var unheard: UInt64 = 0

  package init(kind: StreamPlan.Kind) {
    self.kind = kind
  }
}
