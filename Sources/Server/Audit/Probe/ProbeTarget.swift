import API
import Elements
import Net
import SIP

/// A listener as a stranger reaches it.
struct ProbeTarget: Sendable, CustomStringConvertible {
  let listener: ListenAddress
  /// Where it is asked; of a listener on every address the machine itself.
  let remote: Endpoint
  /// Whom the stranger comes as; nil: as the kernel has it.
  let source: IPAddress?

  /// An address of this machine that no phone and no carrier has, "AUD" in 127/8.
  ///
  /// Whatever the guard thinks of it, it
  /// thinks of nobody else.
  private static let stranger = IPAddress(v4: 0x7F41_5544)

  /// A listener of this machine where it `isHere`.
  init(_ listener: ListenAddress, isHere: Bool) {
    self.listener = listener
    let (address, port) = (listener.endpoint.address, listener.endpoint.port)
    let loopback: IPAddress = address.isV4 ? .v4Loopback : .v6Loopback
    remote = Endpoint(address.isUnspecified ? loopback : address, port)
    source = isHere && remote.address.isV4 ? Self.stranger : nil
  }

  var description: String { "\(listener)" }

  /// Whether it is asked for SIP; of a WebSocket only what is below it is looked at.
  var isAsked: Bool { !listener.transport.isWebSocket }

  /// Nil where nobody is reached.
  func open(name: String?) -> (any ProbeLink)? {
    switch listener.transport {
    case .udp: ProbeSocket(stream: false, to: remote, from: source)
    case .tcp: ProbeSocket(stream: true, to: remote, from: source)
    case .ws, .wss: nil
    case .tls: try? TLSLink(TLSConversation(with: remote, from: source, name: name), source)
    }
  }
}

/// The same over TLS.
private struct TLSLink: ProbeLink {
  let local: Endpoint
  private let conversation: TLSConversation

  init(_ conversation: TLSConversation, _ source: IPAddress?) {
    self.conversation = conversation
    // Answers come on the connection, whatever the Via says.
    local = Endpoint(source ?? .v4Loopback, 5061)
  }

  func send(_ bytes: [UInt8]) { conversation.send(bytes) }
  func receive(within time: Duration) -> [UInt8]? { conversation.receive(within: time) }
  func close() { conversation.close() }
}
