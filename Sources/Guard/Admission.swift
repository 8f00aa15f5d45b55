package import Elements

/// The door in front of the parser: who may speak, and how often (README.md).
package struct Admission: Sendable {
  package enum Verdict: Hashable, Sendable {
    case pass
    /// It is banned, and gets no byte.
    case banned
    /// Its budget is used up; what it sends is dropped until there is room again.
    case overBudget
  }

  @Boxed package private(set) var settings: GuardSettings
  var bans: BanTable
  var friends: Friends
  var budgets: Budgets
  var offences: OffenceBook
  private var calls: Generations<AccountID, RateBucket>
  /// Never banned: carriers, other nodes, and what the operator lists.
  private var spared = NetworkTable<Bool>()
  /// Datagrams of strangers that were not looked at.
  package private(set) var turnedAway = ByFamily<UInt64>(both: 0)
  /// What is banned for what others say, and until when.
  var listed = NetworkTable<WallTime>()
  /// When the first of it is over, or earlier.
  var firstListedEnd: WallTime?
  /// Whether somebody has said who is spared.
  private var knowsSpared = false

  package init(_ settings: GuardSettings = GuardSettings()) {
    self.settings = settings
    bans = BanTable(settings)
    friends = Friends(settings)
    budgets = Budgets(settings)
    offences = OffenceBook(settings)
    calls = Generations(life: .seconds(120), limit: settings.sources)
  }

  /// Takes other thresholds, steps and rates; what is known, banned and counted stays.
  ///
  /// Bounds of memory, and the window of offences, are those of the start.
  package mutating func adopt(_ settings: GuardSettings) {
    guard settings != self.settings else { return }
    self.settings = settings
    bans.adopt(settings)
    friends.adopt(settings)
    budgets.adopt(settings)
    offences.adopt(settings)
  }

  // MARK: - At the door

  /// Whether a message from there is looked at.
  package mutating func admit(_ source: Source, at now: Now) -> Verdict {
    if spared.holds(source.address) { return .pass }
    if bans.orders > 0, bans.isOrdered(source.address, at: now.wall) { return .banned }
    let isWithin =
      friends.take(from: source.way, at: now.instant)
      ?? friends.takeExpected(from: source, at: now.instant)
    if let isWithin { return isWithin ? .pass : .overBudget }
    let place = source.place
    if friends.knows(place.network, at: now.instant) {
      // Its neighbours' bans are none of its own.
      let isWatched =
        bans.ban(.network(place.network), at: now.wall) != nil
        || isListed(source.address, at: now.wall)
      return budgets.takeKnown(place, isWatched: isWatched, at: now.instant) ? .pass : .overBudget
    }
    let isBanned =
      bans.ban(of: source.address, at: now.wall) != nil || isListed(source.address, at: now.wall)
    if !isBanned, budgets.takeStranger(place, at: now.instant) { return .pass }
    if !source.isStream { turnedAway[source.address] &+= 1 }
    return isBanned ? .banned : .overBudget
  }

  /// Whether a source need not prove itself: a friend's flow, a carrier, or whom we have asked something.
  package func trusts(_ source: Source, at now: Now) -> Bool {
    isSpared(source.address) || friends.knows(source.way, at: now.instant)
      || friends.expects(source.address, at: now.instant)
  }

  /// We ask somebody of our own accord, and so want to hear what comes back, and what he asks within that call.
  package mutating func expect(_ remote: Endpoint, at now: Instant) {
    guard !spared.holds(remote.address), !friends.knows(.datagrams(remote), at: now) else { return }
    friends.expect(remote.address, at: now)
  }

  /// Whether an account may begin one call more now.
  package mutating func mayCall(_ account: AccountID, at now: Instant) -> Bool {
    let rate = settings.callsOfAccount
    return calls.update(account, initial: RateBucket(), at: now) { $0.take(rate, at: now) }
  }

  package func isSpared(_ address: IPAddress) -> Bool { spared.holds(address) }

  var sparedNetworks: [IPNetwork] { Array(spared.networks) }

  /// What of a network is never banned.
  func firstSpared(within network: IPNetwork) -> IPNetwork? {
    spared.networks.filter { network.contains($0) || $0.contains(network) }.min()
  }

  /// Says anew who is never banned.
  ///
  /// - Returns: What of it came or went; where nothing was said before that is everything.
  @discardableResult
  package mutating func spare(_ networks: [IPNetwork]) -> [IPNetwork] {
    let (wanted, present) = (Set(networks), Set(spared.networks))
    guard knowsSpared else {
      knowsSpared = true
      for network in wanted { spared[network] = true }
      return [IPNetwork(.v4Any, length: 0), IPNetwork(.v6Any, length: 0)]
    }
    let changed = wanted.symmetricDifference(present)
    for network in changed { spared[network] = wanted.contains(network) ? true : nil }
    return changed.sorted()
  }

  // MARK: - Those who prove themselves

  /// What is done with credentials that have a fresh nonce of ours: where they are not compared they are wrong, whatever they are.
  ///
  /// On its own flow a user always is, whoever else guesses behind the same address.
  package mutating func look(at user: UserKey, from source: Source, at now: Now) -> Look {
    if spared.holds(source.address) || friends.knows(user, on: source.way, at: now.instant) {
      return .compares
    }
    let unit = source.place.network
    let isKnown = friends.knows(user, from: unit, at: now.instant)
    if bans.ban(.user(user, from: unit), at: now.wall) != nil {
      // As rarely as in a siege, from however many places he is closed to.
      let isLookedAt =
        offences.secondChance(user, unit, isKnown: isKnown, at: now.instant)
        && (isKnown || offences.strangersChance(user, at: now.instant))
      return isLookedAt ? .compares : .isClosed
    }
    if isKnown { return .compares }
    if bans.ban(.network(unit), at: now.wall) != nil,
      !offences.newcomersChance(unit, at: now.instant)
    {
      return .isRationed
    }
    guard offences.isBesieged(user, at: now.instant) else { return .compares }
    return offences.strangersChance(user, at: now.instant) ? .compares : .isRationed
  }

  /// Somebody has proven who he is: his flow and his address are known from now on.
  ///
  /// - Returns: What to write: a phone that was closed out is let in again, a place is known.
  package mutating func welcome(
    _ user: UserKey, of tenant: TenantID, from source: Source, at now: Now
  ) -> [GuardChange] {
    let unit = source.place.network
    var changes: [GuardChange] = []
    if friends.welcome(user, of: tenant, on: source.way, unit, at: now) {
      changes.append(.known(unit, now.wall))
    }
    if bans.count > 0, bans.ban(.user(user, from: unit), at: now.wall) != nil {
      let change = GuardChange.lift(.user(user, from: unit))
      changes += bans.apply(change, at: now.wall)
    }
    return changes
  }

  /// A phone that was registered before a restart, as its binding says: known again, and nothing else is changed.
  package mutating func befriend(
    _ user: UserKey, of tenant: TenantID, from source: Source, since wall: WallTime, at now: Now
  ) {
    friends.befriend(
      user, of: tenant, on: source.isStream ? nil : source.way, source.place.network, since: wall,
      at: now)
  }

  /// A connection is over, and who proved himself on it is known by it no more.
  package mutating func ended(_ connection: FlowID) { friends.forget(.stream(connection)) }

  // MARK: - Offences

  /// Notes what somebody did, and says what follows.
  ///
  /// Proven is what answers with a fresh nonce that was sent to that address; a stream proves it by itself. Without proof
  /// nothing counts, since anybody can write any source into a datagram.
  package mutating func note(
    _ offence: Offence, from source: Source, isProven: Bool, at now: Now
  ) -> [GuardNotice] {
    guard isProven || source.isStream else { return [] }
    guard !spared.holds(source.address) else { return noteSpared(offence, from: source, at: now) }
    let unit = source.place.network
    var notices: [GuardNotice] = []
    switch offence {
    case .wrongCredentials(let user, let response):
      guard bans.ban(.user(user, from: unit), at: now.wall) == nil else {
        guard let tries = offences.persists(unit, at: now.instant) else { return [] }
        put(.network(unit), .persistence(tries: tries), at: now, into: &notices)
        return notices
      }
      noteWrong(response, of: user, from: unit, at: now, into: &notices)
    case .probe, .malformed:
      // Phones have their bugs.
      guard !friends.knows(source.way, at: now.instant) else { return [] }
    }
    guard let count = offences.add(offence, from: unit, at: now.instant) else { return notices }
    if count >= offence.kind.limit(settings) {
      put(.network(unit), .offences(offence.kind, count: count), at: now, into: &notices)
    }
    // Its neighbours have no part in what is done where phones are known.
    guard !friends.knows(unit, at: now.instant) else { return notices }
    let wider = Neighbourhood(of: source.address).wider
    if let count = offences.addNearby(wider, at: now.instant), firstSpared(within: wider) == nil {
      put(.network(wider), .offences(offence.kind, count: count), at: now, into: &notices)
    }
    return notices
  }

  /// Nobody is banned at an address that is spared, so the owner of a user who is guessed at there must be told.
  private mutating func noteSpared(
    _ offence: Offence, from source: Source, at now: Now
  ) -> [GuardNotice] {
    guard case .wrongCredentials(let user, let response) = offence else { return [] }
    let found = offences.addWrongWhereSpared(
      response, of: user, from: source.place.network, at: now.instant)
    return found.tooMany == nil ? [] : [.guessedWhereSpared(user)]
  }

  private mutating func noteWrong(
    _ response: UInt64, of user: UserKey, from unit: IPNetwork, at now: Now,
    into notices: inout [GuardNotice]
  ) {
    let found = offences.addWrong(response, of: user, from: unit, at: now.instant)
    if let count = found.tooMany {
      put(.user(user, from: unit), .offences(.guesses, count: count), at: now, into: &notices)
    }
    let isGuess = found.isNew && !friends.knows(user, from: unit, at: now.instant)
    if let count = offences.besiege(user, from: unit, isGuess: isGuess, at: now.instant) {
      notices.append(.besieged(user, addresses: count))
    }
  }

  private mutating func put(
    _ subject: BanSubject, _ cause: Ban.Cause, at now: Now, into notices: inout [GuardNotice]
  ) {
    guard bans.ban(subject, at: now.wall) == nil else { return }
    // Who is known there is not to find it closed when he has been away, nor are his neighbours.
    let isShort = subject.isNetwork && friends.knows(subject.network, at: now.instant)
    apply(bans.next(subject, cause, isShort: isShort, at: now.wall), at: now, into: &notices)
    guard subject.isNetwork, !isShort else { return }
    let friends = friends
    while let ban = bans.crowded(
      by: subject.network, at: now.wall, besides: { friends.knows($0, at: now.instant) }),
      firstSpared(within: ban.subject.network) == nil
    {
      apply(ban, at: now, into: &notices)
    }
  }

  private mutating func apply(_ ban: Ban, at now: Now, into notices: inout [GuardNotice]) {
    for change in bans.apply(.put(ban), at: now.wall) { notices.append(.changed(change)) }
  }
}

/// What is done with the credentials of somebody who can read what we send him.
package enum Look: Hashable, Sendable {
  case compares
  /// This user is closed to that neighbourhood; who goes on is banned whole.
  case isClosed
  /// Too many guess at this user, or too much was guessed there: nobody is told, nothing is noted, and even the right ones are wrong.
  case isRationed
}

/// What the guard has decided, to be written, told and done.
package enum GuardNotice: Hashable, Sendable {
  case changed(GuardChange)
  /// So many addresses guess at one user: his owner should know.
  case besieged(UserKey, addresses: Int)
  /// Somebody guesses at a user at an address that is never banned; told for each further guess.
  case guessedWhereSpared(UserKey)
}
