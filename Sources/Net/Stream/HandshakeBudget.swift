package import Elements
import Guard

/// How many TLS handshakes others may begin: work before anybody can prove himself (A12).
///
/// Strangers of a family have a budget together, and behind it a smaller one for networks that begin few, so that some who begin
/// many do not keep a new phone out. Where phones are known there is a larger one, since a stolen password makes an address known.
package struct HandshakeBudget {
  private struct Network {
    var all = RateBucket()
    /// What it took out of the budget of newcomers.
    var few = RateBucket()
  }

  private let limits: HandshakeLimits
  private var strangers = ByFamily(both: RateBucket())
  private var newcomers = ByFamily(both: RateBucket())
  private var known = ByFamily(both: RateBucket())
  private var networks: Generations<IPNetwork, Network>

  /// A network that was quiet for that long has its whole rate again.
  private static let memory = Duration.seconds(60)
  private static let networksRemembered = 20_000

  package init(_ limits: HandshakeLimits) {
    self.limits = limits
    networks = Generations(life: Self.memory, limit: Self.networksRemembered)
  }

  /// Whether a handshake from there may begin; takes it out of the budget then.
  package mutating func take(from address: IPAddress, isKnown: Bool, at now: Instant) -> Bool {
    guard !isKnown else { return known[address].take(limits.known, at: now) }
    let (limits, family) = (limits, address.isV4)
    return networks.update(Neighbourhood(of: address).wider, initial: Network(), at: now) {
      guard $0.all.take(limits.nearby, at: now) else { return false }
      return strangers[isV4: family].take(limits.strangers, at: now)
        || ($0.few.take(limits.few, at: now)
          && newcomers[isV4: family].take(limits.newcomers, at: now))
    }
  }
}
