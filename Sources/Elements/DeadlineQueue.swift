/// When to look at which key next: a heap of (moment, key) with stale entries left in place.
///
/// The truth is the `deadline` of the thing itself. Whoever takes a key compares, and schedules it
/// again where the thing has moved its deadline; nothing is ever removed from the middle. Each node has
/// four children: half the levels, and the children of one node are neighbours in memory. Public, as
/// ``ByteRange`` is: only then is it specialised for the keys of other modules.
public struct DeadlineQueue<Key: Sendable>: Sendable {
  @usableFromInline
  struct Entry: Sendable {
    @usableFromInline let at: Instant
    /// Breaks ties in order of scheduling, so that two runs agree.
    @usableFromInline let order: UInt64
    @usableFromInline let key: Key

    @inlinable
    init(at: Instant, order: UInt64, key: Key) {
      (self.at, self.order, self.key) = (at, order, key)
    }

    @inlinable
    func isBefore(_ other: Entry) -> Bool {
      at != other.at ? at < other.at : order < other.order
    }
  }

  @usableFromInline var heap: [Entry] = []
  @usableFromInline var order: UInt64 = 0

  /// A queue in which nothing waits.
  @inlinable
  public init() {}

  /// Entries, stale ones included.
  @inlinable public var count: Int { heap.count }

  /// The earliest moment at which a key waits, stale ones included.
  @inlinable public var next: Instant? { heap.first?.at }

  /// Has the key come out at that moment, besides any other at which it waits already.
  @inlinable
  public mutating func schedule(_ key: Key, at moment: Instant) {
    heap.append(Entry(at: moment, order: order, key: key))
    order += 1
    siftUp(from: heap.count - 1)
  }

  /// Takes the earliest key whose moment has come, or nil.
  @inlinable
  public mutating func popDue(at now: Instant) -> Key? {
    guard let first = heap.first, first.at <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty { siftDown(last) }
    return first.key
  }

  /// Moves the entry at the end up to where it belongs.
  @inlinable
  mutating func siftUp(from start: Int) {
    var hole = start
    let entry = heap[start]
    while hole > 0 {
      let parent = (hole - 1) / 4
      guard entry.isBefore(heap[parent]) else { break }
      heap[hole] = heap[parent]
      hole = parent
    }
    if hole != start { heap[hole] = entry }
  }

  /// Puts an entry in the place of the first one, and what is earlier above it.
  @inlinable
  mutating func siftDown(_ entry: Entry) {
    var hole = 0
    while true {
      let first = 4 * hole + 1
      guard first < heap.count else { break }
      var smallest = first
      for child in first + 1..<max(first + 1, min(first + 4, heap.count))
      where heap[child].isBefore(heap[smallest]) { smallest = child }
      guard heap[smallest].isBefore(entry) else { break }
      heap[hole] = heap[smallest]
      hole = smallest
    }
    heap[hole] = entry
  }
}
