import Synchronization

/// The lane's counters where others may read them.
final class SharedCounters: Sendable {
  private let counters = Mutex(LaneCounters())

  var current: LaneCounters { counters.withLock { $0 } }

  func store(_ counters: LaneCounters) {
    self.counters.withLock { $0 = counters }
  }
}
