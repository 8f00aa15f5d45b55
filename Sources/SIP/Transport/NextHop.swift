package import Elements

/// One address to try for a request, as the name resolver found it (RFC 3263).
package struct NextHop: Hashable, Sendable {
  package let transport: Transport
  package let remote: Endpoint
  /// The address we send from and can be reached at: for Via, Contact and the session description.
  package let local: Endpoint
  /// The name that the peer's certificate must carry; TLS only (RFC 5922).
  package let serverName: String?
  /// UDP only: a request that is too long for a datagram may go over TCP to the same address.
  package let takesStream: Bool
  /// Which certificate of ours the peer is shown when it asks; nil: the standard one.
  package let certificate: String?

  package init(
    transport: Transport, remote: Endpoint, local: Endpoint, serverName: String? = nil,
    takesStream: Bool = false, certificate: String? = nil
  ) {
    (self.transport, self.remote, self.local) = (transport, remote, local)
    (self.serverName, self.takesStream) = (serverName, takesStream)
    self.certificate = certificate
  }

  /// The same address with a certificate of ours for it.
  package func showing(_ certificate: String?) -> NextHop {
    NextHop(
      transport: transport, remote: remote, local: local, serverName: serverName,
      takesStream: takesStream, certificate: certificate)
  }

  /// The same address over TCP, for a request of more than ``SIPConfiguration/datagramLimitBytes``.
  package var overStream: NextHop {
    NextHop(transport: .tcp, remote: remote, local: local, serverName: serverName)
  }

  /// The same address without the way over TCP.
  package var datagramOnly: NextHop {
    NextHop(transport: transport, remote: remote, local: local, serverName: serverName)
  }
}

/// Where a message shall go.
package enum Destination: Hashable, Sendable {
  /// Back over a known address pair; over a stream only as long as the connection is there.
  case flow(Flow)
  /// To an address: the lane takes an open connection to it or opens one.
  case open(NextHop)

  package var transport: Transport {
    switch self {
    case .flow(let flow): flow.transport
    case .open(let hop): hop.transport
    }
  }

  /// The address of ours that the peer sees in Via and Contact.
  package var local: Endpoint {
    switch self {
    case .flow(let flow): flow.local
    case .open(let hop): hop.local
    }
  }

  package var remote: Endpoint {
    switch self {
    case .flow(let flow): flow.remote
    case .open(let hop): hop.remote
    }
  }

  /// The connection that it needs, if it is bound to one.
  package var connection: FlowID? {
    if case .flow(let flow) = self { flow.connection } else { nil }
  }
}

/// One whole message to send: the effect of every decision of this layer.
package struct Transmission: Hashable, Sendable {
  package let bytes: [UInt8]
  package let destination: Destination
  /// The client transaction to tell when sending fails; nil for responses and acknowledgements.
  package let transaction: ClientTransactionID?

  package init(bytes: [UInt8], destination: Destination, transaction: ClientTransactionID? = nil) {
    (self.bytes, self.destination, self.transaction) = (bytes, destination, transaction)
  }

  /// What to tell when sending fails; nil for what nobody waits for.
  package var attempt: SendingAttempt? {
    transaction.map {
      SendingAttempt(transaction: $0, transport: destination.transport, remote: destination.remote)
    }
  }
}

/// One way that a request of ours has taken: that it failed may be known when the request has gone another way.
package struct SendingAttempt: Hashable, Sendable {
  package let transaction: ClientTransactionID
  package let transport: Transport
  package let remote: Endpoint

  package init(transaction: ClientTransactionID, transport: Transport, remote: Endpoint) {
    (self.transaction, self.transport, self.remote) = (transaction, transport, remote)
  }
}
