import Elements

/// What will happen, earliest first; events of one moment in the order in which they were planned.
///
/// A binary heap of small keys: the events stay where they are put, and only their keys move.
struct Agenda {
  private struct Key {
    let at: Int64
    let order: UInt64
    let place: Int

    func isBefore(_ other: Key) -> Bool {
      at != other.at ? at < other.at : order < other.order
    }
  }

  private var keys: [Key] = []
  private var events: [Event?] = []
  private var free: [Int] = []
  private var order: UInt64 = 0

  /// The moment of the earliest event.
  var next: Instant? { keys.first.map { Instant(nanoseconds: $0.at) } }

  mutating func add(_ event: Event, at moment: Instant) {
    let place: Int
    if let freed = free.popLast() {
      place = freed
      events[place] = event
    } else {
      place = events.count
      events.append(event)
    }
    keys.append(Key(at: moment.nanoseconds, order: order, place: place))
    order += 1
    rise(from: keys.count - 1)
  }

  /// Takes the earliest event.
  mutating func take() -> Event? {
    guard let first = keys.first, let last = keys.popLast() else { return nil }
    if !keys.isEmpty { sink(last) }
    free.append(first.place)
    defer { events[first.place] = nil }
    return events[first.place]
  }

  private mutating func rise(from start: Int) {
    let key = keys[start]
    var hole = start
    while hole > 0, key.isBefore(keys[(hole - 1) / 2]) {
      keys[hole] = keys[(hole - 1) / 2]
      hole = (hole - 1) / 2
    }
    keys[hole] = key
  }

  private mutating func sink(_ key: Key) {
    var hole = 0
    while 2 * hole + 1 < keys.count {
      var child = 2 * hole + 1
      if child + 1 < keys.count, keys[child + 1].isBefore(keys[child]) { child += 1 }
      guard keys[child].isBefore(key) else { break }
      keys[hole] = keys[child]
      hole = child
    }
    keys[hole] = key
  }
}
