import Dispatch
package import Elements
import Glibc
import Synchronization

/// Keeps the kernel's table in step with the bans, on a thread of its own.
///
/// It only spares work: whatever the kernel lets through is dropped in the process. So a bar that fails is told and not fatal. Who
/// is let in again must be: where the kernel does not take that, the table is made anew, until it is, and told of all bans again.
package final class Firewall: Sendable {
  private struct Queue: Sendable {
    var book = FirewallBook()
    var isStopping = false
  }

  private let rules: FirewallRules
  private let report: @Sendable (String) -> Void
  /// Gives commands to the kernel, all or none of which take effect; false: none.
  private let run: @Sendable (String) -> Bool
  private let queue = Mutex(Queue())
  private let waiting = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let retryAfter: Duration

  private static let program = "/usr/sbin/nft"

  private init(
    _ rules: FirewallRules, retryAfter: Duration, run: @escaping @Sendable (String) -> Bool,
    report: @escaping @Sendable (String) -> Void
  ) {
    (self.rules, self.run, self.report) = (rules, run, report)
    self.retryAfter = retryAfter
  }

  /// Makes the table for these listeners.
  ///
  /// - Throws: Why the kernel cannot help: no `nft`, or no right to use it.
  package static func open(
    for ports: [ListenAddress], report: @escaping @Sendable (String) -> Void
  ) throws(NetError) -> Firewall {
    guard access(program, X_OK) == 0 else {
      throw .configuration(
        "There is no \(program): install nftables, or set firewall to off.")
    }
    return try open(for: ports, run: run, report: report)
  }

  /// The same with another way to the kernel; a table that it does not make anew is tried again after `retryAfter`.
  package static func open(
    for ports: [ListenAddress], retryAfter: Duration = .seconds(10),
    run: @escaping @Sendable (String) -> Bool, report: @escaping @Sendable (String) -> Void
  ) throws(NetError) -> Firewall {
    let firewall = Firewall(
      FirewallRules(ports: ports), retryAfter: retryAfter, run: run, report: report)
    guard run(firewall.rules.beginning) else {
      throw .configuration(
        """
        nft makes no table: the server needs root or CAP_NET_ADMIN for it. Give it that right, or set firewall \
        to off.
        """)
    }
    let started = startThread(name: "firewall") { firewall.work() }
    guard started == 0 else { throw .system(call: "pthread_create", errno: started) }
    return firewall
  }

  /// Has the kernel drop what comes from there; `until` nil: until ``unbar(_:)``.
  package func bar(_ network: IPNetwork, until: WallTime?) {
    // Never the machine itself: it would lock its own operator out.
    guard !network.address.isLoopback else { return }
    queue.withLock { $0.book.bar(network, until: until, at: Clocks.wall()) }
    waiting.signal()
  }

  package func unbar(_ network: IPNetwork) {
    guard !network.address.isLoopback else { return }
    queue.withLock { $0.book.unbar(network) }
    waiting.signal()
  }

  /// Takes the table away.
  package func stop() {
    queue.withLock { $0.isStopping = true }
    waiting.signal()
    ended.wait()
  }

  private var isStopping: Bool { queue.withLock { $0.isStopping } }

  private func work() {
    while !isStopping {
      switch queue.withLock({ $0.book.take(at: Clocks.wall()) }) {
      case nil: waiting.wait()
      case .begin: beginAnew()
      case .orders(let orders): _ = give(orders[...])
      }
    }
    _ = run(rules.removal)
    ended.signal()
  }

  /// Makes the table anew, however often that takes, or until the end.
  private func beginAnew() {
    var isTold = false
    while !run(rules.beginning) {
      if !isTold {
        report("nft makes no table; until it does, the kernel may drop who is let in again")
      }
      isTold = true
      let wait = DispatchTime.now() + .nanoseconds(Int(retryAfter.wholeNanoseconds))
      // Each order wakes it as well, and is looked at when there is a table: only the end matters here.
      while waiting.wait(timeout: wait) == .success {
        if isStopping { return }
      }
    }
  }

  /// One that is refused must not take the others with it: they are tried by halves.
  ///
  /// - Returns: False where the rest is void: the table will be made anew, or the end has come.
  private func give(_ orders: ArraySlice<FirewallRules.Order>) -> Bool {
    guard !isStopping else { return false }
    if run(rules.commands(Array(orders))) { return true }
    guard orders.count == 1, let order = orders.first else {
      let middle = orders.startIndex + orders.count / 2
      return give(orders[..<middle]) && give(orders[middle...])
    }
    report("the kernel's table does not take \(order)")
    // It may overlap with another one, or `systemctl restart nftables` has emptied the kernel.
    if order.isBar, run(rules.probe) { return true }
    report("it is made anew; until then who is banned is dropped in the process")
    queue.withLock { $0.book.beginAnew(at: Clocks.wall()) }
    return false
  }

  /// Gives commands to `nft`, all or none of which take effect.
  private static func run(_ commands: String) -> Bool {
    guard let pipe = popen("\(program) -f - 2>/dev/null", "we") else { return false }
    fputs(commands, pipe)
    return pclose(pipe) == 0
  }
}
