/// When to look at which key next: a binary heap of (moment, key) with stale entries left in place.
///
/// The truth is the `deadline` of the thing itself. Whoever takes a key compares, and schedules it
/// again where the thing has moved its deadline; nothing is ever removed from the middle.
package struct DeadlineQueue<Key: Sendable>: Sendable {
  private struct Entry: Sendable {
    let at: Instant
    /// Breaks ties in order of scheduling, so that two runs agree.
    let order: UInt64
    let key: Key

    func isBefore(_ other: Entry) -> Bool {
      at != other.at ? at < other.at : order < other.order
    }
  }

  private var heap: [Entry] = []
  private var order: UInt64 = 0

  package init() {}

  package var count: Int { heap.count }

  /// The earliest moment at which a key waits, stale ones included.
  package var next: Instant? { heap.first?.at }

  package mutating func schedule(_ key: Key, at moment: Instant) {
    heap.append(Entry(at: moment, order: order, key: key))
    order += 1
    siftUp(from: heap.count - 1)
  }

  /// Takes the earliest key whose moment has come, or nil.
  package mutating func popDue(at now: Instant) -> Key? {
    guard let first = heap.first, first.at <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown()
    }
    return first.key
  }

  private mutating func siftUp(from start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isBefore(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].isBefore(heap[smallest]) { smallest = child }
      guard smallest != parent else { return }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
