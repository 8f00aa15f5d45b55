import Elements

/// Packets between the switch and its peers: lost, doubled, late, out of order, or cut off.
///
/// Each peer has one link; NATs stand between some phones and the switch.
struct VirtualNetwork {
  struct Link {
    var faults: LinkFaults
    var cutUntil = Instant.start
    var nat: VirtualNAT?
  }

  private(set) var links: [Link] = []
  private var owners: [Endpoint: Int] = [:]

  mutating func join(_ endpoint: Endpoint, _ faults: LinkFaults, nat: VirtualNAT?) {
    owners[endpoint] = links.count
    links.append(Link(faults: faults, nat: nat))
  }

  mutating func cut(_ link: Int, until moment: Instant) { links[link].cutUntil = moment }

  /// No fault from here on, so that what must work can be asked for.
  mutating func heal() {
    for index in links.indices {
      (links[index].faults, links[index].cutUntil) = (LinkFaults(), .start)
    }
  }

  /// The peer that a packet for this address reaches; nil: nobody is there.
  mutating func peer(at endpoint: Endpoint, at now: Instant) -> Int? {
    if let owner = owners[endpoint], links[owner].nat == nil { return owner }
    return links.indices.first { index in
      links[index].nat?.isOpen(endpoint, at: now) ?? false
    }
  }

  /// The address that the switch sees a packet of this peer come from.
  mutating func source(of peer: Int, _ own: Endpoint, at now: Instant) -> Endpoint {
    guard var nat = links[peer].nat else { return own }
    defer { links[peer].nat = nat }
    return nat.outside(at: now)
  }

  /// When copies of a packet arrive; empty: it is lost.
  mutating func arrivals(on link: Int, at now: Instant, dice: inout SplitMix) -> [Instant] {
    let faults = links[link].faults
    guard links[link].cutUntil <= now else { return [] }
    if faults.loss > 0, dice.chance(faults.loss, in: 1000) { return [] }
    var arrivals = [now + delay(faults, dice: &dice)]
    if faults.duplication > 0, dice.chance(faults.duplication, in: 1000) {
      arrivals.append(now + delay(faults, dice: &dice))
    }
    if faults.reordering > 0, dice.chance(faults.reordering, in: 1000) {
      arrivals[0] = arrivals[0] + .milliseconds(Int.random(in: 20...800, using: &dice))
    }
    return arrivals
  }

  /// Whether one packet of media passes; its delay does not matter.
  mutating func passes(on link: Int, at now: Instant, dice: inout SplitMix) -> Bool {
    links[link].cutUntil <= now && !dice.chance(links[link].faults.loss, in: 1000)
  }

  private func delay(_ faults: LinkFaults, dice: inout SplitMix) -> Duration {
    let micros = faults.delayMs * 1000 + Int.random(in: 0...(faults.jitterMs * 1000), using: &dice)
    return .microseconds(micros)
  }
}

/// A NAT in front of one phone: forgets it after a silence, and gives it another port afterwards.
struct VirtualNAT {
  let address: IPAddress
  let patience: Duration
  private var port: UInt16
  private var lastUsed = Instant.start

  init(_ address: IPAddress, firstPort: UInt16, patience: Duration) {
    (self.address, port, self.patience) = (address, firstPort, patience)
  }

  /// The phone sends: the binding lives on, or a new one begins.
  mutating func outside(at now: Instant) -> Endpoint {
    if lastUsed + patience < now { port &+= 1 }
    lastUsed = now
    return Endpoint(address, port)
  }

  /// Whether a packet from outside still gets in; it keeps the binding alive, as most NATs do.
  mutating func isOpen(_ endpoint: Endpoint, at now: Instant) -> Bool {
    guard endpoint == Endpoint(address, port), now <= lastUsed + patience else { return false }
    lastUsed = now
    return true
  }
}
