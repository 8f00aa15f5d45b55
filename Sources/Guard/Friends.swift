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

  /// When somebody last proved himself from a place, on both clocks: one counts, the other outlives a restart.
  private struct Visit: Sendable {
    var at: Instant
    var wall: WallTime
  }

  private let friendship: Duration
  /// What each of them may send.
  private let rate: Rate
  private var flows: Generations<Source.Way, Acquaintance>
  private var places: Generations<IPNetwork, Visit>
  /// Where each user was, and when last.
  private var visits: Generations<UserKey, [IPNetwork: Instant]>
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
  /// Longer than the longest registration.
  private static let flowLife: Duration = .seconds(7_800)

  init(_ settings: GuardSettings) {
    (friendship, rate) = (settings.friendship, settings.friend)
    flows = Generations(life: Self.flowLife, limit: settings.friends)
    places = Generations(life: friendship, limit: settings.friends)
    visits = Generations(life: friendship, limit: settings.friends)
    areas = Generations(life: friendship, limit: 3 * settings.friends)
    expected = Generations(life: settings.expectation, limit: settings.sources)
    expectedAreas = Generations(life: settings.expectation, limit: 3 * settings.sources)
    written = Generations(life: friendship, limit: settings.friends)
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

  /// At most as many as ``neighbourhoods(at:)`` gives.
  var neighbourhoodCount: Int { places.count + expected.count }

  /// Where phones have proven themselves within a day, and whom we have asked something; looks at all of them.
  func neighbourhoods(at now: Instant) -> [IPNetwork] {
    places.all.filter { now - $0.value.at <= friendship }.map(\.key)
      + expected.all.map { Neighbourhood(of: $0.key).network }
  }

  func knows(_ user: UserKey, from network: IPNetwork, at now: Instant) -> Bool {
    visits.value(of: user, at: now)?[network].map { now - $0 <= friendship } ?? false
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
    _ user: UserKey, on way: Source.Way, _ network: IPNetwork, at moment: Now
  ) -> Bool {
    let now = moment.instant
    if let known = flows.value(of: way, at: now), known.user == user,
      now - known.at < Self.freshness
    {
      return false
    }
    guard know(user, on: way, network, Visit(at: now, wall: moment.wall), at: now) else {
      return false
    }
    let last = written.value(of: network, at: now)
    if let last, moment.wall - last < friendship / 4 { return false }
    written.update(network, initial: moment.wall, at: now) { $0 = moment.wall }
    return true
  }

  /// What a binding says of the time before a restart; without a way where that was a stream, which has ended.
  mutating func befriend(
    _ user: UserKey, on way: Source.Way?, _ network: IPNetwork, since wall: WallTime, at now: Now
  ) {
    let since = min(wall, now.wall)
    let visit = Visit(at: now.instant - (now.wall - since), wall: since)
    _ = know(user, on: way, network, visit, at: now.instant)
  }

  /// - Returns: Whether the place is one of his from now on.
  private mutating func know(
    _ user: UserKey, on way: Source.Way?, _ network: IPNetwork, _ visit: Visit, at now: Instant
  ) -> Bool {
    let acquaintance = Acquaintance(user: user, at: visit.at)
    if let way {
      flows.update(way, initial: acquaintance, at: now) {
        ($0.user, $0.at) = (acquaintance.user, acquaintance.at)
      }
    }
    let friendship = friendship
    let isTaken = visits.update(user, initial: [:], at: now) { his in
      if his[network] == nil, his.count >= Self.placesOfUser {
        his = his.filter { now - $0.value <= friendship }
        guard his.count < Self.placesOfUser else { return false }
      }
      his[network] = max(his[network] ?? visit.at, visit.at)
      return true
    }
    if isTaken { visited(network, visit, at: now) }
    return isTaken
  }

  private mutating func visited(_ network: IPNetwork, _ visit: Visit, at now: Instant) {
    places.update(network, initial: visit, at: now) { if $0.at < visit.at { $0 = visit } }
    for area in Self.areas(of: network.address) {
      areas.update(area, initial: visit.at, at: now) { $0 = max($0, visit.at) }
    }
  }

  /// A stream is over; its number and its port are anybody's.
  mutating func forget(_ way: Source.Way) { flows.forget(way) }

  // MARK: - The journal

  mutating func remember(_ network: IPNetwork, since wall: WallTime) { remembered[network] = wall }

  /// Ends the replay: a day counts from when the phone was there, not from the restart.
  mutating func recover(at now: Now) {
    for (network, wall) in remembered where wall <= now.wall && now.wall - wall <= friendship {
      let visit = Visit(at: now.instant - (now.wall - wall), wall: wall)
      visited(network, visit, at: now.instant)
    }
    remembered = [:]
  }

  /// The places, for those who come after.
  func checkpoint() -> [GuardChange] {
    let live = places.all.mapValues(\.wall)
    return live.merging(remembered) { max($0, $1) }.sorted { $0.key < $1.key }
      .map { .known($0.key, $0.value) }
  }
}
