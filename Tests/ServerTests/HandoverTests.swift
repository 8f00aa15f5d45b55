import Directory
import Elements
import Server
import Switch
import Synchronization
import Testing

/// What is stored reaches the switch, however busy that is.
@Suite struct HandoverTests {
  /// A switch that is too busy for some questions, and notes the revisions it takes.
  private final class BusySwitch: Sendable {
    private struct State {
      var refusals: Int
      var stored: UInt64 = 1
      var taken: [UInt64] = []
      var late: [Bool] = []
    }

    private let state: Mutex<State>
    /// Run when a revision has just been taken, before the answer.
    private let meanwhile: Mutex<(@Sendable (BusySwitch) -> Void)?>

    init(refusing refusals: Int, meanwhile: (@Sendable (BusySwitch) -> Void)? = nil) {
      state = Mutex(State(refusals: refusals))
      self.meanwhile = Mutex(meanwhile)
    }

    var taken: [UInt64] { state.withLock { $0.taken } }
    var late: [Bool] { state.withLock { $0.late } }
    func store(_ revision: UInt64) { state.withLock { $0.stored = revision } }
    func relent() { state.withLock { $0.refusals = 0 } }

    func handover() -> Handover {
      var patience = Handover.Patience()
      (patience.pause, patience.attempts) = (.milliseconds(1), 3)
      patience.laterPause = .milliseconds(1)
      return Handover(
        of: { self.rulebook() }, to: { self.answer($0) }, patience: patience,
        taken: { isLate in self.state.withLock { $0.late.append(isLate) } })
    }

    private func rulebook() -> Rulebook {
      var document = DirectoryDocument()
      let revision = state.withLock { $0.stored }
      guard let directory = try? DirectoryCompiler.compile(&document, revision: revision) else {
        preconditionFailure("an empty document is well")
      }
      return Rulebook(directory: directory, decks: [:], zones: [:])
    }

    private func answer(_ command: SwitchCommand) -> CommandReply {
      guard case .adopt(let rules) = command else { return .done }
      let isTaken = state.withLock { state in
        if state.refusals > 0 {
          state.refusals -= 1
          return false
        }
        state.taken.append(rules.directory.revision)
        return true
      }
      guard isTaken else { return .refused("The server is too busy to answer.") }
      let news = meanwhile.withLock { news in
        defer { news = nil }
        return news
      }
      news?(self)
      return .done
    }
  }

  /// Waits for what a background task does, ten seconds at most.
  private func eventually(_ condition: () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while !condition(), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(2)) }
    #expect(condition())
  }

  @Test("A switch that is busy for a moment is asked again, and nobody hears of it")
  func busyForAMoment() async {
    let busy = BusySwitch(refusing: 2)
    let outcome = await busy.handover().bring()
    #expect(outcome == .inForce && outcome.note == nil)
    #expect(busy.taken == [1] && busy.late == [false])
  }

  @Test("A switch that stays busy takes it later by itself, the newest that is stored by then")
  func busyForLong() async throws {
    let busy = BusySwitch(refusing: .max)
    let handover = busy.handover()
    let outcome = await handover.bring()
    #expect(outcome == .later)
    #expect(outcome.note?.contains("Do not give the command again") == true)
    busy.store(2)
    #expect(await handover.bring() == .later)
    #expect(busy.taken.isEmpty)
    busy.relent()
    try await eventually { busy.taken == [2] && busy.late == [true] }
    // And from then on as ever.
    busy.store(3)
    #expect(await handover.bring() == .inForce)
    #expect(busy.taken == [2, 3])
  }

  @Test("Of two commands at once the later one holds in the end")
  func twoAtOnce() async {
    let busy = BusySwitch(refusing: 0) { $0.store(2) }
    #expect(await busy.handover().bring() == .inForce)
    #expect(busy.taken == [1, 2])
  }

  @Test("A server that stops gives up what the switch did not take: the next start goes by it")
  func stopping() async throws {
    let busy = BusySwitch(refusing: .max)
    let handover = busy.handover()
    #expect(await handover.bring() == .later)
    handover.stop()
    // One attempt may be under way.
    try await Task.sleep(for: .milliseconds(20))
    busy.relent()
    try await Task.sleep(for: .milliseconds(20))
    #expect(busy.taken.isEmpty)
  }
}
