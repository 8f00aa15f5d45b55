package import Elements
import Guard

/// How many TLS handshakes others may begin: work before anybody can prove himself (A12).
///
/// Strangers of a family have a budget together, and behind it a smaller one for networks that begin few, so that some who begin
/// many do not keep a new phone out. Where phones are known there is a larger one before these, of which a network has a share:
/// a stolen password makes addresses known, too.
package struct HandshakeBudget {
  private struct Network {
    var all = RateBucket()
    /// What it took out of the budget of newcomers.
    var few = RateBucket()
    var known = RateBucket()
  }

  private let limits: HandshakeLimits
  private var strangers = ByFamily(both: RateBucket())
  private var newcomers = ByFamily(both: RateBucket())
  private var known = ByFamily(both: RateBucket())
  private var networks: ByFamily<Generations<IPNetwork, Network>>

  /// A network that was quiet for that long has its whole rate again.
  private static let memory = Duration.seconds(60)
  private static let networksRemembered = 20_000

  package init(_ limits: HandshakeLimits) {
    self.limits = limits
    networks = ByFamily(both: Generations(life: Self.memory, limit: Self.networksRemembered))
  }

  /// Whether a handshake from there may begin; takes it out of the budget then.
  package mutating func take(from address: IPAddress, isKnown: Bool, at now: Instant) -> Bool {
    let (limits, family) = (limits, address.isV4)
    let place = Neighbourhood(of: address).wider
    return networks[isV4: family].update(place, initial: Network(), at: now) { network in
      if isKnown, network.known.take(limits.knownNearby, at: now),
        known[isV4: family].take(limits.known, at: now)
      {
        return true
      }
      guard network.all.take(limits.nearby, at: now) else { return false }
      if strangers[isV4: family].take(limits.strangers, at: now) { return true }
      guard network.few.holdsOne(limits.few, at: now),
        newcomers[isV4: family].take(limits.newcomers, at: now)
      else { return false }
      return network.few.take(limits.few, at: now)
    }
  }
}
