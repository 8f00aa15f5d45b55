package import Elements
import Glibc
package import Guard
package import Relay

/// What a ``LaneGroup`` is made of.
package struct LaneConfiguration: Sendable {
  /// Where SIP is taken; at least one.
  package var listeners: [ListenAddress]
  /// Threads for media; with none it shares the signalling lane's.
  ///
  /// Sharing saves every wake-up between the two and is right for one or two processors.
  package var mediaLanes: Int = LaneConfiguration.recommendedMediaLanes
  /// Bounds of media; its port range is divided among the media lanes.
  package var relay = RelayConfiguration()
  package var streams = StreamLimits()
  /// Needed as soon as a listener or a trunk speaks TLS.
  package var tls: TLSSettings?
  /// Pages whose scripts may connect by WebSocket, as their browsers write them ("https://phone.example").
  package var webSocketOrigins: [String] = []
  package var resolver = ResolverSettings()
  /// Datagrams that one socket may have waiting for the kernel; beyond it sending fails.
  package var sendQueue = 2_048
  /// Commands and questions that may wait for the signalling lane.
  package var commandQueue = 1_024

  package init(listeners: [ListenAddress]) {
    self.listeners = listeners
  }

  /// One processor for the rest of the server, the others for media.
  package static var recommendedMediaLanes: Int {
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return processors <= 2 ? 0 : min(processors - 1, 4)
  }
}

/// Bounds of TCP, TLS and WebSocket connections (A12).
package struct StreamLimits: Hashable, Sendable {
  /// Connections at a time that others have made to us; ours are as many as there are next hops.
  package var connections = 50_000
  /// Connections at a time from one IPv4 address or one IPv6 network of 64 bits.
  package var connectionsPerAddress = 1_000
  /// The same, of connections on which nobody has proven himself.
  package var strangersPerAddress = 500
  /// Connections of strangers from 24 bits of IPv4 or 48 bits of IPv6.
  package var strangersNearby = 2_000
  /// Connections of all strangers; a further one takes the place of the first.
  package var strangers = 25_000
  /// Connections that one IPv4 address or 64 bits of IPv6 may begin.
  package var arrivals = Rate(perSecond: 20, burst: 500)
  /// The same where phones are known: who is among them should not keep them out with less than the places there allow.
  package var knownArrivals = Rate(perSecond: 1_000, burst: 2_000)
  package var handshakes = HandshakeLimits()
  /// Until when a stranger must have proven himself.
  package var strangerLife: Duration = .seconds(60)
  /// Messages and keep-alives that are read of a stranger; the rest waits in the kernel, with him.
  package var strangerPace = Rate(perSecond: 20, burst: 100)
  /// From accepting a connection to the first whole message; includes the TLS handshake.
  package var firstMessage: Duration = .seconds(15)
  /// Without a byte from the peer; above the longest registration with a keep-alive (RFC 5626 §4.4.1).
  package var idle: Duration = .seconds(7_500)
  /// From the first to the last byte of one message.
  package var message: Duration = .seconds(20)
  /// From our decision to connect to a connection that can carry a request, TLS included.
  ///
  /// Below the time that a carrier has for a call (`timeout_ms`, 4 s), so that a datagram can still go instead.
  package var connect: Duration = .seconds(3)
  /// How long bytes on a connection that we opened may wait for an acknowledgement by TCP (RFC 5482): a firewall that has forgotten
  /// the connection would hold up a carrier for a quarter of an hour.
  package var unacknowledged: Duration = .seconds(20)
  /// Bytes that may wait for a peer that does not read; beyond it the connection is closed.
  package var unsentBytes = 1 << 20
  /// Messages that may wait for the signalling lane before connections are no longer read.
  package var inboundQueue = 8_192

  package init() {}
}

/// Bounds of TLS handshakes that others begin, a millisecond of a processor each.
package struct HandshakeLimits: Hashable, Sendable {
  /// Of all addresses of a family where no phone is known.
  package var strangers = Rate(perSecond: 150, burst: 750)
  /// The same from 24 bits of IPv4 or 48 bits of IPv6, which one customer of a provider has: as much as one source may connect.
  package var nearby = Rate(perSecond: 20, burst: 500)
  /// Of strangers from such networks that begin few, when the others have used up theirs.
  package var newcomers = Rate(perSecond: 50, burst: 250)
  /// What few is, of one network.
  package var few = Rate(every: .seconds(6), burst: 3)
  /// Of addresses of a family where phones are known, before the above: all phones of a server after an outage.
  package var known = Rate(perSecond: 300, burst: 10_000)
  /// What of it such a network may take.
  package var knownNearby = Rate(perSecond: 40, burst: 2_000)

  package init() {}
}

/// Certificates of ours, and what we ask of others'.
package struct TLSSettings: Hashable, Sendable {
  /// Holds `certificate.pem` (with its chain) and `key.pem`, both made when they are missing, and folders with further
  /// pairs, each for the names that stand in its certificate.
  package var folder: String
  /// Names and addresses that a certificate of our own making carries.
  package var names: [String]
  /// The folder whose certificate is the standard one as soon as it is there; nil: the pair in the folder itself.
  package var standard: String?
  /// Whether connections that we open are checked against the system's authorities (RFC 5922).
  package var verifiesPeers = true
  /// A PEM file of further authorities, for a carrier with its own; nil: none.
  package var authorities: String?

  package init(folder: String, names: [String] = []) {
    (self.folder, self.names) = (folder, names)
  }

  /// Reads the files as the start does, and makes nothing; the standard pair first.
  package func examine() -> [CertificateState] { TLSContexts.examine(self) }

  /// One of the further pairs.
  package func examine(_ name: String) -> CertificateState { TLSContexts.examine(self, name) }
}

/// How names are looked up.
package struct ResolverSettings: Hashable, Sendable {
  /// A server of our own choice; nil: those of /etc/resolv.conf.
  package var server: Endpoint?
  /// For one query, tried twice.
  package var timeoutSeconds = 2
  /// Lookups at a time.
  package var threads = 4
  /// Lookups that may wait; beyond it a name leads nowhere.
  package var queue = 4_096
  /// Names remembered.
  package var cacheEntries = 4_096
  /// Bounds on what the servers say about how long an answer is good.
  package var shortestLife: Duration = .seconds(5)
  package var longestLife: Duration = .seconds(3_600)
  /// How long a failure is remembered.
  package var failureLife: Duration = .seconds(15)
  /// How long an answer that is good no longer is better than none while the servers fail (RFC 8767 §5: one to three days).
  package var staleLife: Duration = .seconds(86_400)
  /// Next hops of one name.
  package var hops = 16

  package init() {}
}
