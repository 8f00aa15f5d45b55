import ACME
import Elements
import Testing

@Suite struct RenewalPlanTests {
  private let start = WallTime(unixSeconds: 1_800_000_000)

  private func after(_ seconds: Int64) -> WallTime { start + .seconds(seconds) }

  @Test("A certificate is due when two thirds of its life are over, and none is due at once")
  func twoThirds() {
    let plan = RenewalPlan()
    let life = start...after(90 * 86_400)
    #expect(plan.next(life: life) == after(60 * 86_400))
    #expect(!plan.isDue(life: life, at: after(60 * 86_400 - 1)))
    #expect(plan.isDue(life: life, at: after(60 * 86_400)))
    #expect(plan.isDue(life: nil, at: start))
  }

  @Test("After each failure it waits longer, up to half a day, and a success forgets them")
  func backOff() {
    var plan = RenewalPlan()
    var pauses: [Int64] = []
    for _ in 0..<8 {
      plan.failed("no", at: start)
      pauses.append((plan.next(life: nil)?.unixSeconds ?? 0) - start.unixSeconds)
    }
    #expect(pauses == [60, 600, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200])
    #expect(!plan.isDue(life: nil, at: after(43_199)))
    #expect(plan.isDue(life: nil, at: after(43_200)))
    #expect(plan.complaint == "no")
    plan.succeeded()
    #expect(plan == RenewalPlan())
  }

  @Test("A failure does not bring the date forward, and one of the future does not put it off")
  func clocks() {
    var plan = RenewalPlan()
    plan.failed("no", at: start)
    #expect(plan.next(life: start...after(30 * 86_400)) == after(20 * 86_400))
    plan.failed("no", at: after(365 * 86_400))
    #expect(plan.isDue(life: nil, at: start))
  }
}
