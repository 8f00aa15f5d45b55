import Dispatch
import Elements
import Net
import Synchronization

/// A list that a lane fills and a test waits for.
final class Recorder<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])
  private let changed = DispatchSemaphore(value: 0)

  func append(_ elements: [Element]) {
    guard !elements.isEmpty else { return }
    list.withLock { $0 += elements }
    changed.signal()
  }

  var all: [Element] { list.withLock { $0 } }

  /// What is there as soon as it is `count` elements, or after ten seconds.
  @discardableResult
  func wait(for count: Int) -> [Element] {
    wait { $0.count >= count }
  }

  /// What is there as soon as it fulfils `isEnough`, or after ten seconds.
  @discardableResult
  func wait(until isEnough: ([Element]) -> Bool) -> [Element] {
    while !list.withLock({ isEnough($0) }) {
      guard changed.wait(timeout: .now() + 10) == .success else { break }
    }
    return all
  }
}

/// Takes what comes into a mailbox, on a lane, and writes it down.
final class MailReader<Element: Sendable>: LaneResident {
  private let mailbox: Mailbox<Element>
  private let recorder: Recorder<Element>
  private let taken: @Sendable () -> Void
  private var batch: [Element] = []

  init(
    _ mailbox: Mailbox<Element>, _ recorder: Recorder<Element>,
    taken: @escaping @Sendable () -> Void = {}
  ) {
    (self.mailbox, self.recorder, self.taken) = (mailbox, recorder, taken)
  }

  var deadline: Instant? { nil }
  func turn(at now: Now) {}

  func takeMail(at now: Now) {
    mailbox.drain(into: &batch)
    recorder.append(batch)
    taken()
  }
}
