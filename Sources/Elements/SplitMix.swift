/// Seeded dice: the same seed gives the same world (Steele, Lea, Flood 2014, SplitMix64).
package struct SplitMix: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The dice of a core: the system's in production, seeded ones in a simulated world.
///
/// An enum and not a generic parameter, so that the cores stay free of type parameters.
package enum Dice: RandomNumberGenerator, Sendable {
  case system
  case seeded(SplitMix)

  package mutating func next() -> UInt64 {
    switch self {
    case .system:
      var generator = SystemRandomNumberGenerator()
      return generator.next()
    case .seeded(var generator):
      defer { self = .seeded(generator) }
      return generator.next()
    }
  }
}
