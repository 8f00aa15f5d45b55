import Dispatch
import Elements
import Net
import SIP
import Synchronization
import Testing

/// What stands in for `nft`: keeps the elements of all sets, refuses what it is told to, and can be made to wait.
private final class FakeKernel: Sendable {
  private struct State {
    var elements: Set<String> = []
    /// Commands with this in them are refused so often.
    var refused: (words: String, times: Int)?
    var tables = 0
  }

  private let state = Mutex(State())
  private let ran = DispatchSemaphore(value: 0)
  let gate: DispatchSemaphore?

  init(gate: DispatchSemaphore? = nil) { self.gate = gate }

  var elements: Set<String> { state.withLock { $0.elements } }
  /// How often the table was made.
  var tables: Int { state.withLock { $0.tables } }

  func refuse(_ words: String, times: Int) { state.withLock { $0.refused = (words, times) } }

  func run(_ commands: String) -> Bool {
    if commands.hasPrefix("add element") { gate?.wait() }
    defer { ran.signal() }
    return state.withLock { state in
      if let refused = state.refused, refused.times > 0, commands.contains(refused.words) {
        state.refused?.times -= 1
        return false
      }
      for line in commands.split(separator: "\n") {
        let words = line.split(separator: " ")
        if line.hasPrefix("delete table") { state.elements = [] }
        if line.hasPrefix("add chain") { state.tables += 1 }
        if line.hasPrefix("add element") { state.elements.insert(String(words[6])) }
        if line.hasPrefix("delete element") { state.elements.remove(String(words[6])) }
      }
      return true
    }
  }

  /// Waits until it is so, ten seconds for each run at most.
  func reaches(_ isSo: () -> Bool) -> Bool {
    while !isSo() {
      guard ran.wait(timeout: .now() + 10) == .success else { return isSo() }
    }
    return true
  }
}

@Suite struct FirewallTests {
  private let ports = [ListenAddress(.udp, Endpoint(.v4Any, 5060))]
  private let pardoned = IPNetwork(IPAddress(v4: 0xC633_6407))

  private func stranger(_ number: Int) -> IPNetwork {
    IPNetwork(IPAddress(v4: 0xCB00_0000 + UInt32(number)))
  }

  @Test("Who is let in again is let in by the kernel, however many bans wait for it")
  func openings() throws {
    let kernel = FakeKernel(gate: DispatchSemaphore(value: 0))
    let reports = Mutex(0)
    let firewall = try Firewall.open(
      for: ports, run: kernel.run, anew: {}, report: { _ in reports.withLock { $0 += 1 } })
    firewall.bar(pardoned, until: nil)
    kernel.gate?.signal()
    #expect(kernel.reaches { kernel.elements == ["\(pardoned.address)"] })
    // The kernel takes its time, and more is banned than may wait.
    for number in 0..<2 * FirewallBacklog.bars + 500 { firewall.bar(stranger(number), until: nil) }
    firewall.unbar(pardoned)
    for _ in 0..<8 { kernel.gate?.signal() }
    #expect(kernel.reaches { kernel.elements.count >= FirewallBacklog.bars })
    #expect(kernel.reaches { !kernel.elements.contains("\(pardoned.address)") })
    #expect(reports.withLock { $0 } >= 1, "that some bans are kept in the process only")
    firewall.stop()
    #expect(kernel.elements.isEmpty)
  }

  @Test("A table that does not let somebody go is made anew, until it is, and told again")
  func begunAnew() throws {
    let kernel = FakeKernel()
    let told = DispatchSemaphore(value: 0)
    let firewall = try Firewall.open(
      for: ports, retryAfter: .milliseconds(1), run: kernel.run, anew: { told.signal() },
      report: { _ in })
    firewall.bar(pardoned, until: nil)
    #expect(kernel.reaches { kernel.elements.contains("\(pardoned.address)") })
    kernel.refuse("e", times: 4)  // Everything.
    firewall.unbar(pardoned)
    #expect(told.wait(timeout: .now() + 10) == .success)
    #expect(kernel.elements.isEmpty && kernel.tables == 2)
    firewall.bar(stranger(1), until: nil)
    #expect(kernel.reaches { kernel.elements == ["\(stranger(1).address)"] })
    firewall.stop()
  }

  @Test(
    "A table that somebody has taken away is made anew at the next ban; one that overlaps is no reason"
  )
  func takenAway() throws {
    let kernel = FakeKernel()
    let told = DispatchSemaphore(value: 0)
    let reported = DispatchSemaphore(value: 0)
    let firewall = try Firewall.open(
      for: ports, retryAfter: .milliseconds(1), run: kernel.run, anew: { told.signal() },
      report: { _ in reported.signal() })
    firewall.bar(pardoned, until: nil)
    #expect(kernel.reaches { kernel.elements.contains("\(pardoned.address)") })
    kernel.refuse("\(stranger(1).address)", times: .max)
    firewall.bar(stranger(1), until: nil)
    #expect(reported.wait(timeout: .now() + 10) == .success)
    firewall.bar(stranger(2), until: nil)
    #expect(kernel.reaches { kernel.elements.count == 2 } && kernel.tables == 1)
    kernel.refuse("add element", times: .max)
    firewall.bar(stranger(3), until: nil)
    #expect(told.wait(timeout: .now() + 10) == .success)
    #expect(kernel.elements.isEmpty && kernel.tables == 2)
    firewall.stop()
  }

  @Test("It ends although the kernel takes nothing any more")
  func stops() throws {
    let kernel = FakeKernel()
    let reported = DispatchSemaphore(value: 0)
    let firewall = try Firewall.open(
      for: ports, retryAfter: .seconds(3_600), run: kernel.run, anew: {},
      report: { _ in reported.signal() })
    kernel.refuse("e", times: .max)
    firewall.unbar(pardoned)
    for _ in 0..<2 { #expect(reported.wait(timeout: .now() + 10) == .success) }
    firewall.stop()
  }
}

@Suite struct FirewallBacklogTests {
  private func network(_ number: Int) -> IPNetwork {
    IPNetwork(IPAddress(v4: 0xCB00_0000 + UInt32(number)))
  }

  @Test("Of each network the last word counts, in the place of that")
  func lastWords() {
    var backlog = FirewallBacklog()
    for _ in 0..<1_000 {
      #expect(backlog.put(.bar(network(1), seconds: 60)) == .taken)
      #expect(backlog.put(.bar(network(2), seconds: 60)) == .taken)
      #expect(backlog.put(.unbar(network(1))) == .taken)
    }
    #expect(backlog.take().orders == [.bar(network(2), seconds: 60), .unbar(network(1))])
    #expect(backlog.take().orders.isEmpty)
  }

  @Test("Where not even the openings find room the table is made anew, and what waited is void")
  func overflow() {
    var backlog = FirewallBacklog()
    for number in 0..<FirewallBacklog.most {
      #expect(backlog.put(.unbar(network(number))) == .taken)
    }
    #expect(backlog.put(.bar(network(FirewallBacklog.most), seconds: nil)) == .overflown)
    #expect(backlog.put(.unbar(network(FirewallBacklog.most))) == .overflown)
    #expect(backlog.put(.bar(network(1), seconds: nil)) == .taken)
    let work = backlog.take()
    #expect(work.beginsAnew && work.orders == [.bar(network(1), seconds: nil)])
  }
}
