import Dispatch
package import Elements
import Glibc
import Synchronization

/// Keeps the kernel's table in step with the bans, on a thread of its own.
///
/// It only spares work: whatever the kernel lets through is dropped in the process. So a failure is told and not fatal.
package final class Firewall: Sendable {
  private struct Queue: Sendable {
    var orders: [FirewallRules.Order] = []
    var isStopping = false
    var hasOverflown = false
  }

  private let rules: FirewallRules
  private let report: @Sendable (String) -> Void
  private let queue = Mutex(Queue())
  private let waiting = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// Orders that may wait; what comes beyond is left to the process.
  private static let capacity = 10_000
  private static let program = "/usr/sbin/nft"

  private init(_ rules: FirewallRules, report: @escaping @Sendable (String) -> Void) {
    (self.rules, self.report) = (rules, report)
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
    let firewall = Firewall(FirewallRules(ports: ports), report: report)
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
    let isFull = queue.withLock { queue in
      guard queue.orders.count < Self.capacity else {
        defer { queue.hasOverflown = true }
        return !queue.hasOverflown
      }
      queue.orders.append(order)
      return false
    }
    if isFull {
      report(
        "the kernel's table does not keep up with the bans; the rest is dropped in the process")
    }
    waiting.signal()
  }

  private func work() {
    while true {
      waiting.wait()
      let (orders, isStopping) = queue.withLock { queue in
        defer { (queue.orders, queue.hasOverflown) = ([], false) }
        return (queue.orders, queue.isStopping)
      }
      if isStopping { break }
      guard !orders.isEmpty else { continue }
      give(orders[...])
    }
    _ = Self.run(rules.removal)
    ended.signal()
  }

  /// One that is refused must not take the others with it: they are tried by halves.
  private func give(_ orders: ArraySlice<FirewallRules.Order>) {
    guard !Self.run(rules.commands(Array(orders))) else { return }
    guard orders.count > 1 else {
      return orders.forEach { report("the kernel's table does not take \($0)") }
    }
    let middle = orders.startIndex + orders.count / 2
    give(orders[..<middle])
    give(orders[middle...])
  }

  /// Gives commands to `nft`, all or none of which take effect.
  private static func run(_ commands: String) -> Bool {
    guard let pipe = popen("\(program) -f - 2>/dev/null", "we") else { return false }
    fputs(commands, pipe)
    return pclose(pipe) == 0
  }
}
