import Elements

/// Who has proven himself lately, and from where: what a flood, a ban and a spoofed source cannot touch.
struct Friends: Sendable {
  private struct Acquaintance: Sendable {
    var user: UserKey
    var at: Instant
    var budget = RateBucket()
  }

  /// What somebody may send whom we have asked something: a forged datagram takes nothing from his streams.
  private struct Expectation: Sendable {
    var datagrams = RateBucket()
    var streams = RateBucket()
  }

  /// Where a user was and when last, and the flows that he spoke on, the latest last.
  private struct Haunts: Sendable {
    /// Few at most times, and ``Friends/placesOfUser`` at the most.
    var places: [(network: IPNetwork, at: Instant)] = []
    var ways: [Source.Way] = []
    /// When he proved himself on the latest.
    var spokeAt = Instant(nanoseconds: .min)

    /// - Returns: A flow that has to make room.
    mutating func speak(on way: Source.Way, at moment: Instant) -> Source.Way? {
      spokeAt = moment
      if ways.last == way { return nil }
      ways.removeAll { $0 == way }
      ways.append(way)
      return ways.count > Friends.flowsOfUser ? ways.removeFirst() : nil
    }

    /// - Returns: Whether the place is one of his from now on.
    mutating func visit(
      _ network: IPNetwork, at moment: Instant, _ friendship: Duration, now: Instant
    ) -> Bool {
      if let index = places.firstIndex(where: { $0.network == network }) {
        places[index].at = max(places[index].at, moment)
        return true
      }
      if places.count >= Friends.placesOfUser {
        places.removeAll { now - $0.at > friendship }
        guard places.count < Friends.placesOfUser else { return false }
      }
      places.append((network, moment))
      return true
    }
  }

  /// When somebody last proved himself from a place, on both clocks: one counts, the other outlives a restart.
  private struct Visit: Sendable {
    var at: Instant
    var wall: WallTime
  }

  private var friendship: Duration
  /// Kept, since durations are slow to divide.
  private var writtenAgain: Duration
  /// What each of them may send.
  private let rate: Rate
  private var flows: TenantGenerations<Source.Way, Acquaintance>
  private var places: TenantGenerations<IPNetwork, Visit>
  private var haunts: Generations<UserKey, Haunts>
  /// When somebody last proved himself from anywhere in one of the networks of ``areas(of:)``.
  private var areas: Generations<IPNetwork, Instant>
  /// Whom we have asked something: carriers behind a name, a proxy that a Contact or a Record-Route names.
  private var expected: Generations<IPAddress, Expectation>
  private var expectedAreas: Generations<IPNetwork, Bool>
  /// Read back from a journal, before a clock is known.
  private var remembered: [IPNetwork: WallTime] = [:]
  /// When each place was last written down.
  private var written: Generations<IPNetwork, WallTime>

  /// Within it the same phone on the same flow is no news.
  private static let freshness: Duration = .seconds(600)
  /// Within a day a user makes no more places known: who has an account and a whole network would make friends of all of it.
  static let placesOfUser = 64
  /// The same of flows, of which the oldest makes room: some phones with one password, each behind a NAT that forgets.
  static let flowsOfUser = 32
  /// A place in use is told at least so often, for those who forget it after a day.
  private static func writtenAgain(_ friendship: Duration) -> Duration {
    min(friendship / 4, .seconds(21_600))
  }
  /// Longer than the longest registration.
  private static let flowLife: Duration = .seconds(7_800)

  init(_ settings: GuardSettings) {
    (friendship, rate) = (settings.friendship, settings.friend)
    writtenAgain = Self.writtenAgain(friendship)
    flows = TenantGenerations(
      life: Self.flowLife, limit: settings.friends, share: settings.flowsOfTenant)
    places = TenantGenerations(
      life: friendship, limit: settings.friends, share: settings.placesOfTenant)
    haunts = Generations(life: friendship, limit: settings.friends)
    areas = Generations(life: friendship, limit: 3 * settings.friends)
    expected = Generations(life: settings.expectation, limit: settings.sources)
    expectedAreas = Generations(life: settings.expectation, limit: 3 * settings.sources)
    written = Generations(life: friendship, limit: settings.friends)
  }

  /// A place is known for longer or shorter from now on, also one that is known already.
  mutating func adopt(_ settings: GuardSettings) {
    friendship = settings.friendship
    writtenAgain = Self.writtenAgain(friendship)
    (places.life, haunts.life) = (friendship, friendship)
    (areas.life, written.life) = (friendship, friendship)
  }

  /// Whether somebody has proven himself on that very flow.
  func knows(_ way: Source.Way, at now: Instant) -> Bool { flows.value(of: way, at: now) != nil }

  /// Whether that user has.
  func knows(_ user: UserKey, on way: Source.Way, at now: Instant) -> Bool {
    flows.value(of: way, at: now)?.user == user
  }

  /// Whether a phone has proven itself from there within a day.
  func knows(_ network: IPNetwork, at now: Instant) -> Bool {
    places.value(of: network, at: now).map { now - $0.at <= friendship } ?? false
  }

  /// Whether a phone has proven itself from anywhere within a network, or we have asked somebody there.
  ///
  /// Others may list thousands of networks: all places are looked at only for what is wider than they may list, and only where
  /// somebody is near. Of a network that is between two of the kept ones the wider one counts.
  func isAnybody(within network: IPNetwork, at now: Instant) -> Bool {
    let place = Neighbourhood(of: network.address)
    let kept = Self.areas(of: network.address)
    if network.bits >= place.network.bits {
      let isExpected =
        network.isSingle
        ? expects(network.address, at: now) : expectedAreas.value(of: kept[0], at: now) != nil
      return isExpected || knows(place.network, at: now)
    }
    if let area = kept.first(where: { $0.bits <= network.bits }) {
      let isNear = isAnybody(inArea: area, at: now)
      if !isNear || area == network || network.bits > place.wider.bits { return isNear }
    }
    return expected.contains(at: now) { address, _ in network.contains(address) }
      || places.contains(at: now) { network.contains($0) && now - $1.at <= friendship }
  }

  private func isAnybody(inArea area: IPNetwork, at now: Instant) -> Bool {
    expectedAreas.value(of: area, at: now) != nil
      || areas.value(of: area, at: now).map { now - $0 <= friendship } ?? false
  }

  /// The networks around an address of which is kept whether somebody is there: all that are banned, and a coarse one.
  private static func areas(of address: IPAddress) -> [IPNetwork] {
    (address.isV4 ? [24, 16] : [56, 48, 32]).map { IPNetwork(address, length: $0) }
  }

  /// How many places are remembered, and whom we have asked something; some of it is over.
  var neighbourhoodCount: Int { places.count + expected.count }

  /// Where phones have proven themselves within a day, and whom we have asked something, of one family; looks at all of it.
  ///
  /// Where these are more than `most`, each tenant has as much room as any other that needs it, for where it was last.
  func neighbourhoods(isV4: Bool, most: Int, at now: Instant) -> [IPNetwork] {
    let asked = Set(
      expected.all.keys.lazy.filter { $0.isV4 == isV4 }.map { Neighbourhood(of: $0).network })
    var known: [TenantID?: [(network: IPNetwork, at: Instant)]] = [:]
    for (network, entry) in places.all
    where network.address.isV4 == isV4 && now - entry.value.at <= friendship
      && !asked.contains(network)
    {
      known[entry.tenant, default: []].append((network, entry.value.at))
    }
    var (found, room) = (Array(asked), max(0, most - asked.count))
    let tenants = known.sorted {
      ($0.value.count, $0.key?.number ?? 0) < ($1.value.count, $1.key?.number ?? 0)
    }
    for (index, (_, places)) in tenants.enumerated() {
      let share = room / (tenants.count - index)
      if places.count <= share {
        found += places.map(\.network)
      } else {
        found += places.sorted { ($1.at, $0.network) < ($0.at, $1.network) }.prefix(share)
          .map(\.network)
      }
      room -= min(places.count, share)
    }
    return found
  }

  func knows(_ user: UserKey, from network: IPNetwork, at now: Instant) -> Bool {
    let place = haunts.value(of: user, at: now)?.places.first { $0.network == network }
    return place.map { now - $0.at <= friendship } ?? false
  }

  /// Takes a message out of the budget of a flow; nil where nobody has proven himself on it.
  mutating func take(from way: Source.Way, at now: Instant) -> Bool? {
    flows.touch(way, at: now) { $0.budget.take(rate, at: now) }
  }

  /// The same for an address that we have asked something.
  mutating func takeExpected(from source: Source, at now: Instant) -> Bool? {
    expected.touch(source.address, at: now) {
      source.isStream ? $0.streams.take(rate, at: now) : $0.datagrams.take(rate, at: now)
    }
  }

  func expects(_ address: IPAddress, at now: Instant) -> Bool {
    expected.value(of: address, at: now) != nil
  }

  mutating func expect(_ address: IPAddress, at now: Instant) {
    expected.update(address, initial: Expectation(), at: now) { _ in }
    for area in Self.areas(of: address) {
      expectedAreas.update(area, initial: true, at: now) { _ in }
    }
  }

  /// - Returns: Whether the place is to be written down.
  mutating func welcome(
    _ user: UserKey, of tenant: TenantID, on way: Source.Way, _ network: IPNetwork, at moment: Now
  ) -> Bool {
    let now = moment.instant
    if isNoNews(user, on: way, at: now) { return false }
    let visit = Visit(at: now, wall: moment.wall)
    guard know(user, of: tenant, on: way, network, visit, at: now) else { return false }
    let last = written.value(of: network, at: now)
    if let last, moment.wall - last < writtenAgain { return false }
    written.update(network, initial: moment.wall, at: now) { $0 = moment.wall }
    return true
  }

  /// Whether he has proven himself on that flow within ``freshness``, and all that was learned then still holds.
  ///
  /// Of a flow the latest user is known. Where several share one (a phone with many lines, a gateway in front of many phones) it
  /// is his again, and that is all there is to do.
  private mutating func isNoNews(
    _ user: UserKey, on way: Source.Way, at now: Instant
  ) -> Bool {
    guard let known = flows.value(of: way, at: now) else { return false }
    if known.user == user { return now - known.at < Self.freshness }
    guard let his = haunts.value(of: user, at: now), his.ways.last == way,
      now - his.spokeAt < Self.freshness
    else { return false }
    return flows.touch(way, at: now) { ($0.user, $0.at) = (user, his.spokeAt) } != nil
  }

  /// What a binding says of the time before a restart; without a way where that was a stream, which has ended.
  mutating func befriend(
    _ user: UserKey, of tenant: TenantID, on way: Source.Way?, _ network: IPNetwork,
    since wall: WallTime, at now: Now
  ) {
    let since = min(wall, now.wall)
    let visit = Visit(at: now.instant - (now.wall - since), wall: since)
    _ = know(user, of: tenant, on: way, network, visit, at: now.instant)
  }

  /// - Returns: Whether the place is one of his from now on.
  private mutating func know(
    _ user: UserKey, of tenant: TenantID, on way: Source.Way?, _ network: IPNetwork,
    _ visit: Visit, at now: Instant
  ) -> Bool {
    let flow = way.flatMap { know(user, of: tenant, on: $0, visit, at: now) ? $0 : nil }
    let friendship = friendship
    let (oldest, isTaken) = haunts.update(user, initial: Haunts(), at: now) { his in
      (
        flow.flatMap { his.speak(on: $0, at: visit.at) },
        his.visit(network, at: visit.at, friendship, now: now)
      )
    }
    // Somebody else may have it by now.
    if let oldest, knows(user, on: oldest, at: now) { flows.forget(oldest) }
    return isTaken && visited(network, of: tenant, visit, at: now)
  }

  /// - Returns: False where its tenant has made too many flows known.
  private mutating func know(
    _ user: UserKey, of tenant: TenantID, on way: Source.Way, _ visit: Visit, at now: Instant
  ) -> Bool {
    flows.update(way, of: tenant, initial: Acquaintance(user: user, at: visit.at), at: now) {
      ($0.user, $0.at) = (user, visit.at)
    }
  }

  /// - Returns: False where its tenant has made too many known.
  private mutating func visited(
    _ network: IPNetwork, of tenant: TenantID?, _ visit: Visit, at now: Instant
  ) -> Bool {
    let isTaken = places.update(network, of: tenant, initial: visit, at: now) {
      if $0.at < visit.at { $0 = visit }
    }
    guard isTaken else { return false }
    for area in Self.areas(of: network.address) {
      areas.update(area, initial: visit.at, at: now) { $0 = max($0, visit.at) }
    }
    return true
  }

  /// A stream is over; its number and its port are anybody's.
  mutating func forget(_ way: Source.Way) { flows.forget(way) }

  // MARK: - The journal

  mutating func remember(_ network: IPNetwork, since wall: WallTime) { remembered[network] = wall }

  /// Ends the replay: a day counts from when the phone was there, not from the restart.
  ///
  /// How long a place is known for may be heard of later, so all are taken that could be.
  mutating func recover(at now: Now) {
    let longest = GuardSettings.longestFriendship
    for (network, wall) in remembered where wall <= now.wall && now.wall - wall <= longest {
      let visit = Visit(at: now.instant - (now.wall - wall), wall: wall)
      _ = visited(network, of: nil, visit, at: now.instant)
    }
    remembered = [:]
  }

  /// Where phones have proven themselves lately; looks at all of it.
  func places(at now: Instant) -> [IPNetwork] {
    places.all.filter { now - $0.value.value.at <= friendship }.map(\.key).sorted()
  }

  /// The places, for those who come after.
  func checkpoint() -> [GuardChange] {
    let live = places.all.mapValues(\.value.wall)
    return live.merging(remembered) { max($0, $1) }.sorted { $0.key < $1.key }
      .map { .known($0.key, $0.value) }
  }
}
