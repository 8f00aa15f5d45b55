package import Elements

/// Who passes in a siege before anything is read: neighbourhoods where phones are known, carriers, whom we expect, and of
/// the others a share, by chance.
///
/// It is held as bits that a neighbourhood's hash chooses, so that the kernel can look there in a few steps. Some strangers share a bit
/// with a friend and pass; the hash is another one for each sieve, so that nobody can choose his address by it.
package struct Sieve: Sendable {
  /// More would set so many bits that everybody passed.
  static let neighbourhoodLimit = 16_000
  /// Networks that are no neighbourhoods are compared one by one.
  static let networkLimit = 64
  static let indexBits: UInt32 = 14
  static let wordCount = 1 << 9

  let multiplier: UInt32
  /// Of the second half of an IPv6 neighbourhood.
  let second: UInt32
  let share: UInt32
  let networks: [IPNetwork]
  private(set) var words4 = [UInt32](repeating: 0, count: wordCount)
  private(set) var words6 = [UInt32](repeating: 0, count: wordCount)

  /// Of others than these `share` passes, of 2^32; nil where it would not hold back enough.
  init?(_ known: [IPNetwork], share: UInt32, dice: UInt64) {
    self.share = share
    (multiplier, second) = (UInt32(truncatingIfNeeded: dice) | 1, UInt32(dice >> 32) | 1)
    networks = known.filter { Neighbourhood(of: $0.address).network.bits > $0.bits }.sorted()
    guard networks.count <= Self.networkLimit,
      known.count - networks.count <= Self.neighbourhoodLimit
    else { return nil }
    for network in known where Neighbourhood(of: network.address).network.bits <= network.bits {
      let index = index(of: network.address)
      if network.address.isV4 {
        words4[Int(index >> 5)] |= 1 << (index & 31)
      } else {
        words6[Int(index >> 5)] |= 1 << (index & 31)
      }
    }
  }

  /// Whether everything from there passes.
  package func knows(_ address: IPAddress) -> Bool {
    if networks.contains(where: { $0.contains(address) }) { return true }
    let (index, words) = (index(of: address), address.isV4 ? words4 : words6)
    return words[Int(index >> 5)] >> (index & 31) & 1 == 1
  }

  private func index(of address: IPAddress) -> UInt32 {
    let mixed =
      if let v4 = address.v4 { v4 } else {
        UInt32(address.high >> 32) ^ UInt32(truncatingIfNeeded: address.high) &* second
      }
    return (mixed &* multiplier) >> (32 - Self.indexBits)
  }
}

extension Admission {
  /// Who passes in a siege; nil where too many are known to tell them from strangers in that way.
  package func sieve(share: UInt32, dice: UInt64, at now: Instant) -> Sieve? {
    Sieve(friends.neighbourhoods(at: now) + sparedNetworks, share: share, dice: dice)
  }
}
