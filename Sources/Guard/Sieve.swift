package import Elements

/// Who passes in a siege before anything is read: neighbourhoods where phones are known, carriers, whom we expect, and of
/// the others a share, by chance.
///
/// It is written as a program for the kernel, which takes short ones only. Where they fit, the neighbourhoods themselves are in it; of
/// more only bits are that their hashes choose, and some strangers share a bit with a friend and pass. The hash is another one
/// for each sieve, so that nobody can choose his address by it.
///
/// Each family has its own: one that is not in a siege passes whole.
package struct Sieve: Sendable {
  /// Of more, more than a fifth of all strangers would share a bit with one.
  static let neighbourhoodLimit = 4_000
  /// Networks that are no neighbourhoods are compared one by one.
  static let networkLimit = 56

  private enum Part: Sendable {
    case everybody
    case known(SieveFamily)
    /// There are more who must pass than the kernel can be told.
    case tooMany
  }

  private let parts: ByFamily<Part>
  private let hash: SieveHash

  /// Of others than those who are known `shares` pass, of 2^32; nil: all of that family.
  init(_ known: ByFamily<[IPNetwork]?>, shares: ByFamily<UInt32?>, dice: UInt64) {
    let hash = SieveHash(dice)
    self.hash = hash
    func part(isV4: Bool) -> Part {
      guard let share = shares[isV4: isV4] else { return .everybody }
      return known[isV4: isV4].flatMap { SieveFamily(isV4: isV4, $0, hash, share: share) }
        .map(Part.known) ?? .tooMany
    }
    parts = ByFamily(v4: part(isV4: true), v6: part(isV4: false))
  }

  /// Whether everything from there passes.
  package func knows(_ address: IPAddress) -> Bool {
    switch parts[address] {
    case .everybody, .tooMany: true
    case .known(let family): family.knows(address, hash)
    }
  }

  /// What a socket of that family runs for each datagram, before it takes a place in its queue.
  ///
  /// Empty where all pass; nil where strangers should be thinned out and too many are known for that.
  package func program(isV4: Bool) -> [SieveStep]? {
    switch parts[isV4: isV4] {
    case .everybody: []
    case .known(let family): family.program
    case .tooMany: nil
    }
  }
}

/// What a sieve knows of one family, and the program that says so.
private struct SieveFamily: Sendable {
  let networks: [IPNetwork]
  let marks: SieveMarks
  let program: [SieveStep]

  /// Nil where the kernel would take no program for so many.
  init?(isV4: Bool, _ known: [IPNetwork], _ hash: SieveHash, share: UInt32) {
    let networks = known.filter(\.isWiderThanNeighbourhood).sorted()
    let keys = Set(
      known.lazy.filter { !$0.isWiderThanNeighbourhood }.map { hash.key(of: $0.address) })
    guard keys.count <= Sieve.neighbourhoodLimit, networks.count <= Sieve.networkLimit else {
      return nil
    }
    for marks in [SieveMarks.keys(keys.sorted()), .bits(hash.bits(of: keys))] {
      var program = SieveProgram(isV4: isV4)
      for network in networks { program.compare(network) }
      program.look(for: marks, hash)
      let (steps, weight) = program.finished(share: share)
      guard weight <= SieveProgram.mostWeight else { continue }
      (self.networks, self.marks, self.program) = (networks, marks, steps)
      return
    }
    return nil
  }

  func knows(_ address: IPAddress, _ hash: SieveHash) -> Bool {
    networks.contains { $0.contains(address) } || marks.holds(hash.key(of: address), hash)
  }
}

extension IPNetwork {
  fileprivate var isWiderThanNeighbourhood: Bool {
    bits < Neighbourhood(of: address).network.bits
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
  /// More places are not looked at each second.
  private static let mostLookedAt = 32 * Sieve.neighbourhoodLimit

  /// Who passes in a siege of the families that have a share.
  package func sieve(shares: ByFamily<UInt32?>, dice: UInt64, at now: Instant) -> Sieve {
    func known(isV4: Bool) -> [IPNetwork]? {
      guard shares[isV4: isV4] != nil, friends.neighbourhoodCount <= Self.mostLookedAt else {
        return nil
      }
      let spared = sparedNetworks.filter { $0.address.isV4 == isV4 }
      let places = spared.count { !$0.isWiderThanNeighbourhood }
      let most = max(0, Sieve.neighbourhoodLimit - places)
      return spared + friends.neighbourhoods(isV4: isV4, most: most, at: now)
    }
    return Sieve(
      ByFamily(v4: known(isV4: true), v6: known(isV4: false)), shares: shares, dice: dice)
  }
}
