import Elements

/// Seeded dice with the few distributions that people's calls have; whole numbers only.
struct Fortune: Sendable {
  private var dice: SplitMix

  init(seed: UInt64) { dice = SplitMix(seed: seed) }

  mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &dice) }

  mutating func happens(_ chance: Int, of all: Int) -> Bool {
    chance > 0 && Int.random(in: 0..<all, using: &dice) < chance
  }

  mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &dice)]
  }

  /// How often something happens that happens so often on the average: uneven, as people are.
  mutating func geometric(hundredths: Int) -> Int {
    guard hundredths > 0 else { return 0 }
    var count = 0
    while count < 200, happens(hundredths, of: hundredths + 100) { count += 1 }
    return count
  }

  /// Seconds of talk: half below the median, a tenth five times as long, one in a hundred much longer.
  mutating func talk(median: Int) -> Int {
    let percent = pick([10, 20, 35, 55, 80, 110, 150, 210, 320, 520])
    let long = happens(1, of: 100) ? 4 : 1
    return max(5, median * percent * number(70..<131) / 10_000 * long)
  }
}
