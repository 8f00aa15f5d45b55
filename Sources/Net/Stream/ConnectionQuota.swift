package import Elements
import Guard

/// Who may hold a connection: so many from one source and from its neighbours, and strangers only a share of all.
///
/// A stranger is who has not proven himself on his connection. Where strangers have used up their share, the newcomer takes the
/// place of the one who has been a stranger for longest: a phone proves itself within its first second, so that it finds room
/// whoever else connects (A12). So it is also among those of one source where phones are known, or that is a carrier's.
package struct ConnectionQuota {
  /// What is known of the place that somebody connects from.
  package enum Place: Hashable, Sendable {
    case unknown
    /// Phones have proven themselves from there: their neighbours do not count against them, nor much who else is there.
    case acquainted
    /// Of a carrier, or of somebody else who is never banned.
    case spared
  }

  package enum Verdict: Hashable, Sendable {
    case refused
    /// Welcome; nil: and there was room.
    case admitted(inPlaceOf: FlowID?)
  }

  private struct Caller {
    let address: IPAddress
    var isStranger: Bool
  }

  /// One IPv4 address or 64 bits of IPv6.
  private struct Source {
    var connections: Set<FlowID> = []
    var strangers = 0
  }

  private let limits: StreamLimits
  private var callers: [FlowID: Caller] = [:]
  private var sources: [IPNetwork: Source] = [:]
  /// Strangers by 24 bits of IPv4 or 48 bits of IPv6.
  private var neighbours: [IPNetwork: Int] = [:]
  private var strangers = 0
  /// Those who came as strangers, the first first; some have proven themselves since, or gone.
  private var arrivals = Queue<FlowID>()
  private var rates: Generations<IPNetwork, RateBucket>

  /// A source that was quiet for that long has its whole rate again.
  private static let memory = Duration.seconds(60)
  private static let sourcesRemembered = 20_000

  package init(_ limits: StreamLimits) {
    self.limits = limits
    rates = Generations(life: Self.memory, limit: Self.sourcesRemembered)
  }

  /// Somebody connects from there, and is a stranger.
  package mutating func admit(
    _ id: FlowID, from address: IPAddress, in place: Place, at now: Instant
  ) -> Verdict {
    let source = Self.source(of: address)
    guard mayBegin(source, in: place, at: now) else { return .refused }
    var displaced: FlowID?
    if isFull(source) {
      guard place != .unknown, let first = firstStranger(of: source) else { return .refused }
      displaced = first
    } else if place == .unknown,
      neighbours[Self.neighbours(of: address)] ?? 0 >= limits.strangersNearby
    {
      return .refused
    } else if strangers >= limits.strangers || callers.count >= limits.connections {
      guard let first = firstStranger() else { return .refused }
      displaced = first
    }
    if let displaced { end(displaced) }
    callers[id] = Caller(address: address, isStranger: true)
    sources[source, default: Source()].connections.insert(id)
    countStranger(at: address, by: 1)
    arrivals.append(id)
    return .admitted(inPlaceOf: displaced)
  }

  private mutating func mayBegin(
    _ source: IPNetwork, in place: Place, at now: Instant
  ) -> Bool {
    let rate: Rate
    switch place {
    case .unknown: rate = limits.arrivals
    case .acquainted: rate = limits.knownArrivals
    case .spared: return true
    }
    return rates.update(source, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
  }

  private func isFull(_ source: IPNetwork) -> Bool {
    guard let held = sources[source] else { return false }
    return held.connections.count >= limits.connectionsPerAddress
      || held.strangers >= limits.strangersPerAddress
  }

  /// The one who has been a stranger there for longest.
  private func firstStranger(of source: IPNetwork) -> FlowID? {
    sources[source]?.connections.lazy.filter { callers[$0]?.isStranger ?? false }.min()
  }

  /// Somebody has proven himself on his connection.
  package mutating func trust(_ id: FlowID) {
    guard let caller = callers[id], caller.isStranger else { return }
    callers[id]?.isStranger = false
    countStranger(at: caller.address, by: -1)
    _ = firstStranger()
  }

  /// A connection is gone.
  package mutating func end(_ id: FlowID) {
    guard let caller = callers.removeValue(forKey: id) else { return }
    if caller.isStranger { countStranger(at: caller.address, by: -1) }
    let source = Self.source(of: caller.address)
    sources[source]?.connections.remove(id)
    if sources[source]?.connections.isEmpty ?? false { sources[source] = nil }
    _ = firstStranger()
  }

  /// The connections from a network.
  package func connections(from network: IPNetwork) -> [FlowID] {
    let unit = Self.source(of: network.address)
    let held: [Set<FlowID>] =
      network.bits >= unit.bits
      ? [sources[unit]?.connections ?? []]
      : sources.filter { network.contains($0.key.address) }.map(\.value.connections)
    return held.joined()
      .filter { callers[$0].map { network.contains($0.address) } ?? false }.sorted()
  }

  /// How many arrivals are remembered: those since the first one who is a stranger yet, for a minute at most.
  package var arrivalsRemembered: Int { arrivals.count }

  /// Forgets the arrivals in front of it.
  private mutating func firstStranger() -> FlowID? {
    while let first = arrivals.first {
      if callers[first]?.isStranger ?? false { return first }
      _ = arrivals.removeFirst()
    }
    return nil
  }

  private mutating func countStranger(at address: IPAddress, by difference: Int) {
    strangers += difference
    let (source, near) = (Self.source(of: address), Self.neighbours(of: address))
    sources[source]?.strangers += difference
    let count = (neighbours[near] ?? 0) + difference
    neighbours[near] = count > 0 ? count : nil
  }

  private static func source(of address: IPAddress) -> IPNetwork {
    Neighbourhood(of: address).network
  }

  private static func neighbours(of address: IPAddress) -> IPNetwork {
    Neighbourhood(of: address).wider
  }
}
