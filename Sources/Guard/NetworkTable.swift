package import Elements

/// Values by network, looked up by address: one probe for each length of network that is in use.
package struct NetworkTable<Value: Sendable>: Sendable {
  private var values: [IPNetwork: Value] = [:]
  /// How many networks there are of each length, of 128 bits; shortest first.
  private var lengths: [(bits: Int, count: Int)] = []
  /// A bit for each network, found by its address; those of networks that are gone may stay.
  ///
  /// Where there are few, most addresses are seen to be in none without a look into the table.
  private var marks: UInt64 = 0

  package init() {}

  package var count: Int { values.count }
  package var networks: some Collection<IPNetwork> { values.keys }
  package var all: some Collection<Value> { values.values }

  package subscript(network: IPNetwork) -> Value? {
    get { values[network] }
    set {
      let before = values.count
      values[network] = newValue
      guard values.count != before else { return }
      count(network.bits, by: values.count - before)
      if values.count > before { marks |= Self.mark(of: network) } else { clearMarks() }
    }
  }

  /// The values of every network that an address is in, the widest first, until one is taken.
  package func first<Found>(
    around address: IPAddress, where isWanted: (IPNetwork, Value) -> Found?
  ) -> Found? {
    for (bits, _) in lengths where !address.isV4 || bits >= 96 {
      let network = IPNetwork(address, length: address.isV4 ? bits - 96 : bits)
      guard marks & Self.mark(of: network) != 0 else { continue }
      if let value = values[network], let found = isWanted(network, value) { return found }
    }
    return nil
  }

  /// Every network that an address is in, the widest first.
  package func networks(around address: IPAddress) -> [IPNetwork] {
    var found: [IPNetwork] = []
    let _: Never? = first(around: address) { network, _ in
      found.append(network)
      return nil
    }
    return found
  }

  /// Whether any network around an address is in the table.
  package func holds(_ address: IPAddress) -> Bool {
    !lengths.isEmpty && first(around: address) { _, _ in true } ?? false
  }

  private static func mark(of network: IPNetwork) -> UInt64 {
    let mixed = (network.address.high ^ network.address.low) &* 0x9E37_79B9_7F4A_7C15
    return 1 &<< (mixed &>> 58)
  }

  /// Of many networks every bit is set, and it is not worth the while to look for one that is not.
  private mutating func clearMarks() {
    guard values.count <= 64 else { return }
    marks = values.keys.reduce(0) { $0 | Self.mark(of: $1) }
  }

  private mutating func count(_ bits: Int, by difference: Int) {
    guard let index = lengths.firstIndex(where: { $0.bits == bits }) else {
      lengths.append((bits, difference))
      lengths.sort { $0.bits < $1.bits }
      return
    }
    lengths[index].count += difference
    if lengths[index].count == 0 { lengths.remove(at: index) }
  }
}
