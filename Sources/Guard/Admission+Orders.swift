package import Elements

// What people ask of the guard, and what a restart tells it.

extension Admission {
  /// Bans a network by order of a person; `until` nil: until it is lifted.
  ///
  /// A ban that is in force already is never made shorter by it, and keeps its rung.
  package mutating func order(
    _ network: IPNetwork, until: WallTime?, words: String, at now: Now
  ) throws(BanOrderError) -> [GuardChange] {
    if let spared = firstSpared(within: network) { throw .spared(network, spared) }
    guard network.length >= (network.address.isV4 ? 8 : 16) else { throw .tooWide(network) }
    let present = bans.ban(.network(network), at: now.wall)
    var end = until
    if let present {
      end = if let until, let other = present.until { max(until, other) } else { nil }
    }
    let ban = Ban(
      .network(network), .order(words), since: now.wall, until: end, rung: present?.rung ?? 0)
    return bans.apply(.put(ban), at: now.wall)
  }

  /// Lifts every ban that a network is in or that is within it.
  ///
  /// - Returns: What was lifted.
  package mutating func lift(_ network: IPNetwork, at now: Now) -> [GuardChange] {
    let changes = bans.standing(at: now.wall).filter {
      $0.subject.network.overlaps(network)
    }.map { GuardChange.lift($0.subject) }
    for change in changes { bans.apply(change, at: now.wall) }
    return changes
  }

  /// What is in force of a network itself.
  package func ban(of network: IPNetwork, at wall: WallTime) -> Ban? {
    bans.ban(.network(network), at: wall)
  }

  /// What is in force, by network.
  package func standing(at wall: WallTime) -> [Ban] { bans.standing(at: wall) }

  package func standingCount(at wall: WallTime) -> Int { bans.standingCount(at: wall) }

  /// Why an address is treated as it is.
  package func explain(_ address: IPAddress, at now: Now) -> BanExplanation {
    let unit = Neighbourhood(of: address).network
    return BanExplanation(
      address: address, isSpared: isSpared(address),
      hasPhones: friends.knows(unit, at: now.instant), isListed: isListed(address, at: now.wall),
      bans: bans.standing(at: now.wall).filter { $0.subject.network.contains(address) })
  }

  /// Whether everything that a ban is about may be dropped before it is read: nobody there is known, spared or expected.
  package func isBarrable(_ ban: Ban, at now: Now) -> Bool {
    guard ban.subject.isNetwork else { return false }
    return isBarrable(ban.subject.network, knowing: !ban.isOrder, at: now)
  }

  func isBarrable(_ network: IPNetwork, knowing: Bool, at now: Now) -> Bool {
    firstSpared(within: network) == nil
      && !(knowing && friends.isAnybody(within: network, at: now.instant))
  }

  // MARK: - The journal

  package mutating func replay(_ change: GuardChange) {
    if case .known(let network, let wall) = change {
      friends.remember(network, since: wall)
    } else {
      // Before any clock is known: nothing is over then, and what is shows itself later.
      bans.apply(change, at: WallTime(unixMilliseconds: 0))
    }
  }

  /// Ends the replay.
  package mutating func recover(at now: Now) { friends.recover(at: now) }

  /// Where phones have proven themselves lately.
  package func knownPlaces(at now: Instant) -> [IPNetwork] { friends.places(at: now) }

  package func checkpoint() -> [GuardChange] { bans.checkpoint() + friends.checkpoint() }
}

/// How the guard stands to one address.
package struct BanExplanation: Hashable, Sendable {
  package let address: IPAddress
  /// It is a carrier's, or listed as never to be banned.
  package let isSpared: Bool
  /// A phone has proven itself from there within a day: the address is never banned whole.
  package let hasPhones: Bool
  /// It is banned for what others say of it.
  package let isListed: Bool
  package let bans: [Ban]
}

/// Why a ban that a person asked for is refused.
package enum BanOrderError: Error, Hashable, CustomStringConvertible {
  case spared(IPNetwork, IPNetwork)
  /// Half the world would be banned.
  case tooWide(IPNetwork)

  package var description: String {
    switch self {
    case .spared(let wanted, let spared):
      """
      \(wanted) holds \(spared), which is never banned: a carrier's address, or one of platform.never_ban. \
      Ban a smaller network, or take it out there first.
      """
    case .tooWide(let network):
      "\(network) is too wide. Ban at most /8 of IPv4 or /16 of IPv6 at once."
    }
  }
}
