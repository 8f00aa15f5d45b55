package import Elements

/// Who is barred, and what of it the kernel's table has yet to be told.
///
/// The table can be made anew from it at any time. It holds as many networks as the switch bars, each once. Who is let in again is
/// told first: the process drops whom the kernel lets through, but lets nobody through whom the kernel drops.
package struct FirewallBook: Sendable {
  package enum Work: Hashable, Sendable {
    /// The table is to be made anew, empty: it holds somebody who was let in, or is gone.
    case begin
    /// One at least.
    case orders([FirewallRules.Order])
  }

  /// Orders of one run of the program.
  package static let most = 5_000

  /// Until when; nil: until it is taken out.
  private var barred: [IPNetwork: WallTime?] = [:]
  private var beginsAnew = false
  private var openings = Waiting()
  private var bars = Waiting()
  /// How many are barred before those that are over are looked for.
  private var room = 1_024

  package init() {}

  /// With those that are over and not yet forgotten.
  package var barredCount: Int { barred.count }

  package mutating func bar(_ network: IPNetwork, until: WallTime?, at now: WallTime) {
    if barred.count >= room { forgetOver(at: now) }
    barred[network] = .some(until)
    if !openings.holds(network) { bars.append(network) }
  }

  package mutating func unbar(_ network: IPNetwork) {
    barred[network] = nil
    bars.remove(network)
    openings.append(network)
  }

  /// Has the table made anew, and told of all who are barred.
  package mutating func beginAnew(at now: WallTime) {
    forgetOver(at: now)
    (openings, bars) = (Waiting(), Waiting())
    for network in barred.keys { bars.append(network) }
    beginsAnew = true
  }

  /// What is to be done next, or nothing.
  ///
  /// It is done, or ``beginAnew(at:)`` is called.
  package mutating func take(at now: WallTime) -> Work? {
    guard !beginsAnew else {
      beginsAnew = false
      return .begin
    }
    var orders: [FirewallRules.Order] = []
    while orders.count < Self.most, let network = openings.removeFirst() ?? bars.removeFirst() {
      orders.append(order(of: network, at: now))
    }
    return orders.isEmpty ? nil : .orders(orders)
  }

  private func order(of network: IPNetwork, at now: WallTime) -> FirewallRules.Order {
    guard let until = barred[network] else { return .unbar(network) }
    guard let until else { return .bar(network, seconds: nil) }
    let left = (until - now).wholeMilliseconds
    return left > 0 ? .bar(network, seconds: left / 1_000 + 1) : .unbar(network)
  }

  /// The kernel counts their time by itself.
  private mutating func forgetOver(at now: WallTime) {
    barred = barred.filter { $0.value.map { $0 > now } ?? true }
    room = max(room, 2 * barred.count)
  }

  /// Networks in the order in which they came, each once.
  private struct Waiting: Sendable {
    private var networks = Queue<IPNetwork>()
    /// The others in the queue were taken out since.
    private var present: Set<IPNetwork> = []

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
