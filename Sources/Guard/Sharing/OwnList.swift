package import Elements

/// Our own list: what the next entry is, and how much we say.
package struct OwnList: Sendable {
  private let reporter: Bits256
  private var sequence: UInt64
  private var head: Bits256
  /// What we have listed and not removed, until when.
  private var standing: [IPNetwork: WallTime] = [:]
  private var bucket = RateBucket()
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
    guard rules.obstacle(to: finding.network) == nil, !rules.isTooWide(finding.network),
      bucket.take(Self.rate, at: now.instant)
    else { return nil }
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
    standing.filter { $0.value > wall && $0.key.overlaps(network) }.keys.sorted()
  }

  /// What we list now.
  package func standing(at wall: WallTime) -> [IPNetwork] {
    standing.filter { $0.value > wall }.keys.sorted()
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
      if standing.count >= Trust.node.total { standing = standing.filter { $0.value > wall } }
      standing[listing.network] = listing.expires
    case .removal(let network): standing[network] = nil
    }
  }
}
