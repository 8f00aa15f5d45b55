import Elements
import Store

/// Follows the list of one peer, for as long as the service runs; never faster than the peer has news.
///
///     ask ── entries ── heard ── ask for what is behind them
///         ── nothing new ── ask again
///         ── no answer, a wrong signature, another history ── complaint ── ask again after a growing pause
struct PeerReader {
  private let peer: SharingSettings.Peer
  private let service: SharingService
  private let request: FeedRequest

  /// After the first, second … failure; the last one is kept.
  private static let pauses: [Duration] = [1, 2, 5, 10, 30, 60].map { .seconds($0) }
  /// A peer that answers without news, and without waiting for any, is asked no faster than this.
  private static let calm = Duration.seconds(1)
  /// Between two pages of one who has much to say.
  private static let betweenPages = Duration.milliseconds(100)

  init(_ peer: SharingSettings.Peer, _ service: SharingService) {
    (self.peer, self.service) = (peer, service)
    request = FeedRequest(peer)
  }

  func follow() {
    var failures = 0
    while !service.isStopping {
      let pause: Duration
      do {
        let since = service.clock().instant
        let news = try ask()
        failures = 0
        service.answered(peer)
        let took = service.clock().instant - since
        pause = news ? Self.betweenPages : max(.zero, Self.calm - took)
      } catch {
        service.complain(of: peer, "\(error)")
        pause = Self.pauses[min(failures, Self.pauses.count - 1)]
        failures += 1
      }
      service.state.wait(for: pause, until: \.isStopping) { _ in }
    }
  }

  /// - Returns: Whether there was anything new.
  private func ask() throws -> Bool {
    let known = service.heard(of: peer)
    switch try request.entries(after: known) {
    case .entries(let bytes): return try service.hear(bytes, of: peer) > 0
    case .gone(let oldest):
      guard oldest - 1 > known else {
        throw FeedRequest.Failure(
          description: "it says that entry \(oldest) is its oldest, and does not give it")
      }
      try service.skip(peer, to: oldest - 1)
      return true
    }
  }
}
