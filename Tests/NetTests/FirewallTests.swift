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
    var isLost = false
    var refusals = 0
  }

  private let state = Mutex(State())
  private let ran = DispatchSemaphore(value: 0)
  private let arrivals = DispatchSemaphore(value: 0)
  let gate: DispatchSemaphore?

  init(gate: DispatchSemaphore? = nil) { self.gate = gate }

  var elements: Set<String> { state.withLock { $0.elements } }
  /// How often the table was made.
  var tables: Int { state.withLock { $0.tables } }

  var refusals: Int { state.withLock { $0.refusals } }

  func refuse(_ words: String, times: Int) { state.withLock { $0.refused = (words, times) } }

  /// Somebody takes the table away.
  func loseTable() { state.withLock { ($0.isLost, $0.elements) = (true, []) } }

  func run(_ commands: String) -> Bool {
    if commands.hasPrefix("add element"), let gate {
      arrivals.signal()
      gate.wait()
    }
    defer { ran.signal() }
    return state.withLock { state in
      if let refused = state.refused, refused.times > 0, commands.contains(refused.words) {
        state.refused?.times -= 1
        state.refusals += 1
        return false
      }
      if commands.hasPrefix("add table") { state.isLost = false }
      guard !state.isLost else { return false }
      for line in commands.split(separator: "\n") {
        let words = line.split(separator: " ")
        if line.hasPrefix("delete table") { state.elements = [] }
        if line.hasPrefix("add chain"), line.contains("hook") { state.tables += 1 }
        if line.hasPrefix("add element") { state.elements.insert(String(words[6])) }
        if line.hasPrefix("delete element") { state.elements.remove(String(words[6])) }
      }
      return true
    }
  }

  /// Waits until one more run stands at the gate.
  func isReached() -> Bool { arrivals.wait(timeout: .now() + 10) == .success }

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

  @Test("All who are banned come into the kernel, however many, and who is let in again first")
  func openings() throws {
    let kernel = FakeKernel(gate: DispatchSemaphore(value: 0))
    let firewall = Firewall(for: ports, run: kernel.run, report: { _ in })
    try firewall.open()
    firewall.bar(pardoned, until: nil)
    kernel.gate?.signal()
    #expect(kernel.reaches { kernel.elements == ["\(pardoned.address)"] })
    // The kernel takes its time.
    firewall.bar(stranger(0), until: nil)
    let count = 3 * FirewallBook.most
    for number in 0..<count { firewall.bar(stranger(number), until: nil) }
    firewall.unbar(pardoned)
    // One run that has begun before the pardon, and one with it.
    for _ in 0..<2 { kernel.gate?.signal() }
    #expect(kernel.reaches { !kernel.elements.contains("\(pardoned.address)") })
    #expect(kernel.elements.count < count)
    for _ in 0..<8 { kernel.gate?.signal() }
    #expect(kernel.reaches { kernel.elements.count == count })
    firewall.stop()
    #expect(kernel.elements.isEmpty)
  }

  @Test("Who is banned before the table is made is in it, and who is let in again is not")
  func beforeOpening() throws {
    let kernel = FakeKernel()
    let firewall = Firewall(for: ports, run: kernel.run, report: { _ in })
    for network in [pardoned, stranger(1), stranger(2)] { firewall.bar(network, until: nil) }
    firewall.unbar(pardoned)
    #expect(kernel.elements.isEmpty)
    try firewall.open()
    let rest = Set([stranger(1), stranger(2)].map { "\($0.address)" })
    #expect(kernel.reaches { kernel.elements == rest })
    firewall.stop()
  }

  @Test("A kernel that makes no table is asked nothing more")
  func refusedOpening() {
    let kernel = FakeKernel()
    kernel.refuse("add table", times: 1)
    let firewall = Firewall(for: ports, run: kernel.run, report: { _ in })
    firewall.bar(stranger(1), until: nil)
    #expect(throws: NetError.self) { try firewall.open() }
    firewall.bar(stranger(2), until: nil)
    #expect(kernel.tables == 0 && kernel.elements.isEmpty)
  }

  @Test("A table that does not let somebody go is made anew, until it is, and told again")
  func begunAnew() throws {
    let kernel = FakeKernel()
    let firewall = Firewall(
      for: ports, retryAfter: .milliseconds(1), run: kernel.run, report: { _ in })
    try firewall.open()
    for network in [pardoned, stranger(1), stranger(2)] { firewall.bar(network, until: nil) }
    #expect(kernel.reaches { kernel.elements.count == 3 })
    kernel.refuse("e", times: 4)  // Everything.
    firewall.unbar(pardoned)
    let rest = Set([stranger(1), stranger(2)].map { "\($0.address)" })
    #expect(kernel.reaches { kernel.tables == 2 && kernel.elements == rest })
    firewall.bar(stranger(3), until: nil)
    #expect(kernel.reaches { kernel.elements.count == 3 } && kernel.tables == 2)
    firewall.stop()
  }

  @Test(
    "A table that somebody has taken away is made anew at the next ban; one that overlaps is no reason"
  )
  func takenAway() throws {
    let kernel = FakeKernel()
    let reported = DispatchSemaphore(value: 0)
    let firewall = Firewall(
      for: ports, retryAfter: .milliseconds(1), run: kernel.run, report: { _ in reported.signal() })
    try firewall.open()
    firewall.bar(pardoned, until: nil)
    #expect(kernel.reaches { kernel.elements.contains("\(pardoned.address)") })
    kernel.refuse("\(stranger(1).address)", times: 1)
    firewall.bar(stranger(1), until: nil)
    #expect(reported.wait(timeout: .now() + 10) == .success)
    firewall.bar(stranger(2), until: nil)
    #expect(kernel.reaches { kernel.elements.count == 2 } && kernel.tables == 1)
    kernel.loseTable()
    firewall.bar(stranger(3), until: nil)
    #expect(kernel.reaches { kernel.tables == 2 && kernel.elements.count == 4 })
    firewall.stop()
  }

  @Test(
    "A table that is made anew is told of all at once, not of the rest of an old batch by halves")
  func halves() throws {
    let kernel = FakeKernel(gate: DispatchSemaphore(value: 0))
    let firewall = Firewall(
      for: ports, retryAfter: .milliseconds(1), run: kernel.run, report: { _ in })
    try firewall.open()
    firewall.bar(stranger(0), until: nil)
    #expect(kernel.isReached())
    for number in 1..<1_000 { firewall.bar(stranger(number), until: nil) }
    kernel.gate?.signal()
    // All others wait in the next run.
    #expect(kernel.isReached())
    kernel.loseTable()
    // Ten halves of a thousand down to the one that is refused, and one for the new table.
    for _ in 0..<12 { kernel.gate?.signal() }
    #expect(kernel.reaches { kernel.tables == 2 && kernel.elements.count == 1_000 })
    firewall.stop()
  }

  @Test("Who is let in again does not wait for bars that are refused one by one")
  func refusals() throws {
    let kernel = FakeKernel(gate: DispatchSemaphore(value: 0))
    let firewall = Firewall(for: ports, run: kernel.run, report: { _ in })
    try firewall.open()
    firewall.bar(pardoned, until: nil)
    kernel.gate?.signal()
    #expect(kernel.reaches { kernel.elements.count == 1 })
    for number in 0..<100 { firewall.bar(stranger(number), until: nil) }
    kernel.refuse("203.0.0.", times: .max)
    // It has begun with them.
    for _ in 0..<3 { kernel.gate?.signal() }
    #expect(kernel.reaches { kernel.refusals == 3 })
    firewall.unbar(pardoned)
    for _ in 0..<2 { kernel.gate?.signal() }
    #expect(kernel.reaches { kernel.elements.isEmpty })
    for _ in 0..<500 { kernel.gate?.signal() }
    firewall.stop()
    #expect(kernel.tables == 1, "overlapping bars are no reason to make it anew")
  }

  @Test("It ends although the kernel takes nothing any more")
  func stops() throws {
    let kernel = FakeKernel()
    let reported = DispatchSemaphore(value: 0)
    let firewall = Firewall(
      for: ports, retryAfter: .seconds(3_600), run: kernel.run,
      report: { _ in reported.signal() })
    try firewall.open()
    kernel.refuse("e", times: .max)
    firewall.unbar(pardoned)
    for _ in 0..<2 { #expect(reported.wait(timeout: .now() + 10) == .success) }
    firewall.stop()
  }
}
