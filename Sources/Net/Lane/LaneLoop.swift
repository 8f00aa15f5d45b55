import CLinuxSockets
package import Elements
import Glibc
import Synchronization

/// What lives on a lane: gets its sockets' readiness and a turn after each wait, from one thread only.
package protocol LaneResident: AnyObject {
  /// When the resident wants its next turn at the latest; nil: only when something comes.
  var deadline: Instant? { get }
  /// A watched descriptor is ready.
  ///
  /// `token` is the one given to ``LaneLoop/watch(_:for:token:)``; it may be of a descriptor that was
  /// closed in this very turn.
  func ready(_ token: UInt64, hasError: Bool, at now: Now)
  /// Something may have come into one of the lane's mailboxes.
  func takeMail(at now: Now)
  /// Fires what is due, sends what was collected.
  ///
  /// Comes once in each turn of the loop, after everything that was ready and after the mail.
  func turn(at now: Now)
}

extension LaneResident {
  package func ready(_ token: UInt64, hasError: Bool, at now: Now) {}
  package func takeMail(at now: Now) {}
}

/// An epoll loop that belongs to one thread; what lives on it needs no lock.
package final class LaneLoop {
  private let descriptor: Int32
  private let waker: LaneWaker
  private var residents: [any LaneResident] = []
  private var events = [cls_ready](repeating: cls_ready(), count: LaneLoop.readyAtOnce)

  private static let readyAtOnce = 256
  private static let wakerToken = UInt64.max
  private static let tokenBits: UInt64 = 56

  package init(waker: LaneWaker) throws(NetError) {
    self.waker = waker
    descriptor = cls_epoll_open()
    guard descriptor >= 0 else { throw .system(call: "epoll_create1", errno: -descriptor) }
    try watch(waker.descriptor, packed: Self.wakerToken)
  }

  deinit { close(descriptor) }

  /// Adds a resident; the number is for ``watch(_:for:token:)``.
  package func add(_ resident: any LaneResident) -> Int {
    residents.append(resident)
    return residents.count - 1
  }

  /// Watches a descriptor for reading, level-triggered: what is not drained now is told again.
  ///
  /// `token` has 56 bits and comes back in ``LaneResident/ready(_:hasError:at:)``.
  package func watch(_ socket: Int32, for resident: Int, token: UInt64) throws(NetError) {
    invariant(token >> Self.tokenBits == 0, "token \(token) is too large")
    try watch(socket, packed: UInt64(resident) << Self.tokenBits | token)
  }

  /// Ends watching, before the descriptor is closed.
  package func unwatch(_ socket: Int32) {
    _ = cls_epoll_unwatch(descriptor, socket)
  }

  private func watch(_ socket: Int32, packed: UInt64) throws(NetError) {
    let result = cls_epoll_watch(descriptor, socket, packed)
    guard result == 0 else { throw .system(call: "epoll_ctl", errno: -result) }
  }

  /// Runs until `stop` is set and the waker called.
  func run(until stop: borrowing Atomic<Bool>) throws(NetError) {
    var busy = false
    while !stop.load(ordering: .acquiring) {
      let count = try busy ? wait(for: 0) : sleep()
      guard count > 0 || !busy else {
        busy = false
        continue  // Nothing more at once: now it may sleep.
      }
      let now = Clocks.now()
      for index in 0..<count { dispatch(events[index], at: now) }
      if waker.takeMail() {
        for resident in residents { resident.takeMail(at: now) }
      }
      for resident in residents { resident.turn(at: now) }
      // One event alone is a quiet lane, which need not look twice.
      busy = count > 1
    }
  }

  private func dispatch(_ event: cls_ready, at now: Now) {
    guard event.token != Self.wakerToken else { return waker.acknowledge() }
    let resident = residents[Int(event.token >> Self.tokenBits)]
    resident.ready(
      event.token & (1 << Self.tokenBits - 1), hasError: event.error, at: now)
  }

  /// Waits for events, for mail, or for the earliest deadline.
  private func sleep() throws(NetError) -> Int {
    defer { waker.endSleep() }
    guard waker.announceSleep() else { return try wait(for: 0) }
    var deadline: Instant?
    for resident in residents {
      guard let wanted = resident.deadline else { continue }
      deadline = deadline.map { min($0, wanted) } ?? wanted
    }
    guard let deadline else { return try wait(for: -1) }
    return try wait(for: max(0, deadline.nanoseconds - Clocks.instant().nanoseconds))
  }

  private func wait(for timeout: Int64) throws(NetError) -> Int {
    let count = cls_epoll_wait(descriptor, &events, Int32(Self.readyAtOnce), timeout)
    guard count >= 0 else { throw .system(call: "epoll_wait", errno: -count) }
    return Int(count)
  }
}
