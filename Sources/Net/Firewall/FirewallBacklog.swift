import Elements

/// What the kernel's table has yet to be told: the last word about each network, in order; bounded.
///
/// A bar may be left out, since the process drops as well. An opening may not: the kernel would go on dropping somebody who is
/// pardoned. Where more of them wait than are kept, the table is made anew instead, and all are let in.
package struct FirewallBacklog: Sendable {
  package struct Work: Sendable {
    /// The table is to be made anew before the orders: it holds somebody who was let in.
    package var beginsAnew = false
    package var orders: [FirewallRules.Order] = []
  }

  /// What became of an order.
  package enum Verdict: Hashable, Sendable {
    case taken
    /// There was no room, and it is done without it: of a bar in the process, of an opening by making the table anew.
    case overflown
  }

  /// A bar takes no place where so many orders wait.
  package static let bars = 10_000
  /// Orders that may wait; as many networks as the switch has banned and others have listed at most can be let go at once.
  package static let most = 250_000

  private var beginsAnew = false
  /// In order; nil where a later word of the same network took its place.
  private var orders: [FirewallRules.Order?] = []
  private var places: [IPNetwork: Int] = [:]

  package init() {}

  package mutating func put(_ order: FirewallRules.Order) -> Verdict {
    let present = places[order.network]
    if present == nil, places.count >= (order.isBar ? Self.bars : Self.most) {
      if !order.isBar { beginAnew() }
      return .overflown
    }
    if let present { orders[present] = nil }
    // Half of it at least is in use.
    if orders.count > 2 * places.count + 64 { compact() }
    places[order.network] = orders.count
    orders.append(order)
    return .taken
  }

  /// Empties the table before anything else; what waits for the old one is void.
  package mutating func beginAnew() {
    self = FirewallBacklog()
    beginsAnew = true
  }

  /// What is to be done next; it is done, or ``beginAnew()`` is called.
  package mutating func take() -> Work {
    defer { self = FirewallBacklog() }
    return Work(beginsAnew: beginsAnew, orders: orders.compactMap(\.self))
  }

  private mutating func compact() {
    orders.removeAll { $0 == nil }
    places = [:]
    for (place, order) in orders.enumerated() {
      if let order { places[order.network] = place }
    }
  }
}

extension FirewallRules.Order {
  var network: IPNetwork {
    switch self {
    case .bar(let network, _), .unbar(let network): network
    }
  }

  var isBar: Bool { if case .bar = self { true } else { false } }
}
