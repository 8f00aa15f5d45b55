package import Elements

/// Who passes in a siege before anything is read: neighbourhoods where phones are known, carriers, whom we expect, and of
/// the others a share, by chance.
///
/// It is written as a program for the kernel, which takes short ones only. Where they fit, the neighbourhoods themselves are in it; of
/// more only bits are that their hashes choose, and some strangers share a bit with a friend and pass. The hash is another one
/// for each sieve, so that nobody can choose his address by it.
package struct Sieve: Sendable {
  /// In either family; of more, more than a fifth of all strangers would share a bit with one.
  static let neighbourhoodLimit = 4_000
  /// Networks that are no neighbourhoods are compared one by one.
  static let networkLimit = 56

  let share: UInt32
  let networks: [IPNetwork]
  private let hash: SieveHash
  private let v4: SieveFamily
  private let v6: SieveFamily

  /// Of others than these `share` passes, of 2^32; nil where too many are known.
  init?(_ known: [IPNetwork], share: UInt32, dice: UInt64) {
    self.share = share
    hash = SieveHash(dice)
    networks = known.filter { Neighbourhood(of: $0.address).network.bits > $0.bits }.sorted()
    let places = known.filter { Neighbourhood(of: $0.address).network.bits <= $0.bits }
    guard networks.count <= Self.networkLimit,
      let v4 = SieveFamily(isV4: true, places, networks, hash, share: share),
      let v6 = SieveFamily(isV4: false, places, networks, hash, share: share)
    else { return nil }
    (self.v4, self.v6) = (v4, v6)
  }

  /// Whether everything from there passes.
  package func knows(_ address: IPAddress) -> Bool {
    if networks.contains(where: { $0.contains(address) }) { return true }
    return (address.isV4 ? v4 : v6).marks.holds(hash.key(of: address), hash)
  }

  /// What a socket of that family runs for each datagram, before it takes a place in its queue.
  package func program(isV4: Bool) -> [SieveStep] { (isV4 ? v4 : v6).program }
}

/// What a sieve knows of one family, and the program that says so.
private struct SieveFamily: Sendable {
  let marks: SieveMarks
  let program: [SieveStep]

  /// Nil where the kernel would take no program for so many.
  init?(
    isV4: Bool, _ places: [IPNetwork], _ networks: [IPNetwork], _ hash: SieveHash, share: UInt32
  ) {
    let keys = Set(
      places.lazy.filter { $0.address.isV4 == isV4 }.map { hash.key(of: $0.address) })
    guard keys.count <= Sieve.neighbourhoodLimit else { return nil }
    let networks = networks.filter { $0.address.isV4 == isV4 }
    for marks in [SieveMarks.keys(keys.sorted()), .bits(hash.bits(of: keys))] {
      var program = SieveProgram(isV4: isV4)
      for network in networks { program.compare(network) }
      program.look(for: marks, hash)
      let (steps, weight) = program.finished(share: share)
      guard weight <= SieveProgram.mostWeight else { continue }
      (self.marks, self.program) = (marks, steps)
      return
    }
    return nil
  }
}

/// The neighbourhoods that a sieve knows: each of them, or what is left of their hashes.
enum SieveMarks: Sendable {
  case keys([UInt32])
  case bits([UInt32])

  func holds(_ key: UInt32, _ hash: SieveHash) -> Bool {
    switch self {
    case .keys(let keys): return keys.contains(key)
    case .bits(let words):
      let index = hash.index(of: key)
      return words[Int(index >> 5)] >> (index & 31) & 1 == 1
    }
  }
}

/// How neighbourhoods become numbers of 32 bits, in steps that the kernel's machine has.
struct SieveHash: Sendable {
  static let indexBits: UInt32 = 14
  static let wordCount = 1 << 9
  /// Mixes the upper half of a product into its lower one, without which the top bits of two words could be turned together.
  static let fold: UInt32 = 15

  let multiplier: UInt32
  /// Of the second word of an IPv6 neighbourhood, before and after it is folded.
  let second: UInt32
  let third: UInt32

  init(_ dice: UInt64) {
    var dice = SplitMix(seed: dice)
    func odd() -> UInt32 { UInt32(truncatingIfNeeded: dice.next()) | 1 }
    (multiplier, second, third) = (odd(), odd(), odd())
  }

  /// Of IPv4 the address itself.
  func key(of address: IPAddress) -> UInt32 {
    if let v4 = address.v4 { return v4 }
    var word = UInt32(truncatingIfNeeded: address.high) &* second
    word = (word ^ word >> Self.fold) &* third
    return UInt32(address.high >> 32) ^ word
  }

  /// The bit of a key.
  func index(of key: UInt32) -> UInt32 { (key &* multiplier) >> (32 - Self.indexBits) }

  func bits(of keys: Set<UInt32>) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: Self.wordCount)
    for index in keys.lazy.map(index(of:)) { words[Int(index >> 5)] |= 1 << (index & 31) }
    return words
  }
}

extension Admission {
  /// Who passes in a siege; nil where too many are known to tell them from strangers in that way.
  package func sieve(share: UInt32, dice: UInt64, at now: Instant) -> Sieve? {
    // More than can be of both families together need no looking at.
    guard friends.neighbourhoodCount <= 4 * Sieve.neighbourhoodLimit else { return nil }
    return Sieve(friends.neighbourhoods(at: now) + sparedNetworks, share: share, dice: dice)
  }
}
