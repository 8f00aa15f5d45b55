import Dispatch
package import Elements
import Glibc
import Synchronization

/// Keeps the kernel's table in step with the bans, on a thread of its own.
///
/// What it is told before ``open()`` waits for that. It only spares work: whatever the kernel lets through is dropped in the process.
/// So a bar that fails is told and not fatal. Who is let in again must be: where the kernel does not take that, the table is made anew,
/// until it is, and told of all bans again.
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

  /// For these listeners; the kernel hears of it when it is opened.
  package convenience init(
    for ports: [ListenAddress], report: @escaping @Sendable (String) -> Void
  ) {
    self.init(for: ports, run: Self.run, report: report)
  }

  /// The same with another way to the kernel; a table that it does not make anew is tried again after `retryAfter`.
  package init(
    for ports: [ListenAddress], retryAfter: Duration = .seconds(10),
    run: @escaping @Sendable (String) -> Bool, report: @escaping @Sendable (String) -> Void
  ) {
    (rules, self.run, self.report) = (FirewallRules(ports: ports), run, report)
    self.retryAfter = retryAfter
  }

  /// Makes the table, with all who are barred by now.
  ///
  /// To be called once.
  ///
  /// - Throws: Why the kernel cannot help: no `nft`, or no right to use it. Then it stays as if it had been stopped.
  package func open() throws(NetError) {
    do throws(NetError) {
      guard run(rules.beginning) else {
        throw .configuration(
          access(Self.program, X_OK) != 0
            ? "There is no \(Self.program): install nftables, or set firewall to off."
            : """
            nft makes no table: the server needs root or CAP_NET_ADMIN for it. Give it that right, or set firewall \
            to off.
            """)
      }
      let started = startThread(name: "firewall") { [self] in work() }
      guard started == 0 else { throw .system(call: "pthread_create", errno: started) }
    } catch {
      queue.withLock { $0 = Queue(isStopping: true) }
      throw error
    }
  }

  /// Has the kernel drop what comes from there; `until` nil: until ``unbar(_:)``.
  package func bar(_ network: IPNetwork, until: WallTime?) {
    write(network) { $0.bar(network, until: until) }
  }

  package func unbar(_ network: IPNetwork) {
    write(network) { $0.unbar(network) }
  }

  private func write(_ network: IPNetwork, _ change: (inout FirewallBook) -> Void) {
    // Never the machine itself: it would lock its own operator out.
    guard !network.address.isLoopback else { return }
    let isBusy = queue.withLock { queue in
      guard !queue.isStopping else { return true }
      defer { change(&queue.book) }
      return queue.book.hasWork
    }
    if !isBusy { waiting.signal() }
  }

  /// Takes the table away; only where it was opened.
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
      case .orders(let orders): give(orders)
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
      // Only the end wakes it sooner.
      _ = waiting.wait(timeout: .now() + .nanoseconds(Int(retryAfter.wholeNanoseconds)))
      if isStopping { return }
      // As many may have come meanwhile.
      _ = queue.withLock { $0.book.take(at: Clocks.wall()) }
    }
    let networks = queue.withLock { $0.book.begun() }
    // Of those that overlap the widest is taken.
    let ordered = networks.sorted { ($0.bits, $0) < ($1.bits, $1) }
    queue.withLock { $0.book.tell(ordered) }
  }

  /// One that is refused must not take the others with it: they are tried by halves.
  private func give(_ orders: [FirewallRules.Order]) {
    var parts = [orders[...]]
    while let part = parts.popLast(), !isStopping {
      if !run(rules.commands(Array(part))) {
        if part.count > 1 {
          let middle = part.startIndex + part.count / 2
          parts += [part[middle...], part[..<middle]]
        } else if let order = part.first, !isSpared(order) {
          queue.withLock { $0.book.beginAnew() }
          return
        }
      }
      let isLeft = queue.withLock { queue in
        guard queue.book.hasOpenings else { return false }
        queue.book.takeBack(parts.reversed().joined())
        return true
      }
      if isLeft { return }
    }
  }

  /// Whether the table may do without an order that it refuses.
  private func isSpared(_ order: FirewallRules.Order) -> Bool {
    report("the kernel's table does not take \(order)")
    // It may overlap with another one, or `systemctl restart nftables` has emptied the kernel.
    guard order.isBar, run(rules.probe) else {
      report("it is made anew; until then who is banned is dropped in the process")
      return false
    }
    queue.withLock { $0.book.refuse(order.network) }
    return true
  }

  /// Gives commands to `nft`, all or none of which take effect.
  private static func run(_ commands: String) -> Bool {
    guard let pipe = popen("\(program) -f - 2>/dev/null", "we") else { return false }
    fputs(commands, pipe)
    return pclose(pipe) == 0
  }
}
