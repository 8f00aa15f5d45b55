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

  package let settings: GuardSettings
  var bans: BanTable
  var friends: Friends
  var budgets: Budgets
  var offences: OffenceBook
  private var calls: Generations<AccountID, RateBucket>
  /// Never banned: carriers, other nodes, and what the operator lists.
  private var spared = NetworkTable<Bool>()

  package init(_ settings: GuardSettings = GuardSettings()) {
    self.settings = settings
    bans = BanTable(settings)
    friends = Friends(settings)
    budgets = Budgets(settings)
    offences = OffenceBook(settings)
    calls = Generations(life: .seconds(120), limit: settings.sources)
  }

  // MARK: - At the door

  /// Whether a message from there is looked at.
  package mutating func admit(_ source: Source, at now: Now) -> Verdict {
    if isSpared(source.address) { return .pass }
    if bans.orders > 0, bans.ban(of: source.address, at: now.wall)?.isOrder ?? false {
      return .banned
    }
    if friends.knows(flow: source.remote, at: now.instant) {
      return budgets.takeFriend(source.remote, at: now.instant) ? .pass : .overBudget
    }
    if friends.expects(source.address, at: now.instant) {
      return budgets.takeFriend(Endpoint(source.address, 0), at: now.instant) ? .pass : .overBudget
    }
    let place = source.place
    let ban = bans.ban(of: source.address, at: now.wall)
    if friends.knows(place.network, at: now.instant) {
      return budgets.takeKnown(place, isWatched: ban != nil, at: now.instant) ? .pass : .overBudget
    }
    guard ban == nil else { return .banned }
    return budgets.takeStranger(place, at: now.instant) ? .pass : .overBudget
  }

  /// Whether a source need not prove itself: a friend's flow, a carrier, or whom we have asked something.
  package func trusts(_ source: Source, at now: Now) -> Bool {
    isSpared(source.address) || friends.knows(flow: source.remote, at: now.instant)
      || friends.expects(source.address, at: now.instant)
  }

  /// We ask somebody of our own accord, and so want to hear what comes back, and what he asks within that call.
  package mutating func expect(_ remote: Endpoint, at now: Instant) {
    guard !isSpared(remote.address), !friends.knows(flow: remote, at: now) else { return }
    friends.expect(remote.address, at: now)
  }

  /// Whether an account may begin one call more now.
  package mutating func mayCall(_ account: AccountID, at now: Instant) -> Bool {
    calls.update(account, initial: RateBucket(), at: now) {
      $0.take(settings.callsOfAccount, at: now)
    }
  }

  package func isSpared(_ address: IPAddress) -> Bool {
    spared.count > 0 && spared.first(around: address) { $1 } ?? false
  }

  /// What of a network is never banned.
  func firstSpared(within network: IPNetwork) -> IPNetwork? {
    spared.networks.filter { network.contains($0) || $0.contains(network) }.min()
  }

  /// Says anew who is never banned.
  package mutating func spare(_ networks: [IPNetwork]) {
    spared = NetworkTable()
    for network in networks { spared[network] = true }
  }

  // MARK: - Those who prove themselves

  /// Whether credentials with a fresh nonce of ours are compared; if not they are wrong, whatever they are.
  ///
  /// On its own flow a user always is, whoever else guesses behind the same address.
  package mutating func looksAt(_ user: UserKey, from source: Source, at now: Now) -> Bool {
    if isSpared(source.address) || friends.knows(user, on: source.remote, at: now.instant) {
      return true
    }
    let unit = source.place.network
    let isKnown = friends.knows(user, from: unit, at: now.instant)
    if bans.ban(.user(user, from: unit), at: now.wall) != nil {
      return offences.secondChance(user, unit, isKnown: isKnown, at: now.instant)
    }
    guard !isKnown, offences.isBesieged(user, at: now.instant) else { return true }
    return offences.strangerChance(user, at: now.instant)
  }

  /// Somebody has proven who he is: his flow and his address are known from now on.
  ///
  /// - Returns: What to write: a phone that was closed out is let in again, a place is known.
  package mutating func welcome(_ user: UserKey, from source: Source, at now: Now) -> [GuardChange]
  {
    let unit = source.place.network
    var changes: [GuardChange] = []
    if friends.welcome(user, on: source.remote, unit, at: now) {
      changes.append(.known(unit, now.wall))
    }
    if bans.count > 0, bans.ban(.user(user, from: unit), at: now.wall) != nil {
      let change = GuardChange.lift(.user(user, from: unit))
      bans.apply(change, at: now.wall)
      changes.append(change)
    }
    return changes
  }

  // MARK: - Offences

  /// Notes what somebody did, and says what follows.
  ///
  /// Proven is what answers with a fresh nonce that was sent to that address; a stream proves it by itself. Without proof
  /// nothing counts, since anybody can write any source into a datagram.
  package mutating func note(
    _ offence: Offence, from source: Source, isProven: Bool, at now: Now
  ) -> [GuardNotice] {
    guard isProven || source.isStream, !isSpared(source.address) else { return [] }
    let unit = source.place.network
    var notices: [GuardNotice] = []
    switch offence {
    case .wrongCredentials(let user, let response):
      noteWrong(response, of: user, from: source, at: now, into: &notices)
    case .foreignDomain, .malformed:
      // Phones have their bugs.
      guard !friends.knows(flow: source.remote, at: now.instant) else { return [] }
    }
    if let count = offences.add(offence, from: unit, at: now.instant) {
      put(.network(unit), .offences(offence.kind, count: count), source, at: now, into: &notices)
    }
    return notices
  }

  private mutating func noteWrong(
    _ response: UInt64, of user: UserKey, from source: Source, at now: Now,
    into notices: inout [GuardNotice]
  ) {
    let unit = source.place.network
    guard bans.ban(.user(user, from: unit), at: now.wall) == nil else {
      guard let tries = offences.persists(unit, at: now.instant) else { return }
      return put(.network(unit), .persistence(tries: tries), source, at: now, into: &notices)
    }
    if let count = offences.addWrong(response, of: user, from: unit, at: now.instant) {
      put(
        .user(user, from: unit), .offences(.guesses, count: count), source, at: now, into: &notices)
    }
    if let count = offences.besiege(user, from: unit, at: now.instant) {
      notices.append(.besieged(user, addresses: count))
    }
  }

  private mutating func put(
    _ subject: BanSubject, _ cause: Ban.Cause, _ source: Source, at now: Now,
    into notices: inout [GuardNotice]
  ) {
    if subject.isNetwork { friends.disgrace(source.remote, at: now.instant) }
    guard bans.ban(subject, at: now.wall) == nil else { return }
    apply(bans.next(subject, cause, at: now.wall), at: now, into: &notices)
    guard subject.isNetwork else { return }
    while let ban = bans.crowded(by: subject.network, at: now.wall),
      firstSpared(within: ban.subject.network) == nil
    {
      apply(ban, at: now, into: &notices)
    }
  }

  private mutating func apply(_ ban: Ban, at now: Now, into notices: inout [GuardNotice]) {
    bans.apply(.put(ban), at: now.wall)
    notices.append(.changed(.put(ban)))
  }
}

/// What the guard has decided, to be written, told and done.
package enum GuardNotice: Hashable, Sendable {
  case changed(GuardChange)
  /// So many addresses guess at one user: his owner should know.
  case besieged(UserKey, addresses: Int)
}
