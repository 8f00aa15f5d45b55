import Synchronization

/// What other threads may know about the streams.
final class StreamGauge: Sendable {
  let connections = Atomic<Int>(0)
  /// Connections wait for the lane before they are read again.
  let isCongested = Atomic<Bool>(false)
  private let counted = Mutex(StreamCounters())

  var counters: StreamCounters { counted.withLock { $0 } }

  func count(_ change: (inout StreamCounters) -> Void) { counted.withLock { change(&$0) } }
}

/// What the streams have counted since the start, for metrics.
package struct StreamCounters: Hashable, Sendable {
  /// Connections that were closed before TLS: too many handshakes begin at once.
  package var handshakesRefused: UInt64 = 0
  private var webSockets: [WebSocketRefusal: UInt64] = [:]

  package init() {}

  mutating func refuse(_ refusal: WebSocketRefusal) { webSockets[refusal, default: 0] &+= 1 }

  /// Handshakes of WebSockets that were refused, by why, all reasons.
  package var webSocketsRefused: [(reason: String, count: Int)] {
    WebSocketRefusal.allCases.map { ($0.rawValue, Int(clamping: webSockets[$0] ?? 0)) }
  }
}
