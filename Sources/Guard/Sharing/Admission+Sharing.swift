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

  /// What is banned for what others say, by network.
  package var listedNetworks: [IPNetwork] { listed.networks.sorted() }

  /// Whether everything from a listed network may be dropped before it is read.
  package func isBarrable(listed network: IPNetwork, at now: Now) -> Bool {
    isBarrable(network, knowing: true, at: now)
  }

  private mutating func dropOver(at wall: WallTime) {
    for network in Array(listed.networks) where listed[network].map({ $0 <= wall }) ?? false {
      listed[network] = nil
    }
  }

  // MARK: - What we say

  /// What others could be told of a ban; nil where it is a person's order, about single users, a conclusion from other
  /// bans, or about somewhere that somebody of ours is.
  package func finding(_ ban: Ban, at now: Now) -> Finding? {
    guard case .network(let network) = ban.subject, case .offences(let kind, let count) = ban.cause,
      kind != .guesses, let until = ban.until, isBarrable(ban, at: now)
    else { return nil }
    let (marks, first) = offences.marks(of: kind, within: network, at: now.instant)
    let age = first.map { now.instant - $0 } ?? .zero
    return Finding(
      network: network, offence: kind, score: max(count, marks.count),
      users: kind == .wrongCredentials ? marks.sorted().map { UserKey($0) } : [],
      first: now.wall + (.zero - age), last: now.wall, expires: until)
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
