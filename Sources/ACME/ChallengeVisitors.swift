import Elements
import Guard
import NIOCore
import Synchronization

/// The connections of those who ask at the moment, the first in front.
///
/// Nobody is refused, so that nobody keeps an authority away by keeping silent: where a source has all that it may, or all are
/// taken, who came first makes room.
final class ChallengeVisitors: Sendable {
  private struct Visitor: Sendable {
    let channel: any Channel
    /// One IPv4 address or 64 bits of IPv6; nil: not told.
    let source: IPNetwork?
  }

  private static let most = 64
  /// An authority looks from several places at once, which a proxy in front makes one.
  private static let mostOfSource = 16

  private let visitors = Mutex<[Visitor]>([])

  func admit(_ channel: any Channel) {
    let source = channel.remoteAddress?.ipAddress.flatMap(IPAddress.init).map {
      Neighbourhood(of: $0).network
    }
    let displaced = visitors.withLock { visitors in
      let ofSource = visitors.indices.filter { visitors[$0].source == source }
      let first: Int? =
        if ofSource.count >= Self.mostOfSource { ofSource[0] } else {
          visitors.count >= Self.most ? 0 : nil
        }
      let displaced = first.map { visitors.remove(at: $0).channel }
      visitors.append(Visitor(channel: channel, source: source))
      return displaced
    }
    channel.closeFuture.whenComplete { _ in self.leave(channel) }
    displaced?.close(promise: nil)
  }

  private func leave(_ channel: any Channel) {
    visitors.withLock { $0.removeAll { $0.channel === channel } }
  }
}
