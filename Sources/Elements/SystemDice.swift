import CSystemRandom

/// The system's random numbers, fetched many at a time: one system call for each would cost more than
/// what is done with it.
///
/// Each number is wiped when it is drawn, so that none is found in memory afterwards. A copy draws from
/// a supply of its own: two of them never give the same number.
struct SystemDice: Sendable {
  private var supply: Supply?

  mutating func next() -> UInt64 {
    let own = isKnownUniquelyReferenced(&supply) ? supply : nil
    let supply = own ?? Supply()
    self.supply = supply
    return supply.next()
  }

  /// Changed only by whoever holds it alone, as the storage of an array is.
  private final class Supply: @unchecked Sendable {
    private var words = [UInt64](repeating: 0, count: Supply.size)
    private var left = 0

    /// 256 bytes: up to that the kernel gives all of them, and no signal gets between (getrandom(2)).
    private static let size = 32

    func next() -> UInt64 {
      if left == 0 { refill() }
      left -= 1
      defer { words[left] = 0 }
      return words[left]
    }

    private func refill() {
      let bytes = Supply.size * MemoryLayout<UInt64>.size
      let got = unsafe words.withUnsafeMutableBytes { words in
        unsafe getrandom(words.baseAddress, UInt(bytes), 0)
      }
      invariant(got == bytes, "the kernel gave \(got) of \(bytes) random bytes")
      left = Supply.size
    }
  }
}
