/// A sum that fades: of what was added, half is left after a half-life, and half of that after another.
struct FadingSum: Hashable, Sendable {
  private(set) var amount: Int64 = 0
  /// Milliseconds since 1970; `amount` is as of then.
  private(set) var since: Int64 = 0

  init() {}

  init(amount: Int64, since: Int64) {
    (self.amount, self.since) = (amount.clamped, since)
  }

  /// What is left at `time`; a clock that went back changes nothing.
  func amount(at time: Int64, halfLife: Int64) -> Int64 {
    let passed = time.subtractingReportingOverflow(since)
    guard amount > 0, passed.partialValue > 0, !passed.overflow else { return amount }
    let halvings = passed.partialValue / halfLife
    guard halvings < 44 else { return 0 }
    // 2^-f for the rest, in 65536ths: a polynomial that has its slope at 0 and its value at 1.
    let f = (passed.partialValue % halfLife) * 65_536 / halfLife
    let third = 15_744 - f * 3_086 / 65_536
    let factor = 65_536 - f * (45_426 - f * third / 65_536) / 65_536
    return (amount >> halvings) * factor / 65_536
  }

  /// Adds, or takes back what had been added; never below nothing.
  mutating func add(_ value: Int64, at time: Int64, halfLife: Int64) {
    amount = (amount(at: time, halfLife: halfLife) + value).clamped
    since = max(since, time)
  }
}
