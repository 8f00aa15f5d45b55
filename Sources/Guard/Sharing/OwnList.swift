package import Elements

/// Our own list: what the next entry is, and how much we say.
package struct OwnList: Sendable {
  private let reporter: Bits256
  private var sequence: UInt64
  private var head: Bits256
  /// What we have listed and not removed, by network, so that readers need not sort it.
  private var standing: [Listed] = []
  /// Above it what is over is let go.
  private var mostStanding = Trust.node.total
  private var bucket = RateBucket()
  /// Findings that nobody was told of, since enough was told within the hour.
  package private(set) var untold: UInt64 = 0
  /// More in an hour is banned here, and nobody is told.
  private static let rate = Rate(every: .milliseconds(3_600), burst: 1_000)

  /// Goes on behind the entry that was written last, of which `head` is the digest; 0 and zeros for none.
  package init(_ reporter: Bits256, after sequence: UInt64, _ head: Bits256) {
    (self.reporter, self.sequence, self.head) = (reporter, sequence, head)
  }

  /// The number of the last entry.
  package var last: UInt64 { sequence }

  /// The entry that tells of a finding; nil where enough was told within the hour.
  package mutating func entry(
    for finding: Finding, digest: Bits256, _ rules: SharingRules, at now: Now
  ) -> ListEntry? {
    guard rules.obstacle(to: finding.network) == nil, !rules.isTooWide(finding.network) else {
      return nil
    }
    guard bucket.take(Self.rate, at: now.instant) else {
      untold += 1
      return nil
    }
    let expires = min(finding.expires, now.wall + rules.longest)
    return next(
      .listing(
        Listing(
          finding.network, offence: finding.offence.rawValue, evidence: .proven, digest: digest,
          first: min(finding.first, finding.last), last: finding.last, expires: expires,
          score: UInt32(clamping: finding.score))), at: now.wall)
  }

  /// Those of our listings that are within a network, or that it is in, and hold yet.
  package func listed(overlapping network: IPNetwork, at wall: WallTime) -> [IPNetwork] {
    standing.filter { $0.until > wall && $0.network.overlaps(network) }.map(\.network)
  }

  /// What we list now.
  package func standing(at wall: WallTime) -> [IPNetwork] {
    standing.filter { $0.until > wall }.map(\.network)
  }

  /// The entry that takes a listing back.
  package func removal(of network: IPNetwork, at wall: WallTime) -> ListEntry {
    next(.removal(network), at: wall)
  }

  private func next(_ deed: ListEntry.Deed, at wall: WallTime) -> ListEntry {
    ListEntry(
      reporter: reporter, sequence: sequence + 1, previous: head, at: wall, deed: deed)
  }

  /// An entry is written: the next one follows it.
  package mutating func wrote(_ entry: ListEntry, digest: Bits256) {
    (sequence, head) = (entry.sequence, digest)
    note(entry.deed, at: entry.at)
  }

  /// Takes back what an entry from before a restart says.
  package mutating func note(_ deed: ListEntry.Deed, at wall: WallTime) {
    switch deed {
    case .listing(let listing):
      if standing.count >= mostStanding {
        standing.removeAll { $0.until <= wall }
        mostStanding = max(Trust.node.total, 2 * standing.count)
      }
      let place = place(of: listing.network)
      let listed = Listed(listing.network, until: listing.expires)
      if isListed(listing.network, at: place) {
        standing[place] = listed
      } else {
        standing.insert(listed, at: place)
      }
    case .removal(let network):
      let place = place(of: network)
      if isListed(network, at: place) { standing.remove(at: place) }
    }
  }

  private func isListed(_ network: IPNetwork, at place: Int) -> Bool {
    place < standing.count && standing[place].network == network
  }

  /// Where a network stands, or would.
  private func place(of network: IPNetwork) -> Int {
    var (from, to) = (0, standing.count)
    while from < to {
      let middle = (from + to) / 2
      if standing[middle].network < network { from = middle + 1 } else { to = middle }
    }
    return from
  }
}
