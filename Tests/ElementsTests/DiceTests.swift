import Elements
import Testing

@Suite struct DiceTests {
  @Test("The system's dice give no number twice, over many supplies")
  func distinct() {
    var dice = Dice.system
    var seen: Set<UInt64> = []
    for _ in 0..<10_000 { seen.insert(dice.next()) }
    // Two of 10,000 random words of 64 bits are equal once in 4 * 10^11 runs.
    #expect(seen.count == 10_000 && !seen.contains(0))
  }

  @Test("A copy draws other numbers than its original, whoever draws first")
  func copies() {
    var original = Dice.system
    _ = original.next()
    var copy = original
    var seen: Set<UInt64> = []
    for _ in 0..<100 {
      seen.insert(copy.next())
      seen.insert(original.next())
    }
    var late = original
    for _ in 0..<100 {
      seen.insert(original.next())
      seen.insert(late.next())
    }
    #expect(seen.count == 400)
  }

  @Test("Every bit is thrown about as often as not")
  func bits() {
    var dice = Dice.system
    var ones = [Int](repeating: 0, count: 64)
    for _ in 0..<4_000 {
      let word = dice.next()
      for bit in 0..<64 where word >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
    }
    // Eight standard deviations.
    for count in ones { #expect((1_747...2_253).contains(count)) }
  }

  @Test("Seeded dice are the same from the same seed, and a copy goes on as its original")
  func seeded() {
    var one = Dice.seeded(SplitMix(seed: 7))
    var generator = SplitMix(seed: 7)
    for _ in 0..<10 { #expect(one.next() == generator.next()) }
    var copy = one
    #expect(copy.next() == one.next())
  }
}
