package import Elements

/// Who is barred, and what of it the kernel's table has yet to be told.
///
/// The table can be made anew from it at any time. It holds as many networks as the switch bars, each once. Who is let in again is
/// told first: the process drops whom the kernel lets through, but lets nobody through whom the kernel drops.
package struct FirewallBook: Sendable {
  package enum Work: Hashable, Sendable {
    /// The table is to be made anew, empty: it holds somebody who was let in, or is gone. Done when ``begun()`` is called.
    case begin
    /// One at least.
    case orders([FirewallRules.Order])
  }

  /// Orders of one run of the program.
  package static let most = 5_000
  /// Where more openings wait it is quicker to make the table anew.
  package static let mostOpenings = 100_000

  /// Until when; nil: until it is taken out.
  private var barred: [IPNetwork: WallTime?] = [:]
  /// Barred, and yet not in the table, which did not take them: they overlap with others.
  private var refused: Set<IPNetwork> = []
  /// There is no table that could be told anything.
  private var isLost = false
  private var openings = Waiting()
  private var bars = Waiting()
  /// Told to a new table behind everything else, the last one first.
  private var rest: [IPNetwork] = []
  /// How many are barred before those that are over are looked for.
  private var room = 1_024

  package init() {}

  /// With those that are over and not yet forgotten.
  package var barredCount: Int { barred.count }

  /// Whether there is something to do.
  package var hasWork: Bool { isLost || hasOpenings || bars.count > 0 || !rest.isEmpty }

  package var hasOpenings: Bool { openings.count > 0 }

  package mutating func bar(_ network: IPNetwork, until: WallTime?) {
    barred[network] = .some(until)
    refused.remove(network)
    if !isLost, !openings.holds(network) { bars.append(network) }
  }

  package mutating func unbar(_ network: IPNetwork) {
    barred[network] = nil
    bars.remove(network)
    guard !isLost, refused.remove(network) == nil else { return }
    openings.append(network)
    if openings.count > Self.mostOpenings { beginAnew() }
  }

  /// The table did not take it, although it is there.
  package mutating func refuse(_ network: IPNetwork) {
    if barred[network] != nil { refused.insert(network) }
  }

  /// Has the table made anew; what waits for the old one is void.
  package mutating func beginAnew() {
    (openings, bars, rest, refused) = (Waiting(), Waiting(), [], [])
    isLost = true
  }

  /// There is a new, empty table.
  ///
  /// - Returns: All who are barred, for ``tell(_:)``; to put them in order takes longer than the switch should wait.
  package mutating func begun() -> [IPNetwork] {
    isLost = false
    return Array(barred.keys)
  }

  /// The table is to be told of them in this order, unless it hears of them before.
  package mutating func tell(_ networks: [IPNetwork]) {
    guard !isLost else { return }
    rest = networks.reversed()
  }

  /// What is to be done next, or nothing.
  ///
  /// It is done, or ``takeBack(_:)``, ``refuse(_:)`` or ``beginAnew()`` is called.
  package mutating func take(at now: WallTime) -> Work? {
    forgetOver(at: now)
    guard !isLost else { return .begin }
    var orders: [FirewallRules.Order] = []
    // By themselves: a bar that is refused takes its batch with it.
    while orders.count < Self.most, let network = openings.removeFirst() {
      orders.append(order(of: network, at: now))
    }
    if !orders.isEmpty { return .orders(orders) }
    while orders.count < Self.most, let network = nextToBar() {
      orders.append(order(of: network, at: now))
    }
    return orders.isEmpty ? nil : .orders(orders)
  }

  /// Orders that others should come before.
  package mutating func takeBack(_ orders: some Sequence<FirewallRules.Order>) {
    for order in orders where !isLost {
      let network = order.network
      if order.isBar { bars.append(network) } else { openings.append(network) }
    }
  }

  private mutating func nextToBar() -> IPNetwork? {
    if let network = bars.removeFirst() { return network }
    while let network = rest.popLast() {
      if barred[network] != nil { return network }
    }
    return nil
  }

  private func order(of network: IPNetwork, at now: WallTime) -> FirewallRules.Order {
    guard let until = barred[network] else { return .unbar(network) }
    guard let until else { return .bar(network, seconds: nil) }
    let left = (until - now).wholeMilliseconds
    return left > 0 ? .bar(network, seconds: left / 1_000 + 1) : .unbar(network)
  }

  /// The kernel counts their time by itself.
  private mutating func forgetOver(at now: WallTime) {
    guard barred.count >= room else { return }
    for (network, until) in barred where until.map({ $0 <= now }) ?? false {
      barred[network] = nil
      refused.remove(network)
      bars.remove(network)
    }
    room = max(1_024, 2 * barred.count)
  }

  /// Networks in the order in which they came, each once.
  private struct Waiting: Sendable {
    private var networks = Queue<IPNetwork>()
    /// The others in the queue were taken out since.
    private var present: Set<IPNetwork> = []

    var count: Int { present.count }

    func holds(_ network: IPNetwork) -> Bool { present.contains(network) }

    mutating func append(_ network: IPNetwork) {
      guard present.insert(network).inserted else { return }
      networks.append(network)
      if networks.count > 2 * present.count + 64 { compact() }
    }

    mutating func remove(_ network: IPNetwork) { present.remove(network) }

    mutating func removeFirst() -> IPNetwork? {
      while let network = networks.removeFirst() {
        if present.remove(network) != nil { return network }
      }
      return nil
    }

    private mutating func compact() {
      var (kept, left) = (Queue<IPNetwork>(), present)
      for network in networks.all where left.remove(network) != nil { kept.append(network) }
      networks = kept
    }
  }
}
