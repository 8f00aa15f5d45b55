import Elements
import Testing

@testable import Simulator

@Suite struct SabotageTests {
  /// Which rule must see a planted mistake; the world is the same, only the mistake is added.
  private static func witnesses(_ sabotage: Sabotage) -> Set<String> {
    switch sabotage {
    case .forgetsRingingCalls, .forgetsRunningCalls: ["I1", "I7"]
    case .freesUnknownOutcomes, .freesHoldsAfterCrash: ["I3", "I7"]
    case .cutsSilently: ["I3", "I7", "rest"]
    case .invitesBeforeDurable: ["I2"]
    case .writesOutOfOrder, .forgetsHabits: ["journal"]
    case .blocksSilently: ["I6"]
    case .recordsTwice: ["records"]
    case .forgetsFormers: ["sessions"]
    case .forgetsDebts: ["I3"]
    }
  }

  @Test("Each planted mistake is caught within 100 seeds", arguments: Sabotage.allCases)
  func caught(_ sabotage: Sabotage) throws {
    for seed in UInt64(1)...100 {
      let verdict = try Simulation.run(seed: seed, sabotage: sabotage)
      guard let violation = verdict.violations.first else { continue }
      print("\(sabotage) is caught by seed \(seed): \(violation)")
      #expect(Self.witnesses(sabotage).contains(violation.checker), "\(violation)")
      return
    }
    Issue.record("nobody noticed that the switch \(sabotage)")
  }
}
