package import Elements
package import Guard
package import Relay
package import SIP
package import SIPSyntax

/// A question to the name resolver.
package enum ResolutionSubject {}
package typealias ResolutionID = ID<ResolutionSubject>

/// A name to be resolved to next hops (RFC 3263); address literals too, since only the lane knows
/// from which of our addresses a peer is reached.
package struct NameQuery: Hashable, Sendable {
  package let host: String
  /// Given: no SRV look-up is made (RFC 3263 §4.2).
  package let port: UInt16?
  /// Given: no NAPTR look-up is made (RFC 3263 §4.1).
  package let transport: Transport?

  package init(host: String, port: UInt16?, transport: Transport?) {
    (self.host, self.port, self.transport) = (host, port, transport)
  }
}

/// Everything that can happen to the switch.
package enum SwitchEvent: Sendable {
  /// The bytes of one datagram.
  case received([UInt8], Flow)
  /// The same, of somebody whom ``SwitchCore/admits(_:at:)`` has let pass: what does not is never copied.
  case admitted([UInt8], Flow)
  /// One whole message of a stream, already framed and parsed.
  case receivedMessage(Message, Flow)
  case flowClosed(FlowID)
  /// Whoever is on that connection has proven these names by a certificate that is vouched for (RFC 5922 §7.1).
  case proven(FlowID, [String])
  /// The TLS handshake with somebody who was asked for a certificate failed.
  case unproven(Endpoint, String)
  /// A request could not be sent.
  case transmitFailed(SendingAttempt, String)
  /// An ICMP error, with what it repeats of a datagram of ours: true, or anybody's invention.
  case unreachable(quote: [UInt8], String)
  case relay(RelayEvent)
  /// Every batch up to and with this number is on disk.
  case journaled(through: UInt64)
  /// Nothing can be written any more: what costs money is refused from now on.
  case journalFailed(String)
  /// Next hops in the order in which to try them; empty when the name leads nowhere.
  case resolved(ResolutionID, [NextHop])
  case command(CommandToken, SwitchCommand)
  /// So many datagrams were dropped by the kernel since the start: told about once in ``Siege/interval``. A refusal is why it takes
  /// no sieve, told once.
  case unheard(ByFamily<UInt64>, refusal: String? = nil)
  /// The moment of ``SwitchCore/deadline`` has come.
  case deadline
}

/// Everything that the switch can ask of the world.
package enum SwitchEffect: Sendable {
  case transmit(Transmission)
  case relay(RelayCommand)
  case journal(JournalBatch)
  case resolve(ResolutionID, NameQuery)
  /// Somebody has proven himself on that connection: it is no stranger's any more.
  case trust(FlowID)
  /// Somebody has proven himself from there within a day; said again while he does.
  case acquaint([IPNetwork])
  /// The kernel is to thin out strangers' datagrams; nil: not any more.
  case sift(Sieve?)
  /// Connections from there, and no others, are asked for a certificate from now on.
  case askForCertificates([IPNetwork])
  case publish(Publication)
}
