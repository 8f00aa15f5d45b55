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
  /// Nobody said that it is there: where nothing listens nothing is missing.
  let isGuess: Bool

  /// An address of this machine that no phone and no carrier has, "AUD" in 127/8.
  ///
  /// Whatever the guard thinks of it, it
  /// thinks of nobody else.
  private static let stranger = IPAddress(v4: 0x7F41_5544)

  /// A listener of this machine where it `isHere`.
  init(_ listener: ListenAddress, isHere: Bool, isGuess: Bool = false) {
    self.listener = listener
    self.isGuess = isGuess
    let (address, port) = (listener.endpoint.address, listener.endpoint.port)
    let loopback: IPAddress = address.isV4 ? .v4Loopback : .v6Loopback
    remote = Endpoint(address.isUnspecified ? loopback : address, port)
    source = isHere && remote.address.isV4 ? Self.stranger : nil
  }

  var description: String { "\(listener)" }

  /// Connects as the transport has it; `name` is the domain that is asked for.
  func open(name: String?) throws(Unreached) -> any ProbeLink {
    switch listener.transport {
    case .udp: try ProbeSocket(stream: false, to: remote, from: source)
    case .tcp: try ProbeSocket(stream: true, to: remote, from: source)
    case .tls: try TLSLink(remote, from: source, name: name)
    case .ws:
      try WebSocketLink(
        over: ProbeSocket(stream: true, to: remote, from: source), host: name ?? "\(remote)")
    case .wss:
      try WebSocketLink(
        over: TLSLink(remote, from: source, name: name), host: name ?? "\(remote)")
    }
  }
}

/// A stream within TLS.
private struct TLSLink: ProbeLink {
  let local: Endpoint
  let isStream = true
  private let conversation: TLSConversation

  init(_ remote: Endpoint, from source: IPAddress?, name: String?) throws(Unreached) {
    // Says more exactly than TLS why nobody is reached.
    let socket = try ProbeSocket(stream: true, to: remote, from: source)
    local = socket.local
    socket.close()
    do {
      conversation = try TLSConversation(with: remote, from: source, name: name)
    } catch {
      throw .speaksOther("TLS")
    }
  }

  func send(_ bytes: [UInt8]) { conversation.send(bytes) }
  func receive(within time: Duration) -> [UInt8]? { conversation.receive(within: time) }
  func close() { conversation.close() }
}
