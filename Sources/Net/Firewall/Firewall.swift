import Dispatch
package import Elements
import Glibc
import Synchronization

/// Keeps the kernel's table in step with the bans, on a thread of its own.
///
/// It only spares work: whatever the kernel lets through is dropped in the process. So a bar that fails is told and not fatal. Who
/// is let in again must be: where the kernel does not take that, the table is made anew, until it is.
package final class Firewall: Sendable {
  private struct Queue: Sendable {
    var backlog = FirewallBacklog()
    var isStopping = false
    var hasOverflown = false
  }

  private let rules: FirewallRules
  private let report: @Sendable (String) -> Void
  /// Gives commands to the kernel, all or none of which take effect; false: none.
  private let run: @Sendable (String) -> Bool
  private let queue = Mutex(Queue())
  private let waiting = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let retryAfter: Duration
  /// The table is new and empty, and wants to be told once more who is banned.
  private let anew: @Sendable () -> Void

  private static let program = "/usr/sbin/nft"
  /// Orders of one run of the program.
  private static let ordersAtOnce = 5_000

  private init(
    _ rules: FirewallRules, retryAfter: Duration, run: @escaping @Sendable (String) -> Bool,
    anew: @escaping @Sendable () -> Void, report: @escaping @Sendable (String) -> Void
  ) {
    (self.rules, self.run, self.anew, self.report) = (rules, run, anew, report)
    self.retryAfter = retryAfter
  }

  /// Makes the table for these listeners; `anew` is called when it was emptied and should hear of all bans again.
  ///
  /// - Throws: Why the kernel cannot help: no `nft`, or no right to use it.
  package static func open(
    for ports: [ListenAddress], anew: @escaping @Sendable () -> Void,
    report: @escaping @Sendable (String) -> Void
  ) throws(NetError) -> Firewall {
    guard access(program, X_OK) == 0 else {
      throw .configuration(
        "There is no \(program): install nftables, or set firewall to off.")
    }
    return try open(for: ports, run: run, anew: anew, report: report)
  }

  /// The same with another way to the kernel; a table that it does not make anew is tried again after `retryAfter`.
  package static func open(
    for ports: [ListenAddress], retryAfter: Duration = .seconds(10),
    run: @escaping @Sendable (String) -> Bool, anew: @escaping @Sendable () -> Void,
    report: @escaping @Sendable (String) -> Void
  ) throws(NetError) -> Firewall {
    let firewall = Firewall(
      FirewallRules(ports: ports), retryAfter: retryAfter, run: run, anew: anew, report: report)
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
    let seconds = until.map { ($0 - Clocks.wall()).wholeMilliseconds / 1_000 + 1 }
    // Never the machine itself: it would lock its own operator out.
    guard seconds ?? 1 > 0, !network.address.isLoopback else { return }
    put(.bar(network, seconds: seconds))
  }

  package func unbar(_ network: IPNetwork) {
    guard !network.address.isLoopback else { return }
    put(.unbar(network))
  }

  /// Takes the table away.
  package func stop() {
    queue.withLock { $0.isStopping = true }
    waiting.signal()
    ended.wait()
  }

  private func put(_ order: FirewallRules.Order) {
    let isNews = queue.withLock { queue in
      guard queue.backlog.put(order) == .overflown else { return false }
      defer { queue.hasOverflown = true }
      return !queue.hasOverflown
    }
    if isNews {
      report(
        "the kernel's table does not keep up with the bans; the rest is dropped in the process")
    }
    waiting.signal()
  }

  private func work() {
    while true {
      waiting.wait()
      let (work, isStopping) = queue.withLock { queue in
        guard !queue.isStopping else { return (FirewallBacklog.Work(), true) }
        queue.hasOverflown = false
        return (queue.backlog.take(), false)
      }
      if isStopping { break }
      if work.beginsAnew, !beginAnew() { break }
      for start in stride(from: 0, to: work.orders.count, by: Self.ordersAtOnce) {
        give(work.orders[start..<min(start + Self.ordersAtOnce, work.orders.count)])
      }
    }
    _ = run(rules.removal)
    ended.signal()
  }

  /// Makes the table anew, however often that takes.
  ///
  /// - Returns: False where the end came first.
  private func beginAnew() -> Bool {
    var isTold = false
    while !run(rules.beginning) {
      if !isTold {
        report("nft makes no table; until it does, the kernel may drop who is let in again")
      }
      isTold = true
      let wait = DispatchTime.now() + .nanoseconds(Int(retryAfter.wholeNanoseconds))
      // Each order wakes it as well, and what they say is looked at when there is a table: only the end matters here.
      while waiting.wait(timeout: wait) == .success {
        if queue.withLock({ $0.isStopping }) { return false }
      }
    }
    // What has woken it meanwhile waits yet.
    waiting.signal()
    anew()
    return true
  }

  /// One that is refused must not take the others with it: they are tried by halves.
  private func give(_ orders: ArraySlice<FirewallRules.Order>) {
    guard !orders.isEmpty, !run(rules.commands(Array(orders))) else { return }
    guard orders.count == 1, let order = orders.first else {
      let middle = orders.startIndex + orders.count / 2
      give(orders[..<middle])
      give(orders[middle...])
      return
    }
    report("the kernel's table does not take \(order)")
    // It may overlap with another one, or `systemctl restart nftables` has emptied the kernel.
    if order.isBar, run(rules.probe) { return }
    report("it is made anew; until then who is banned is dropped in the process")
    queue.withLock { $0.backlog.beginAnew() }
    waiting.signal()
  }

  /// Gives commands to `nft`, all or none of which take effect.
  private static func run(_ commands: String) -> Bool {
    guard let pipe = popen("\(program) -f - 2>/dev/null", "we") else { return false }
    fputs(commands, pipe)
    return pclose(pipe) == 0
  }
}
