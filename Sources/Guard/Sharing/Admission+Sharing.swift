package import Elements

// What others say of sources, apart from what was seen here: hearsay makes no ban longer, is counted in no network's
// bans, and is told to nobody.

extension Admission {
  /// Bans what others list, or lets it go.
  ///
  /// - Returns: Why it stays as it was; nil where it was done.
  package mutating func hear(_ change: ListChange, at now: Now) -> ListObjection? {
    switch change {
    case .unlist(let network): listed[network] = nil
    case .list(let news):
      if let spared = firstSpared(within: news.network) {
        listed[news.network] = nil
        return .spared(news.network, spared)
      }
      if listed[news.network] == nil, listed.count >= settings.listed {
        dropOver(at: now.wall)
        guard listed.count < settings.listed else { return .full(news.network) }
      }
      listed[news.network] = news.until
      firstListedEnd = min(firstListedEnd ?? news.until, news.until)
    }
    return nil
  }

  /// Lets go of all that overlaps a network.
  ///
  /// - Returns: What was banned.
  package mutating func unlist(_ network: IPNetwork, at wall: WallTime) -> [IPNetwork] {
    let gone = listed.networks.filter { $0.overlaps(network) }.sorted()
    let standing = gone.filter { listed[$0].map { $0 > wall } ?? false }
    for network in gone { listed[network] = nil }
    return standing
  }

  func isListed(_ address: IPAddress, at wall: WallTime) -> Bool {
    guard listed.count > 0 else { return false }
    return listed.first(around: address) { $1 > wall ? true : nil } ?? false
  }

  /// Until when a network itself is banned for what others say; nil: it is not.
  package func listing(of network: IPNetwork, at wall: WallTime) -> WallTime? {
    listed[network].flatMap { $0 > wall ? $0 : nil }
  }

  package func listedCount(at wall: WallTime) -> Int { listed.all.count { $0 > wall } }

  /// What is banned for what others say and overlaps any of these networks, in order.
  package func listed(overlapping networks: [IPNetwork]) -> [IPNetwork] {
    var found = Set(networks.flatMap { listed.networks(around: $0.address) })
    // Of a single address that is all.
    let wide = networks.filter { !$0.isSingle }
    if !wide.isEmpty {
      found.formUnion(listed.networks.filter { network in wide.contains { $0.contains(network) } })
    }
    return found.filter { network in networks.contains { $0.overlaps(network) } }.sorted()
  }

  /// Whether everything from a listed network may be dropped before it is read.
  package func isBarrable(listed network: IPNetwork, at now: Now) -> Bool {
    isBarrable(network, knowing: true, at: now)
  }

  /// Looks at all of it, so only where something is over.
  private mutating func dropOver(at wall: WallTime) {
    guard let firstListedEnd, firstListedEnd <= wall else { return }
    for network in Array(listed.networks) where listed[network].map({ $0 <= wall }) ?? false {
      listed[network] = nil
    }
    self.firstListedEnd = listed.all.min()
  }

  // MARK: - What we say

  /// What others could be told of a ban, what there is most of first; nothing where it is a person's order, about single users, a
  /// conclusion from other bans, or about somewhere that somebody of ours is.
  ///
  /// A wide network is banned for a little of everything: told is each kind of which there is enough by itself, whichever came last.
  package func findings(_ ban: Ban, at now: Now) -> [Finding] {
    guard case .network(let network) = ban.subject, case .offences(let last, let count) = ban.cause,
      last != .guesses, let until = ban.until, isBarrable(ban, at: now)
    else { return [] }
    let isWide = network.bits < Neighbourhood(of: network.address).network.bits
    let kinds: [Offence.Kind] = isWide ? [.wrongCredentials, .probe, .malformed] : [last]
    let findings = kinds.compactMap { kind -> Finding? in
      let (marks, first) = offences.marks(of: kind, within: network, at: now.instant)
      guard !isWide || marks.count >= kind.limit(settings) else { return nil }
      let age = first.map { now.instant - $0 } ?? .zero
      return Finding(
        network: network, offence: kind, score: isWide ? marks.count : max(count, marks.count),
        users: kind == .wrongCredentials ? marks.sorted().map { UserKey($0) } : [],
        first: now.wall + (.zero - age), last: now.wall, expires: until)
    }
    return findings.sorted { ($1.score, $0.offence.rawValue) < ($0.score, $1.offence.rawValue) }
  }
}

/// Why a network is not banned although others list it.
package enum ListObjection: Hashable, Sendable, CustomStringConvertible {
  /// Something of it is a carrier's, or never banned.
  case spared(IPNetwork, IPNetwork)
  case full(IPNetwork)

  package var description: String {
    switch self {
    case .spared(let network, let spared): "\(network) holds \(spared), which is never banned"
    case .full(let network): "there is no room for \(network)"
    }
  }
}

/// What was seen here of a network that is banned for it.
package struct Finding: Hashable, Sendable {
  package let network: IPNetwork
  package let offence: Offence.Kind
  package let score: Int
  /// Of wrong credentials, the users that were tried; empty otherwise.
  package let users: [UserKey]
  package let first: WallTime
  package let last: WallTime
  package let expires: WallTime
}
