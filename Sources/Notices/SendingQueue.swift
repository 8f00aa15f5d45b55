package import Store

/// Copies that wait for a sender: which one is next, so that nobody waits for a recipient that hangs.
///
/// A recipient gets one copy at a time. Those that it did not take may hold all senders but one: what is sent for the first time
/// to somebody who takes his copies does not wait behind them.
package struct SendingQueue: Sendable {
  private let senders: Int
  private var waiting: [OutboxItem] = []
  private var underWay: [Recipient: Bool] = [:]
  /// Queued or on their way.
  package private(set) var busy: Set<OutboxItem.Key> = []
  /// Who did not take the last copy.
  private var refusing: Set<Recipient> = []

  package init(senders: Int) { self.senders = senders }

  /// Takes those that it does not have; false: there are none.
  package mutating func add(_ items: [OutboxItem]) -> Bool {
    let fresh = items.filter { busy.insert($0.key).inserted }
    waiting += fresh
    return !fresh.isEmpty
  }

  package var hasNext: Bool { next != nil }

  /// The next one for a sender, who says ``finish(_:isRefused:)`` when it has been tried.
  package mutating func take() -> OutboxItem? {
    guard let next else { return nil }
    let item = waiting.remove(at: next)
    underWay[item.recipient] = isDoubtful(item)
    return item
  }

  package mutating func finish(_ item: OutboxItem, isRefused: Bool) {
    underWay[item.recipient] = nil
    busy.remove(item.key)
    if isRefused { refusing.insert(item.recipient) } else { refusing.remove(item.recipient) }
  }

  private var next: Int? {
    var doubtful: Int?
    for (index, item) in waiting.enumerated() where underWay[item.recipient] == nil {
      if !isDoubtful(item) { return index }
      if doubtful == nil { doubtful = index }
    }
    return underWay.values.count { $0 } < max(1, senders - 1) ? doubtful : nil
  }

  private func isDoubtful(_ item: OutboxItem) -> Bool {
    item.attempts > 0 || refusing.contains(item.recipient)
  }
}
