package import Elements
package import SIPSyntax

/// How messages travel between two addresses.
package enum Transport: UInt8, Hashable, Sendable, CaseIterable {
  case udp
  case tcp
  case tls
  /// WebSocket, on TCP and on TLS: browsers' only way; they connect, and nobody connects to them (RFC 7118).
  case ws
  case wss

  /// A stream delivers or breaks; a datagram may get lost (RFC 3261 §17: "reliable").
  package var isReliable: Bool { self != .udp }

  /// Whether nobody reads what is said on the way (RFC 3261 §26.2.2: "sips").
  package var isSecret: Bool { self == .tls || self == .wss }

  package var isWebSocket: Bool { self == .ws || self == .wss }

  /// Whether a connection can be opened to who speaks it.
  package var isConnectable: Bool { self == .tcp || self == .tls }

  /// Of a WebSocket each message is one of SIP, and needs no length (RFC 7118 §5).
  package var framing: Framing { isConnectable ? .stream : .datagram }

  /// The word of the Via header field and, in lower case, of `;transport=`.
  package var viaToken: StaticString {
    switch self {
    case .udp: "UDP"
    case .tcp: "TCP"
    case .tls: "TLS"
    case .ws: "WS"
    case .wss: "WSS"
    }
  }

  /// The port when none is written (RFC 3261 §19.1.2, RFC 7118 §6).
  package var defaultPort: UInt16 {
    switch self {
    case .udp, .tcp: 5060
    case .tls: 5061
    case .ws: 80
    case .wss: 443
    }
  }
}

/// The address pair that reaches a peer (RFC 5626): answers and calls go back the way it came.
package struct Flow: Hashable, Sendable, CustomStringConvertible {
  package let transport: Transport
  /// Our true address on this path, never the unspecified one.
  package let local: Endpoint
  /// Where the peer's packets come from, which may be its NAT.
  package let remote: Endpoint
  /// The number of the connection; streams have one, datagrams have none.
  package let connection: FlowID?

  package init(
    transport: Transport, local: Endpoint, remote: Endpoint, connection: FlowID? = nil
  ) {
    (self.transport, self.local, self.remote) = (transport, local, remote)
    self.connection = connection
  }

  package var description: String { "\(transport.viaToken) \(local)-\(remote)" }

  /// Whether a message on `other` may come from the peer of this flow.
  ///
  /// The same connection, or the same address: a NAT may have given out another port, a phone may
  /// have connected again. Whoever comes from elsewhere has to prove itself by digest.
  package func isPlausible(_ other: Flow) -> Bool {
    (connection != nil && connection == other.connection)
      || remote.address == other.remote.address
  }
}
