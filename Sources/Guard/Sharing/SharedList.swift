package import Elements

/// What others say of malicious sources, and what follows: the lists of peers, each heard in its order, and files.
///
/// Whoever drives it has verified the signatures, keeps the reports, and does the changes.
///
///     entry ─┬─ no peer, replayed, a gap, another history ── refused: the reporter stays where it was
///            └─ the next one ─┬─ over, too wide, of a carrier, too many … ── ignored
///                             └─ counts ─┬─ of a node or a trusted operator ── banned until it is over
///                                        └─ of one who is watched ── banned as long as enough others list it
package struct SharedList: Sendable {
  package var rules: SharingRules
  private var reporters: [Bits256: Reporter] = [:]
  /// By network, one report of each origin.
  private var reports = NetworkTable<[Report]>()
  /// What was said last of each network that is banned.
  private var effective: [IPNetwork: WallTime] = [:]
  private var files: [String: Set<IPNetwork>] = [:]
  /// When the first report is over; before that there is nothing to sweep.
  private var firstEnd: WallTime?

  package init(_ rules: SharingRules) {
    self.rules = rules
  }

  // MARK: - Who is heard

  package mutating func listen(to key: Bits256, _ trust: Trust) {
    reporters[key] = Reporter(trust: trust)
  }

  /// Takes up a reporter's list where it was left; without a head the next entry may have any history.
  package mutating func resume(_ key: Bits256, after sequence: UInt64, _ head: Bits256?) {
    reporters[key]?.sequence = sequence
    reporters[key]?.head = head
  }

  /// The number of the last entry that was heard of a reporter.
  package func heard(of key: Bits256) -> UInt64 { reporters[key]?.sequence ?? 0 }

  /// A reporter has older entries no more: the next one may be any that is newer than what was heard.
  package mutating func skip(_ key: Bits256, to sequence: UInt64) {
    guard let known = reporters[key]?.sequence, sequence > known else { return }
    reporters[key]?.sequence = sequence
    reporters[key]?.head = nil
  }

  package func count(of key: Bits256) -> Int { reporters[key]?.count ?? 0 }

  // MARK: - Entries

  /// Takes the next entries of a reporter, up to one that does not continue its list; each digest is that of the entry's bytes,
  /// whose signature is right.
  ///
  /// What follows is said once for all: to say it costs a look at everything that is listed.
  package mutating func hear(
    _ entries: [(entry: ListEntry, digest: Bits256)], at now: Now
  ) -> Hearing {
    sweep(at: now.wall)
    var hearing = Hearing()
    var changed: [IPNetwork] = []
    for (entry, digest) in entries {
      do throws(EntryRefusal) {
        try follow(entry, digest)
      } catch {
        hearing.refusal = error
        break
      }
      if let defect = take(entry, at: now) {
        hearing.verdicts.append(.ignored(defect))
      } else {
        hearing.verdicts.append(.counts)
        changed.append(entry.network)
      }
    }
    hearing.changes = settle(changed, at: now.wall)
    return hearing
  }

  /// Goes on to an entry, where it is the next one of its reporter.
  private mutating func follow(_ entry: ListEntry, _ digest: Bits256) throws(EntryRefusal) {
    guard let reporter = reporters[entry.reporter] else { throw .stranger(entry.reporter) }
    guard entry.sequence > reporter.sequence else {
      throw .replayed(sequence: entry.sequence, last: reporter.sequence)
    }
    guard entry.sequence - 1 == reporter.sequence else {
      throw .gap(sequence: entry.sequence, last: reporter.sequence)
    }
    guard reporter.head.map({ $0 == entry.previous }) ?? true else {
      throw .forked(sequence: entry.sequence)
    }
    resume(entry.reporter, after: entry.sequence, digest)
  }

  /// Notes what an entry says.
  ///
  /// - Returns: Why it has no effect; nil where it has one.
  private mutating func take(_ entry: ListEntry, at now: Now) -> EntryDefect? {
    switch entry.deed {
    case .listing(let listing):
      if let defect = defect(of: listing, in: entry, at: now) { return defect }
      add(Report(listing, of: entry.reporter, sequence: entry.sequence, at: now.wall))
    case .removal(let network):
      let origin = Report.Origin.peer(entry.reporter)
      guard holds(network, from: origin) else { return .notListed(network) }
      remove(network, of: origin)
    }
    return nil
  }

  /// What keeps a listing from counting; the reporter's budget is asked last, so that nothing else spends it.
  private mutating func defect(
    of listing: Listing, in entry: ListEntry, at now: Now
  ) -> EntryDefect? {
    let network = listing.network
    guard listing.expires > now.wall else { return .expired }
    guard listing.evidence == .proven else { return .unproven }
    guard entry.at <= now.wall + rules.skew, listing.first <= listing.last,
      listing.last <= entry.at + rules.skew
    else { return .wrongTime }
    // By our clock too: theirs may be set back.
    guard listing.expires <= entry.at + rules.longest,
      listing.expires <= now.wall + rules.longest + rules.skew
    else { return .tooLong }
    guard !rules.isTooWide(network) else { return .tooWide(network) }
    if let obstacle = rules.obstacle(to: network) { return .never(network, obstacle) }
    let isNew = !holds(network, from: .peer(entry.reporter))
    return reporters[entry.reporter]?.charge(isNew: isNew, at: now.instant)
  }

  // MARK: - What was kept

  /// Takes back what was heard before a restart, without asking for its reporter's budget; nothing of strangers.
  package mutating func restore(_ reports: [Report], at wall: WallTime) -> [ListChange] {
    let standing = reports.filter { report in
      guard report.until > wall, rules.obstacle(to: report.network) == nil else { return false }
      switch report.origin {
      case .peer(let key): return reporters[key] != nil && !rules.isTooWide(report.network)
      case .file: return true
      }
    }
    for report in standing { add(report) }
    return settle(standing.map(\.network), at: wall)
  }

  // MARK: - Files

  /// Replaces what a file said before under the same name; without networks it is gone.
  package mutating func read(
    _ networks: [IPNetwork], file: String, until: WallTime, at wall: WallTime
  ) -> [ListChange] {
    let gone = (files[file] ?? []).subtracting(networks)
    for network in gone { remove(network, of: .file(file)) }
    for network in networks { add(Report(network, file: file, since: wall, until: until)) }
    return settle(gone + networks, at: wall)
  }

  /// What keeps networks of a file off the list; a person may list wider ones than peers.
  package func obstacle(to network: IPNetwork) -> IPNetwork? { rules.obstacle(to: network) }

  /// How many networks are there out of other files than this one.
  package func imported(besides file: String) -> Int {
    files.filter { $0.key != file }.values.reduce(0) { $0 + $1.count }
  }

  // MARK: - A person's word

  /// Drops what anybody says of networks that overlap any of these.
  ///
  /// - Returns: The reports that are gone, for whoever keeps them, and what changed.
  package mutating func dismiss(
    _ networks: [IPNetwork], at wall: WallTime
  ) -> (reports: [Report], changes: [ListChange]) {
    let gone = reports.all.flatMap(\.self).filter { report in
      networks.contains { $0.overlaps(report.network) }
    }
    for report in gone { remove(report.network, of: report.origin) }
    return (gone, settle(gone.map(\.network), at: wall))
  }

  /// Drops all that a reporter has said, and begins its list anew.
  package mutating func forget(_ key: Bits256, at wall: WallTime) -> [ListChange] {
    let networks = reports.all.flatMap(\.self).filter { $0.origin == .peer(key) }.map(\.network)
    for network in networks { remove(network, of: .peer(key)) }
    if let trust = reporters[key]?.trust { reporters[key] = Reporter(trust: trust) }
    return settle(networks, at: wall)
  }

  // MARK: - Questions

  /// What is said of an address, the widest network first.
  package func reports(about address: IPAddress, at wall: WallTime) -> [Report] {
    reports.networks(around: address).flatMap { reports[$0] ?? [] }.filter { $0.until > wall }
  }

  /// Everything that is said and not over, by network.
  package func all(at wall: WallTime) -> [Report] {
    reports.all.flatMap(\.self).filter { $0.until > wall }.sorted { $0.network < $1.network }
  }

  /// Until when a network is banned for what is said of it; nil: it is watched, or nothing is said.
  package func bannedUntil(_ network: IPNetwork, at wall: WallTime) -> WallTime? {
    effective[network].flatMap { $0 > wall ? $0 : nil }
  }

  /// Lets go of what is over: the bans for it have ended by themselves.
  package mutating func sweep(at wall: WallTime) {
    guard let firstEnd, firstEnd <= wall else { return }
    let all = reports.all.flatMap(\.self)
    for report in all where report.until <= wall { remove(report.network, of: report.origin) }
    effective = effective.filter { $0.value > wall }
    self.firstEnd = all.lazy.map(\.until).filter { $0 > wall }.min()
  }

  // MARK: - From reports to bans

  private func holds(_ network: IPNetwork, from origin: Report.Origin) -> Bool {
    reports[network]?.contains { $0.origin == origin } ?? false
  }

  private mutating func add(_ report: Report) {
    remove(report.network, of: report.origin)
    reports[report.network] = (reports[report.network] ?? []) + [report]
    firstEnd = min(firstEnd ?? report.until, report.until)
    switch report.origin {
    case .peer(let key): reporters[key]?.count += 1
    case .file(let name): files[name, default: []].insert(report.network)
    }
  }

  private mutating func remove(_ network: IPNetwork, of origin: Report.Origin) {
    guard var rest = reports[network], let index = rest.firstIndex(where: { $0.origin == origin })
    else { return }
    rest.remove(at: index)
    reports[network] = rest.isEmpty ? nil : rest
    switch origin {
    case .peer(let key): reporters[key]?.count -= 1
    case .file(let name):
      files[name]?.remove(network)
      if files[name]?.isEmpty ?? false { files[name] = nil }
    }
  }

  /// Says what follows for networks about which something else is said now, and for those within them.
  private mutating func settle(_ changed: [IPNetwork], at wall: WallTime) -> [ListChange] {
    var affected = Set(changed)
    var wide = NetworkTable<Bool>()
    for network in changed where !network.isSingle { wide[network] = true }
    if wide.count > 0 {
      for network in reports.networks {
        let isWithin = wide.first(around: network.address) { around, _ in
          around.bits < network.bits ? true : nil
        }
        if isWithin ?? false { affected.insert(network) }
      }
    }
    var changes: [ListChange] = []
    for network in affected.sorted() {
      let until = until(network, at: wall)
      guard until != effective[network] else { continue }
      effective[network] = until
      changes.append(until.map { .list(Listed(network, until: $0)) } ?? .unlist(network))
    }
    return changes
  }

  /// Until when a network is banned: as long as somebody who may ban lists it, or enough of the others do.
  private func until(_ network: IPNetwork, at wall: WallTime) -> WallTime? {
    guard reports[network] != nil else { return nil }
    var bans: WallTime?
    var watches: [Bits256: WallTime] = [:]
    // Who lists a wider network lists this one.
    for around in reports.networks(around: network.address) where around.bits <= network.bits {
      for report in reports[around] ?? [] where report.until > wall {
        switch report.origin {
        case .file: bans = max(bans ?? report.until, report.until)
        case .peer(let key):
          if reporters[key]?.trust.bans ?? false {
            bans = max(bans ?? report.until, report.until)
          } else {
            watches[key] = max(watches[key] ?? report.until, report.until)
          }
        }
      }
    }
    let needed = max(1, rules.corroboration)
    let together = watches.count < needed ? nil : watches.values.sorted(by: >)[needed - 1]
    return [bans, together].compactMap(\.self).max()
  }
}

/// How far one peer's list was heard, and what it may say yet.
private struct Reporter: Sendable {
  let trust: Trust
  var sequence: UInt64 = 0
  /// The digest of the last entry; nil where the next one may have any history.
  var head: Bits256? = .zero
  /// Listings that are kept of it.
  var count = 0
  private var bucket = RateBucket()

  init(trust: Trust) {
    self.trust = trust
  }

  mutating func charge(isNew: Bool, at now: Instant) -> EntryDefect? {
    guard !isNew || count < trust.total else { return .tooMany }
    return bucket.take(trust.rate, at: now) ? nil : .tooOften
  }
}
