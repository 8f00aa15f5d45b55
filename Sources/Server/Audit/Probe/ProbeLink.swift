package import Elements

/// Something that a stranger can say a thing to, and hear what comes back.
package protocol ProbeLink {
  /// Where answers go to, as it stands in a Via.
  var local: Endpoint { get }
  /// Whether what comes has no borders of messages: one may come in pieces, or with the next.
  var isStream: Bool { get }
  func send(_ bytes: [UInt8])
  /// A message, or what has come on a stream. Empty: the other side hung up; nil: nothing came in time.
  func receive(within time: Duration) -> [UInt8]?
  func close()
}

/// Why nobody could be spoken with.
package enum Unreached: Error, Hashable, CustomStringConvertible {
  /// The machine is there, and nothing listens.
  case refused
  /// Nothing came back in time: a filter, a loss, or no machine.
  case silent
  /// This machine has no way there, such as without IPv6.
  case noWay(String)
  /// Somebody is there, who does not speak what was expected: "TLS", "WebSocket".
  case speaksOther(String)

  package var description: String {
    switch self {
    case .refused: "nothing listens there"
    case .silent: "nothing comes back"
    case .noWay(let reason): "this machine has no way there (\(reason))"
    case .speaksOther(let what): "who is there does not speak \(what)"
    }
  }
}
