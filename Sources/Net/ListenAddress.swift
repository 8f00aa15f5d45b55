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

  package var description: String { "\(transport.viaToken) \(endpoint)" }
}
