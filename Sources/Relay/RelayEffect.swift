package import Elements

/// What the relay asks of the lane that drives it.
///
/// Do them in order, all of them, before the next input.
package enum RelayEffect: Hashable, Sendable {
  /// Bind a UDP socket; answer with `bound` or `bindFailed`, now or later.
  case bind(SocketID, Endpoint)
  /// Close the socket, also while its bind is still open; an unknown one is passed over.
  case close(SocketID)
  /// Let the kernel pass packets of this source only, and send to it without looking the way up again
  /// (connect); nil: everybody's again.
  ///
  /// What fails here costs time and nothing else.
  case narrow(SocketID, to: Endpoint?)
  /// Send bytes of the relay itself (a tone); a lost one is no harm.
  case transmit(SocketID, to: Endpoint, [UInt8])
  /// Hand this to the switch.
  case tell(RelayEvent)
}

/// Where the packet that was just received goes: send `length` bytes of the same buffer.
package struct Forward: Hashable, Sendable {
  package let socket: SocketID
  package let destination: Endpoint
  package let length: Int

  @inlinable
  package init(socket: SocketID, destination: Endpoint, length: Int) {
    (self.socket, self.destination, self.length) = (socket, destination, length)
  }
}
