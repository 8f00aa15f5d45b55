import Elements

/// The free pairs of ports of each local address: even for RTP, the odd one above it for RTCP.
///
/// Pairs are drawn at random, so that nobody can guess the next one, and rest after use, so that late
/// packets of the last call find nobody.
struct PortPool: Sendable {
  private struct Pairs: Sendable {
    var free: [UInt16]
    /// In order of release; those before `firstResting` are free again.
    var resting: [(port: UInt16, until: Instant)] = []
    var firstResting = 0
  }

  private let range: ClosedRange<UInt16>
  private let quarantine: Duration
  private var addresses: [IPAddress: Pairs] = [:]

  init(range: ClosedRange<UInt16>, quarantine: Duration) {
    (self.range, self.quarantine) = (range, quarantine)
  }

  /// Pairs that an address has in all.
  var capacity: Int { Self.evenPorts(of: range).count }

  private static func evenPorts(of range: ClosedRange<UInt16>) -> [UInt16] {
    range.filter { $0 % 2 == 0 && $0 < range.upperBound }
  }

  /// The even port of a pair; nil: none is free.
  mutating func take(on address: IPAddress, at now: Instant, using dice: inout Dice) -> UInt16? {
    var pairs = addresses.removeValue(forKey: address) ?? Pairs(free: Self.evenPorts(of: range))
    defer { addresses[address] = pairs }
    while pairs.firstResting < pairs.resting.count,
      pairs.resting[pairs.firstResting].until <= now
    {
      pairs.free.append(pairs.resting[pairs.firstResting].port)
      pairs.firstResting += 1
    }
    if pairs.firstResting > 64, pairs.firstResting * 2 > pairs.resting.count {
      pairs.resting.removeFirst(pairs.firstResting)
      pairs.firstResting = 0
    }
    guard let index = pairs.free.indices.randomElement(using: &dice) else { return nil }
    pairs.free.swapAt(index, pairs.free.count - 1)
    return pairs.free.removeLast()
  }

  /// The pair rests, then is free again.
  mutating func giveBack(_ port: UInt16, on address: IPAddress, at now: Instant) {
    addresses[address]?.resting.append((port, now + quarantine))
  }
}
