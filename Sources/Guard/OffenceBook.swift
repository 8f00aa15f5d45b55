import Elements

/// Who did what lately, by source and by user; bounded, and forgotten after two windows.
struct OffenceBook: Sendable {
  @Boxed private var settings: GuardSettings
  private var sources: Generations<IPNetwork, SlidingLog>
  private var pairs: Generations<UserPlace, SlidingLog>
  /// The same where nobody is banned: who guesses there without an end drives out nothing that leads to a ban.
  private var sparedPairs: Generations<UserPlace, SlidingLog>
  private var users: Generations<UserKey, Guesses>
  private var besieged: Generations<UserKey, Bool>
  private var strangers: Generations<UserKey, RateBucket>
  private var newcomers: Generations<IPNetwork, RateBucket>
  private var nearby: Generations<IPNetwork, RateBucket>
  private var chances: Generations<UserPlace, RateBucket>
  private var tries: Generations<IPNetwork, RateBucket>

  /// From where a user is guessed at, and how often.
  private struct Guesses: Sendable {
    var places = SlidingLog()
    var pace = RateBucket()
  }

  /// A wrong response: whether it is another one, and how many different ones there are when they are too many.
  typealias WrongResponse = (isNew: Bool, tooMany: Int?)

  init(_ settings: GuardSettings) {
    self.settings = settings
    sources = Generations(life: settings.window, limit: settings.sources)
    pairs = Generations(life: settings.window, limit: settings.sources)
    sparedPairs = Generations(life: settings.window, limit: settings.sources)
    users = Generations(life: settings.window, limit: settings.sources)
    besieged = Generations(life: settings.window, limit: settings.sources)
    strangers = Generations(life: settings.window, limit: settings.sources)
    newcomers = Generations(life: settings.window, limit: settings.sources)
    nearby = Generations(life: settings.window, limit: settings.sources)
    chances = Generations(life: settings.window, limit: settings.sources)
    tries = Generations(life: settings.window, limit: settings.sources)
  }

  mutating func adopt(_ settings: GuardSettings) { self.settings = settings }

  /// - Returns: How many different ones of the kind there are; nil where it is the same again.
  mutating func add(_ offence: Offence, from network: IPNetwork, at now: Instant) -> Int? {
    let window = settings.window
    return sources.update(network, initial: SlidingLog(), at: now) {
      $0.add(offence.mark, offence.kind, at: now, window: window)
    }
  }

  /// What the window has of a kind from a network, and since when; of a wide one the logs of all within it are read.
  func marks(
    of kind: Offence.Kind, within network: IPNetwork, at now: Instant
  ) -> (marks: Set<UInt64>, first: Instant?) {
    var (marks, first): (Set<UInt64>, Instant?) = ([], nil)
    func gather(_ log: SlidingLog) {
      let found = log.marks(of: kind, at: now, window: settings.window)
      marks.formUnion(found.marks)
      first = [first, found.first].compactMap(\.self).min()
    }
    if Neighbourhood(of: network.address).network == network {
      sources.value(of: network, at: now).map(gather)
    } else {
      _ = sources.contains(at: now) { place, log in
        if network.contains(place) { gather(log) }
        return false
      }
    }
    return (marks, first)
  }

  /// An offence more of somebody in a wider network, who may have many neighbourhoods and offend a little from each.
  ///
  /// - Returns: How many there were at once when they are too many.
  mutating func addNearby(_ network: IPNetwork, at now: Instant) -> Int? {
    let rate = settings.nearby
    let isCalm = nearby.update(network, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
    return isCalm ? nil : rate.burst
  }

  /// A wrong response for one user from one source.
  mutating func addWrong(
    _ response: UInt64, of user: UserKey, from network: IPNetwork, at now: Instant
  ) -> WrongResponse {
    let settings = settings
    return Self.add(response, of: user, from: network, to: &pairs, settings, at: now)
  }

  mutating func addWrongWhereSpared(
    _ response: UInt64, of user: UserKey, from network: IPNetwork, at now: Instant
  ) -> WrongResponse {
    let settings = settings
    return Self.add(response, of: user, from: network, to: &sparedPairs, settings, at: now)
  }

  private static func add(
    _ response: UInt64, of user: UserKey, from network: IPNetwork,
    to pairs: inout Generations<UserPlace, SlidingLog>, _ settings: GuardSettings, at now: Instant
  ) -> WrongResponse {
    let count = pairs.update(
      UserPlace(user: user, network: network), initial: SlidingLog(), at: now
    ) {
      $0.add(response, .guesses, at: now, window: settings.window)
    }
    return (count != nil, count.flatMap { $0 >= settings.wrongPasswords ? $0 : nil })
  }

  /// - Returns: How many tries there were in a row when they are more than a phone makes.
  mutating func persists(_ network: IPNetwork, at now: Instant) -> Int? {
    let rate = settings.persistence
    let isCalm = tries.update(network, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
    return isCalm ? nil : rate.burst
  }

  // MARK: - One user, many sources

  /// A wrong response for a user; a guess is another one than before, from where he is not known.
  ///
  /// - Returns: How many addresses guess at him when they begin to be too many, or to guess too often.
  mutating func besiege(
    _ user: UserKey, from network: IPNetwork, isGuess: Bool, at now: Instant
  ) -> Int? {
    let (window, rate) = (settings.window, settings.guessesOfUser)
    // Whoever has one network of IPv6 has thousands of 64 bits.
    let place = network.address.isV4 ? network : Neighbourhood(of: network.address).wider
    let mark = place.address.high ^ place.address.low
    let (count, isCalm) = users.update(user, initial: Guesses(), at: now) { guesses in
      let count = guesses.places.add(mark, .wrongCredentials, at: now, window: window)
      guard isGuess, !guesses.pace.take(rate, at: now) else { return (count, true) }
      return (
        guesses.places.marks(of: .wrongCredentials, at: now, window: window).marks.count, false
      )
    }
    guard let count, count >= settings.besiegers || !isCalm else { return nil }
    let wasBesieged = isBesieged(user, at: now)
    besieged.update(user, initial: true, at: now) { _ in }
    return wasBesieged ? nil : count
  }

  func isBesieged(_ user: UserKey, at now: Instant) -> Bool {
    besieged.value(of: user, at: now) != nil
  }

  /// Whether the credentials of this stranger are among the few that are looked at while a user is besieged.
  mutating func strangersChance(_ user: UserKey, at now: Instant) -> Bool {
    let rate = settings.strangersOfUser
    return strangers.update(user, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
  }

  /// The same for a user who is new at a neighbourhood where somebody guesses.
  mutating func newcomersChance(_ network: IPNetwork, at now: Instant) -> Bool {
    let rate = settings.newcomersOfPlace
    return newcomers.update(network, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
  }

  /// Whether somebody who is closed out may be looked at once more.
  mutating func secondChance(
    _ user: UserKey, _ network: IPNetwork, isKnown: Bool, at now: Instant
  ) -> Bool {
    let rate = isKnown ? settings.secondChanceOfKnown : settings.secondChance
    return chances.update(UserPlace(user: user, network: network), initial: RateBucket(), at: now) {
      $0.take(rate, at: now)
    }
  }
}
