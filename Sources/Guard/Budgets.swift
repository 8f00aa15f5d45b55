import Elements

/// What may come from where within a time: of strangers by source, by neighbourhood and all together, of known places each for
/// itself; that of friends is with them.
///
/// Datagrams and streams are counted apart: a flood with forged senders takes nothing from those whose address is proven. So are
/// the families: a flood over IPv4 takes nothing from those who come over IPv6.
struct Budgets: Sendable {
  /// A source that was quiet for that long has its whole budget again.
  private static let life: Duration = .seconds(60)

  @Boxed private var settings: GuardSettings
  private var sources: Generations<Source.Place, RateBucket>
  private var neighbours: Generations<Source.Place, RateBucket>
  private var places: Generations<Source.Place, RateBucket>
  private var datagrams = ByFamily(both: RateBucket())
  private var streams = ByFamily(both: RateBucket())

  init(_ settings: GuardSettings) {
    self.settings = settings
    sources = Generations(life: Self.life, limit: settings.sources)
    neighbours = Generations(life: Self.life, limit: settings.sources)
    places = Generations(life: Self.life, limit: settings.friends)
  }

  mutating func adopt(_ settings: GuardSettings) { self.settings = settings }

  /// A stranger's message; false where one of his budgets is used up.
  mutating func takeStranger(_ place: Source.Place, at now: Instant) -> Bool {
    let rate = settings.source
    guard sources.update(place, initial: RateBucket(), at: now, { $0.take(rate, at: now) }) else {
      return false
    }
    let wider = Source.Place(
      network: Neighbourhood(of: place.network.address).wider, isStream: place.isStream)
    let around = settings.neighbours
    guard neighbours.update(wider, initial: RateBucket(), at: now, { $0.take(around, at: now) })
    else { return false }
    let address = place.network.address
    return place.isStream
      ? streams[address].take(settings.everybody, at: now)
      : datagrams[address].take(settings.everybody, at: now)
  }

  /// The message of somebody new at a place where phones are known.
  mutating func takeKnown(_ place: Source.Place, isWatched: Bool, at now: Instant) -> Bool {
    let rate = isWatched ? settings.watchedSource : settings.knownSource
    return places.update(place, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
  }
}
