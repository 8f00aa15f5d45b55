package import Elements

/// The media relay as a pure core: packets and commands in, packets and effects out.
///
/// It owns sessions, never sockets. One lane drives one core, from one thread; a session never moves.
package struct RelayCore: ~Copyable {
  private let configuration: RelayConfiguration
  private var dice: Dice

  package init(configuration: RelayConfiguration, dice: Dice) {
    (self.configuration, self.dice) = (configuration, dice)
  }

  /// When to call ``handleDeadline(at:into:)``; nil: nothing is waiting.
  package var deadline: Instant? { nil }

  /// Sessions that are open or opening.
  package var sessionCount: Int { 0 }

  /// Does what the switch asks.
  package mutating func handle(
    _ command: RelayCommand, at now: Instant, into effects: inout [RelayEffect]
  ) {
  }

  /// The lane bound the socket of a `.bind`.
  package mutating func bound(
    _ socket: SocketID, at now: Instant, into effects: inout [RelayEffect]
  ) {
  }

  /// The lane could not bind the socket of a `.bind`; it needs no `.close`.
  package mutating func bindFailed(
    _ socket: SocketID, reason: String, at now: Instant, into effects: inout [RelayEffect]
  ) {
  }

  /// Does what is due: tones, silence, expiry.
  package mutating func handleDeadline(at now: Instant, into effects: inout [RelayEffect]) {
  }

  /// One datagram: changes it in place and says where it goes; nil: nowhere.
  ///
  /// `buffer` is the whole receive buffer, aligned to 4 bytes: the `length` bytes of the datagram stand
  /// at its start, the rest is room for an SRTP trailer (``SRTPContext/maximumTrailer``). The lane
  /// drops truncated datagrams itself.
  package mutating func receive(
    _ buffer: inout MutableRawSpan, length: Int, on socket: SocketID, from source: Endpoint,
    at now: Instant
  ) -> Forward? {
    nil
  }
}
