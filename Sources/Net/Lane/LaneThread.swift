import CLinuxSockets
import Dispatch
import Glibc
import Synchronization

/// A thread of ours with a loop on it.
///
/// What lives there is made on it and never leaves it.
package final class LaneThread: Sendable {
  /// Of the lane's loop, for its mailboxes.
  package let waker: LaneWaker
  private let stopping = Atomic<Bool>(false)
  private let outcome = ThreadOutcome()

  /// Starts the thread and waits until `populate` has put the residents on the loop.
  ///
  /// - Parameters:
  ///   - name: As `top -H` and a debugger show it, cut to 15 bytes.
  ///   - waker: Wakes this lane; its mailboxes were made with it.
  ///   - failed: Called on the thread when the loop breaks later; the process cannot go on then.
  ///   - populate: Runs on the new thread; an error of it is thrown here.
  /// - Throws: What kept the thread or its loop from starting.
  package init(
    name: String, waker: LaneWaker, failed: @escaping @Sendable (NetError) -> Void,
    populate: @escaping @Sendable (LaneLoop) throws(NetError) -> Void
  ) throws(NetError) {
    self.waker = waker
    let outcome = outcome
    let started = startThread(name: name) { [self] in
      defer { outcome.finish() }
      do throws(NetError) {
        let loop = try LaneLoop(waker: waker)
        try populate(loop)
        outcome.settle(nil)
        try loop.run(until: stopping)
      } catch {
        if !outcome.settle(error) { failed(error) }
      }
    }
    guard started == 0 else { throw .system(call: "pthread_create", errno: started) }
    if let error = outcome.waitUntilSettled() { throw error }
  }

  /// Ends the loop after its current turn and waits for the thread.
  ///
  /// Not to be called from the lane.
  package func stop() {
    stopping.store(true, ordering: .releasing)
    // A write of its own: the lane may be just about to sleep, outside any mailbox's lock.
    cls_event_signal(waker.descriptor)
    outcome.waitUntilFinished()
  }
}

/// What became of a thread: how its start went, and whether it has ended.
private final class ThreadOutcome: Sendable {
  private struct Start {
    var isSettled = false
    var error: NetError?
  }

  private let start = Mutex(Start())
  private let settled = DispatchSemaphore(value: 0)
  private let finished = DispatchSemaphore(value: 0)

  /// Says how the start went, once.
  ///
  /// False: that was said before.
  @discardableResult
  func settle(_ error: NetError?) -> Bool {
    let first = start.withLock { start in
      guard !start.isSettled else { return false }
      (start.isSettled, start.error) = (true, error)
      return true
    }
    if first { settled.signal() }
    return first
  }

  func finish() { finished.signal() }

  func waitUntilSettled() -> NetError? {
    settled.wait()
    return start.withLock { $0.error }
  }

  func waitUntilFinished() {
    finished.wait()
    finished.signal()  // For whoever waits as well.
  }
}

/// What a new thread runs, carried through the C interface.
private final class ThreadBody {
  let name: String
  let run: @Sendable () -> Void

  init(name: String, run: @escaping @Sendable () -> Void) {
    (self.name, self.run) = (name, run)
  }
}

/// Starts a detached thread; returns 0 or an errno.
func startThread(name: String, _ run: @escaping @Sendable () -> Void) -> Int32 {
  let body = Unmanaged.passRetained(ThreadBody(name: name, run: run))
  var thread = pthread_t()
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  // The lane's frames are flat; a parser's recursion is bounded far below this.
  pthread_attr_setstacksize(&attributes, 2 << 20)
  let result = pthread_create(
    &thread, &attributes,
    { argument in
      guard let argument else { return nil }
      let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
      cls_name_thread(body.name)
      body.run()
      return nil
    }, body.toOpaque())
  if result != 0 { body.release() }
  return result
}
