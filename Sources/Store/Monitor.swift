import Glibc

/// State that several threads of ours share, with a bell to wait at: one mutex, one condition variable.
///
/// For the few places where a thread has to sleep until another one brings something (journal writer,
/// follower, outbox). Everything under the lock is short: no I/O, no call into somebody else's code.
package final class Monitor<State: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let bell: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    bell = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    bell.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(bell, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(bell)
    pthread_mutex_destroy(mutex)
    bell.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the state without waking anybody.
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Changes the state, then wakes all who wait when `body` says that there is news for them.
  package func change(_ body: (inout State) -> Bool) {
    pthread_mutex_lock(mutex)
    let isNews = body(&state)
    pthread_mutex_unlock(mutex)
    if isNews { pthread_cond_broadcast(bell) }
  }

  /// Sleeps until `ready` holds or `timeout` has passed, then runs `body` under the same lock.
  ///
  /// Without a timeout it waits for ever.
  package func wait<Result>(
    for timeout: Duration? = nil, until ready: (State) -> Bool, then body: (inout State) -> Result
  ) -> Result {
    var end = timespec()
    if let timeout {
      clock_gettime(CLOCK_MONOTONIC, &end)
      let (seconds, attoseconds) = timeout.components
      let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
      end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
      end.tv_nsec = nanoseconds % 1_000_000_000
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !ready(state) {
      if timeout == nil {
        pthread_cond_wait(bell, mutex)
      } else if pthread_cond_timedwait(bell, mutex, &end) == ETIMEDOUT {
        break
      }
    }
    return body(&state)
  }
}
