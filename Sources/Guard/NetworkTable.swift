package import Elements

/// Values by network, looked up by address: one probe for each length of network that is in use.
package struct NetworkTable<Value: Sendable>: Sendable {
  private var values: [IPNetwork: Value] = [:]
  /// How many networks there are of each length, of 128 bits; shortest first.
  private var lengths: [(bits: Int, count: Int)] = []

  package init() {}

  package var count: Int { values.count }
  package var networks: some Collection<IPNetwork> { values.keys }
  package var all: some Collection<Value> { values.values }

  package subscript(network: IPNetwork) -> Value? {
    get { values[network] }
    set {
      let before = values.count
      values[network] = newValue
      if values.count != before { count(network.bits, by: values.count - before) }
    }
  }

  /// The values of every network that an address is in, the widest first, until one is taken.
  package func first<Found>(
    around address: IPAddress, where isWanted: (IPNetwork, Value) -> Found?
  ) -> Found? {
    for (bits, _) in lengths where !address.isV4 || bits >= 96 {
      let network = IPNetwork(address, length: address.isV4 ? bits - 96 : bits)
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
