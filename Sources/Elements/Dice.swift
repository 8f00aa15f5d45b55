/// The dice of a core: the system's in production, seeded ones in a simulated world.
///
/// One type and not a generic parameter, so that the cores stay free of type parameters.
package struct Dice: RandomNumberGenerator, Sendable {
  private var seeded: SplitMix?
  private var system = SystemDice()

  package static var system: Dice { Dice(seeded: nil) }

  package static func seeded(_ generator: SplitMix) -> Dice { Dice(seeded: generator) }

  private init(seeded: SplitMix?) {
    self.seeded = seeded
  }

  package mutating func next() -> UInt64 {
    guard var generator = seeded else { return system.next() }
    defer { seeded = generator }
    return generator.next()
  }
}
