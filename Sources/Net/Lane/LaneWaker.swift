import CLinuxSockets
import Glibc
import Synchronization

/// Wakes a lane that sleeps, with one write, and costs nothing while it is awake.
///
/// A sender puts its value into a mailbox, raises the flag and then looks whether the lane sleeps; the
/// lane announces that it will sleep and then looks at the flag. All four are sequentially consistent, so
/// one of them always sees the other.
package final class LaneWaker: Sendable {
  /// The eventfd that the lane's epoll watches.
  let descriptor: Int32
  private let hasMail = Atomic<Bool>(false)
  private let sleeps = Atomic<Bool>(false)
  private let writes = Atomic<Int>(0)

  package init() throws(NetError) {
    descriptor = cls_event_open()
    guard descriptor >= 0 else { throw .system(call: "eventfd", errno: -descriptor) }
  }

  deinit { close(descriptor) }

  /// How often a sender had to wake the lane, for measurements.
  package var wakeUps: Int { writes.load(ordering: .relaxed) }

  /// Called by a sender, after its value is in the mailbox.
  package func wake() {
    hasMail.store(true, ordering: .sequentiallyConsistent)
    guard sleeps.load(ordering: .sequentiallyConsistent) else { return }
    // Of many senders one writes.
    guard sleeps.exchange(false, ordering: .sequentiallyConsistent) else { return }
    writes.add(1, ordering: .relaxed)
    cls_event_signal(descriptor)
  }

  /// Called by the lane: from now on ``wake()`` writes.
  ///
  /// False: there is mail already.
  func announceSleep() -> Bool {
    sleeps.store(true, ordering: .sequentiallyConsistent)
    return !hasMail.load(ordering: .sequentiallyConsistent)
  }

  /// Called by the lane: whether it has to look into its mailboxes, all of them.
  func takeMail() -> Bool {
    hasMail.load(ordering: .relaxed)
      && hasMail.exchange(false, ordering: .sequentiallyConsistent)
  }

  func endSleep() {
    sleeps.store(false, ordering: .sequentiallyConsistent)
  }

  /// Empties the eventfd after it became readable.
  func acknowledge() {
    cls_event_clear(descriptor)
  }
}
