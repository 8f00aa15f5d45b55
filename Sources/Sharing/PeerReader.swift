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

  init(_ peer: SharingSettings.Peer, _ service: SharingService) {
    (self.peer, self.service) = (peer, service)
    request = FeedRequest(peer)
  }

  func follow() {
    var failures = 0
    var pace = PeerPace()
    // Whether all was heard that there was, so that what comes is news.
    var isUpToDate = false
    while !service.isStopping {
      let pause: Duration
      do {
        let since = service.clock().instant
        let entries = try ask(isUpToDate: isUpToDate)
        (failures, isUpToDate) = (0, entries < SharingService.page)
        service.answered(peer)
        let now = service.clock().instant
        pause = pace.pause(after: entries, waited: now - since, at: now)
      } catch {
        service.complain(of: peer, "\(error)")
        pause = Self.pauses[min(failures, Self.pauses.count - 1)]
        (failures, isUpToDate) = (failures + 1, false)
      }
      service.rest(for: pause)
    }
  }

  /// - Returns: How many entries there were; that older ones are gone counts as a page, since more is behind it.
  private func ask(isUpToDate: Bool) throws -> Int {
    let known = service.heard(of: peer)
    switch try request.entries(after: known) {
    case .entries(let bytes): return try service.hear(bytes, of: peer, asNews: isUpToDate)
    case .gone(let oldest):
      guard oldest - 1 > known else {
        throw FeedRequest.Failure(
          description: "it says that entry \(oldest) is its oldest, and does not give it")
      }
      try service.skip(peer, to: oldest - 1)
      return SharingService.page
    }
  }
}
