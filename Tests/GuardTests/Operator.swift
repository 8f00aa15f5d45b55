import Elements
import Guard

/// Somebody with a list: his entries, each behind the one before, with a digest that is as good as any here.
struct Operator {
  let key: Bits256
  private(set) var sequence: UInt64 = 0
  private(set) var head = Bits256.zero

  init(_ number: UInt8) {
    key = Bits256([UInt8](repeating: number, count: 32)) ?? .zero
  }

  /// The next entry.
  mutating func next(_ deed: ListEntry.Deed, at wall: WallTime) -> ListEntry {
    let entry = ListEntry(
      reporter: key, sequence: sequence + 1, previous: head, at: wall, deed: deed)
    (sequence, head) = (entry.sequence, Self.digest(entry))
    return entry
  }

  /// Tells one history from another; the real one is above the line.
  static func digest(_ entry: ListEntry) -> Bits256 {
    var sum = entry.signedBytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let bytes = (0..<32).map { _ in
      sum = sum &* 6_364_136_223_846_793_005 &+ 1
      return UInt8(truncatingIfNeeded: sum >> 33)
    }
    return Bits256(bytes) ?? .zero
  }
}

/// A clock, a list and those who report to it.
final class Exchange {
  var list: SharedList
  var now = Now(
    instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_795_000_000_000))

  init(_ peers: [(Operator, Trust)], _ rules: SharingRules = SharingRules()) {
    list = SharedList(rules)
    for (peer, trust) in peers { list.listen(to: peer.key, trust) }
  }

  func wait(_ duration: Duration) { now = now + duration }

  func hear(_ entry: ListEntry) throws(EntryRefusal) -> Hearing {
    let hearing = hear([entry])
    if let refusal = hearing.refusal { throw refusal }
    return hearing
  }

  /// Entries that come together.
  func hear(_ entries: [ListEntry]) -> Hearing {
    list.hear(entries.map { ($0, Operator.digest($0)) }, at: now)
  }

  /// A listing of five minutes as an honest reporter writes it now, with what is wrong with it.
  func listing(
    _ network: IPNetwork, lasting: Duration = .seconds(300),
    evidence: Listing.Evidence = .proven, last: WallTime? = nil
  ) -> ListEntry.Deed {
    .listing(
      Listing(
        network, offence: 1, evidence: evidence, digest: .zero, first: now.wall,
        last: last ?? now.wall, expires: now.wall + lasting, score: 5))
  }

  /// What an operator says now of a network, and what became of it.
  @discardableResult
  func hear(
    _ peer: inout Operator, _ network: IPNetwork, lasting: Duration = .seconds(300)
  ) throws(EntryRefusal) -> Hearing {
    try hear(peer.next(listing(network, lasting: lasting), at: now.wall))
  }

  func isBanned(_ network: IPNetwork) -> Bool { list.bannedUntil(network, at: now.wall) != nil }
}

extension IPNetwork {
  /// "203.0.113.7", in tests only where the text is right.
  init(test text: String) { self = IPNetwork(text) ?? IPNetwork(.v4Any, length: 0) }
}

extension Hearing {
  var defect: EntryDefect? {
    verdicts.lazy.compactMap { if case .ignored(let defect) = $0 { defect } else { nil } }.first
  }
}
