package import Elements

/// How messages travel between two addresses.
package enum Transport: UInt8, Hashable, Sendable, CaseIterable {
  case udp
  case tcp
  case tls

  /// A stream delivers or breaks; a datagram may get lost (RFC 3261 §17: "reliable").
  package var isReliable: Bool { self != .udp }

  /// The word of the Via header field and, in lower case, of `;transport=`.
  package var viaToken: StaticString {
    switch self {
    case .udp: "UDP"
    case .tcp: "TCP"
    case .tls: "TLS"
    }
  }

  /// The port when none is written (RFC 3261 §19.1.2).
  package var defaultPort: UInt16 { self == .tls ? 5061 : 5060 }
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
