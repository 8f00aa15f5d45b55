import Guard
import Testing

@testable import Simulator

/// Eleven generated companies; `martinet simulate --habits` does the same for years.
@Suite struct HabitTrialTests {
  @Test(
    "A month of eleven companies, after the month in which they are learned: nobody is stopped who did nothing"
  )
  func peace() {
    for kind in CompanyKind.allCases where kind != .callCentre {
      let peace = HabitTrial(seed: 1, months: 2).peace(kind)
      #expect(peace.stops.isEmpty, "\(kind.rawValue): \(peace.stops)")
      #expect(peace.calls > 1_000, "\(kind.rawValue) hardly calls")
    }
  }

  @Test(
    "Five thefts under the limits of an office: habits end each at a part of what it would have cost"
  )
  func raids() {
    let raids = HabitTrial(seed: 3, months: 2).raids(.office)
    #expect(raids.count == Theft.allCases.count)
    for raid in raids {
      #expect(raid.delay != nil, "\(raid.theft.rawValue)")
      #expect(raid.micros * 2 < raid.microsUnguarded, "\(raid.theft.rawValue): \(raid)")
    }
  }

  @Test("The same seed gives the same companies, another one others")
  func seeds() {
    let one = HabitTrial(seed: 5, months: 1).peace(.lawFirm)
    #expect(one.calls == HabitTrial(seed: 5, months: 1).peace(.lawFirm).calls)
    #expect(one.calls != HabitTrial(seed: 6, months: 1).peace(.lawFirm).calls)
  }
}
