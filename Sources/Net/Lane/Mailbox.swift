import Synchronization

/// A bounded queue into a lane: any thread sends, the lane takes all that waits at once.
///
/// Overflow: ``send(_:)`` returns false and the sender decides; nothing is dropped silently.
package final class Mailbox<Element: Sendable>: Sendable {
  package let capacity: Int
  private let waker: LaneWaker
  private let queue = Mutex<[Element]>([])
  private let refusals = Atomic<Int>(0)

  /// - Parameters:
  ///   - capacity: Elements that may wait; more are refused.
  ///   - waker: Of the lane that drains this mailbox.
  package init(capacity: Int, waker: LaneWaker) {
    (self.capacity, self.waker) = (capacity, waker)
  }

  /// How many elements were refused since the start.
  package var refused: Int { refusals.load(ordering: .relaxed) }
  package var count: Int { queue.withLock { $0.count } }
  package var isEmpty: Bool { queue.withLock { $0.isEmpty } }

  /// Puts an element in and wakes the lane if it sleeps.
  ///
  /// False: the mailbox is full.
  @discardableResult
  package func send(_ element: Element) -> Bool {
    let accepted = queue.withLock { queue in
      guard queue.count < capacity else { return false }
      queue.append(element)
      return true
    }
    guard accepted else {
      refusals.add(1, ordering: .relaxed)
      return false
    }
    waker.wake()
    return true
  }

  /// Puts in what there is room for, in order, under one lock and with one wake-up at most.
  ///
  /// - Returns: How many of the elements, from the first on, went in.
  package func send(contentsOf elements: [Element]) -> Int {
    guard !elements.isEmpty else { return 0 }
    let accepted = queue.withLock { queue in
      let room = min(elements.count, capacity - queue.count)
      queue.append(contentsOf: elements.prefix(room))
      return room
    }
    if accepted < elements.count {
      refusals.add(elements.count - accepted, ordering: .relaxed)
    }
    if accepted > 0 { waker.wake() }
    return accepted
  }

  /// Takes everything that waits.
  ///
  /// `elements` is emptied first, and its memory is reused.
  package func drain(into elements: inout [Element]) {
    elements.removeAll(keepingCapacity: true)
    queue.withLock { swap(&$0, &elements) }
  }
}
