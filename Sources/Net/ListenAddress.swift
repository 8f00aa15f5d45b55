package import Elements
package import SIP

/// Where the server takes SIP: a transport with an address and port.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  package let transport: Transport
  /// Port 0 lets the kernel choose; ``LaneGroup/listening`` says what it chose.
  package let endpoint: Endpoint

  package init(_ transport: Transport, _ endpoint: Endpoint) {
    (self.transport, self.endpoint) = (transport, endpoint)
  }

  /// Parses "udp:192.0.2.1:5060", "tls:[2001:db8::1]:5061" or, for UDP and TCP both, "192.0.2.1:5060".
  package static func parse(_ text: some StringProtocol) -> [ListenAddress]? {
    for transport in Transport.allCases {
      let prefix = "\(transport.viaToken):".lowercased()
      guard text.lowercased().hasPrefix(prefix) else { continue }
      return Endpoint(text.dropFirst(prefix.count)).map { [ListenAddress(transport, $0)] }
    }
    return Endpoint(text).map { [ListenAddress(.udp, $0), ListenAddress(.tcp, $0)] }
  }

  package var description: String { "\(transport.viaToken) \(endpoint)" }
}
