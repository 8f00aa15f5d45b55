import Elements

/// Peers that took no connection when a request was too long for a datagram: the next ones do not wait for that again.
struct StreamlessPeers: Sendable {
  private static let patience = Duration.seconds(600)
  /// Peers that are remembered at a time; beyond it all are tried again.
  private static let limit = 1_000

  private var until: [Endpoint: Instant] = [:]

  func mayTake(_ peer: Endpoint, at now: Instant) -> Bool { until[peer].map { $0 <= now } ?? true }

  mutating func remember(_ peer: Endpoint, at now: Instant) {
    if until.count >= Self.limit { until.removeAll() }
    until[peer] = now + Self.patience
  }
}
