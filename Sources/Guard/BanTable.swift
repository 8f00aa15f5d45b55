import Elements

/// The bans, by who is banned; bounded.
///
/// One that is over stays for a while, since it makes the next one longer.
struct BanTable: Sendable {
  @Boxed private var settings: GuardSettings
  private var networks = NetworkTable<Ban>()
  private var pairs: [UserPlace: Ban] = [:]
  /// How many banned networks lie within each wider one; those that are over are counted yet.
  private var within: [IPNetwork: Int] = [:]

  init(_ settings: GuardSettings) {
    self.settings = settings
  }

  var count: Int { networks.count + pairs.count }

  private subscript(subject: BanSubject) -> Ban? {
    get {
      switch subject {
      case .network(let network): networks[network]
      case .user(let user, let network): pairs[UserPlace(user: user, network: network)]
      }
    }
    set {
      switch subject {
      case .network(let network): networks[network] = newValue
      case .user(let user, let network): pairs[UserPlace(user: user, network: network)] = newValue
      }
    }
  }

  func ban(_ subject: BanSubject, at wall: WallTime) -> Ban? {
    self[subject].flatMap { isInForce($0, at: wall) ? $0 : nil }
  }

  mutating func adopt(_ settings: GuardSettings) { self.settings = settings }

  /// One that would last longer than any step may was made while the clock stood ahead, and counts for nothing.
  ///
  /// What holds when a step is made shorter lasts as long as was said.
  private func isInForce(_ ban: Ban, at wall: WallTime) -> Bool {
    guard !ban.isOver(at: wall) else { return false }
    guard !ban.isOrder, let until = ban.until else { return true }
    return until - wall <= GuardSettings.longestStep
  }

  /// The widest ban of a network that an address is in.
  func ban(of address: IPAddress, at wall: WallTime) -> Ban? {
    guard networks.count > 0 else { return nil }
    return networks.first(around: address) { isInForce($1, at: wall) ? $1 : nil }
  }

  /// Whether a person has ordered that an address is banned, whatever else bans it.
  func isOrdered(_ address: IPAddress, at wall: WallTime) -> Bool {
    networks.first(around: address) { $1.isOrder && isInForce($1, at: wall) ? true : nil } ?? false
  }

  /// Everything, also what is over, by subject.
  private var all: [Ban] {
    (Array(networks.all) + pairs.values).sorted { $0.subject < $1.subject }
  }

  /// What is in force, by subject.
  func standing(at wall: WallTime) -> [Ban] { all.filter { isInForce($0, at: wall) } }

  func standingCount(at wall: WallTime) -> Int {
    networks.all.count { isInForce($0, at: wall) } + pairs.values.count { isInForce($0, at: wall) }
  }

  /// Whether anything was banned by order of a person.
  private(set) var orders = 0

  /// What a restart must know.
  func checkpoint() -> [GuardChange] { all.map(GuardChange.put) }

  // MARK: - Changes

  /// The next ban of a subject: longer than its last one, unless that has decayed.
  ///
  /// A short one is as long as a first one, and makes the next no longer.
  func next(
    _ subject: BanSubject, _ cause: Ban.Cause, isShort: Bool = false, at wall: WallTime
  ) -> Ban {
    let rung = self[subject].map { self.rung(after: $0, at: wall) } ?? 0
    let step = settings.ladder[isShort ? 0 : min(rung, settings.ladder.count - 1)]
    return Ban(
      subject, cause, since: wall, until: wall + step, rung: isShort ? max(0, rung - 1) : rung)
  }

  private func rung(after last: Ban, at wall: WallTime) -> Int {
    guard let until = last.until, until < wall else { return last.rung + 1 }
    let decayed = (wall - until).wholeMilliseconds / max(1, settings.decay.wholeMilliseconds)
    return max(0, last.rung + 1 - Int(min(decayed, Int64(last.rung) + 1)))
  }

  /// The narrowest wider network that has too many banned ones in it, but those that are known, and is not banned itself.
  func crowded(
    by network: IPNetwork, at wall: WallTime, besides isKnown: (IPNetwork) -> Bool
  ) -> Ban? {
    for step in Neighbourhood(of: network.address).steps {
      guard within[step.wider, default: 0] >= step.limit,
        ban(.network(step.wider), at: wall) == nil
      else { continue }
      let count = networks.all.count {
        $0.subject.network.bits == step.bits && step.wider.contains($0.subject.network)
          && isInForce($0, at: wall) && !isKnown($0.subject.network)
      }
      guard count >= step.limit else { continue }
      return next(.network(step.wider), .neighbours(count: count), at: wall)
    }
    return nil
  }

  /// - Returns: What has changed by it, in order: what had to make room, then the change itself.
  @discardableResult
  mutating func apply(_ change: GuardChange, at wall: WallTime) -> [GuardChange] {
    var changes: [GuardChange] = []
    switch change {
    case .known: break
    case .lift(let subject): remove(subject)
    case .put(let ban):
      if self[ban.subject] == nil {
        if count >= settings.bans { changes = makeRoom(at: wall).map(GuardChange.lift) }
        count(ban.subject, by: 1)
      }
      if self[ban.subject]?.isOrder ?? false { orders -= 1 }
      if ban.isOrder { orders += 1 }
      self[ban.subject] = ban
    }
    return changes + [change]
  }

  private mutating func remove(_ subject: BanSubject) {
    guard let ban = self[subject] else { return }
    self[subject] = nil
    if ban.isOrder { orders -= 1 }
    count(subject, by: -1)
  }

  private mutating func count(_ subject: BanSubject, by difference: Int) {
    guard case .network(let network) = subject else { return }
    for step in Neighbourhood(of: network.address).steps where step.bits == network.bits {
      let count = within[step.wider, default: 0] + difference
      within[step.wider] = count > 0 ? count : nil
    }
  }

  /// Drops what is over and has decayed, then, if that is not enough, what ends soonest.
  private mutating func makeRoom(at wall: WallTime) -> [BanSubject] {
    let all = all
    let decayed = all.filter { $0.isOver(at: wall) && rung(after: $0, at: wall) == 0 }
      .map(\.subject)
    for subject in decayed { remove(subject) }
    guard count >= settings.bans else { return decayed }
    let soonest = all.filter { !$0.isOrder && $0.until != nil }.sorted {
      ($0.until ?? $0.since, $0.subject) < ($1.until ?? $1.since, $1.subject)
    }
    let evicted = soonest.prefix(max(1, settings.bans / 16)).map(\.subject)
    for subject in evicted { remove(subject) }
    return decayed + evicted
  }
}

extension BanSubject: Comparable {
  package static func < (left: BanSubject, right: BanSubject) -> Bool {
    (left.network, left.user?.number ?? 0) < (right.network, right.user?.number ?? 0)
  }

  var isNetwork: Bool { if case .network = self { true } else { false } }

  package var user: UserKey? {
    switch self {
    case .user(let user, _): user
    case .network: nil
    }
  }
}
