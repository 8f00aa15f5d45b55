package import Elements

/// What a call asks of a level: the same question for the first slice, a further one and another route.
struct Ask {
  /// In all before and after, posted money included.
  let before: Cost
  let after: Cost
  /// The highest price per minute that the slice may meet, and the fee.
  let dearest: Cost
  let connectionFee: Cost
  let sellCurrency: Currency
  let purchaseCurrency: Currency
  /// A call that the level does not count yet.
  let addsCall: Bool
  let addsInternational: Bool
}

extension Ledger {
  /// Holds the price of the first slice of a call in every limit at once, or in none.
  ///
  /// The hold pays an answer at any moment within the ring limit. Counts the attempt also where it throws.
  package mutating func reserve(
    _ request: ReservationRequest, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation {
    advance(to: now)
    tellClockBehind(now, &notices)
    let levels = try nodes(for: request)
    refresh(levels, &entries)
    // Who is blocked may call what costs nothing (guard rule 10).
    if request.price?.isFree != true { try refuseBlocked(levels, &entries, &notices) }
    do {
      try checkAttempt(levels)
    } catch {
      try refuse(error, request, countedAt: nil, levels, &entries, &notices)
    }
    do {
      return try open(request, levels, at: now, &entries, &notices)
    } catch {
      try refuse(error, request, countedAt: request.trunk, levels, &entries, &notices)
    }
  }

  /// Whether ``reserve(_:at:into:notices:)`` would give a hold now; nothing is held, counted or blocked.
  ///
  /// A block that a reservation would find expired counts as one.
  package mutating func fits(
    _ request: ReservationRequest, at now: Now, into entries: inout [LedgerEntry]
  ) -> Bool {
    advance(to: now)
    do throws(LimitError) {
      let levels = try nodes(for: request)
      refresh(levels, &entries)
      guard let price = request.price else { return false }
      for level in HoldLevel.allCases where levels[level] >= 0 {
        guard nodes[levels[level]].block == nil || price.isFree else { return false }
      }
      try checkAttempt(levels)
      _ = try ask(request, price, levels, at: now)
      return true
    } catch {
      return false
    }
  }

  private func nodes(for request: ReservationRequest) throws(LimitError) -> HoldNodes {
    guard let account = places[.account(request.account)], nodes[account].isActive else {
      throw .unknownAccount(request.account)
    }
    var levels = HoldNodes()
    levels.account = Int32(account)
    levels.tenant = nodes[account].tenant
    levels.platform = Int32(places[.platform] ?? -1)
    if let trunk = request.trunk { levels.trunk = try node(of: trunk) }
    return levels
  }

  func node(of trunk: TrunkID) throws(LimitError) -> Int32 {
    guard let place = places[.trunk(trunk)], nodes[place].isActive else {
      throw .unknownTrunk(trunk)
    }
    return Int32(place)
  }

  private mutating func open(
    _ request: ReservationRequest, _ levels: HoldNodes, at now: Now,
    _ entries: inout [LedgerEntry], _ notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation {
    guard let price = request.price else {
      countUnknownRate(request.account, &notices)
      throw .unknownRate(request.account)
    }
    let (live, ask, terms) = try ask(request, price, levels, at: now)
    let opened = OpenedHold(
      id: HoldID(lastHold + 1), account: request.account, trunk: request.trunk, terms: terms,
      sellCurrency: ask.sellCurrency, purchaseCurrency: ask.purchaseCurrency, total: ask.after,
      posted: .zero, isInternational: request.isInternational, isAnswered: false,
      isRestored: false, time: time, trunkSince: time)
    record(.opened(opened), &entries, &notices)
    let place = place(of: opened.id)
    holds[place].live = live
    return reservation(place)
  }

  /// Asks every level for the first slice of a call; nothing has changed.
  private mutating func ask(
    _ request: ReservationRequest, _ price: Price, _ levels: HoldNodes, at now: Now
  ) throws(LimitError) -> (live: Hold.Live, ask: Ask, terms: HoldTerms) {
    let live = try Hold.Live(price, request, at: now)
    guard let total = live.ceiling(upTo: live.covered) else { throw .outOfRange }
    let ask = Ask(
      before: .zero, after: total, dearest: live.dearest(upTo: live.covered),
      connectionFee: price.connectionFee, sellCurrency: price.sell.currency,
      purchaseCurrency: price.purchase.currency, addsCall: true,
      addsInternational: request.isInternational)
    var terms = HoldTerms()
    for level in HoldLevel.allCases where levels[level] >= 0 {
      terms[level] = nodes[levels[level]].limits.terms(for: ask)
    }
    try check(ask, levels, terms)
    return (live, ask, terms)
  }

  /// Asks every level; nothing has changed when one of them throws.
  mutating func check(
    _ ask: Ask, _ levels: HoldNodes, _ terms: HoldTerms
  ) throws(LimitError) {
    for level in HoldLevel.allCases where levels[level] >= 0 {
      try nodes[levels[level]].check(ask, terms[level], at: time)
    }
  }

  /// What the switch needs to know of an open hold.
  func reservation(_ place: Int) -> Reservation {
    let basis = holds[place].terms[.account].basis
    let held = Money(
      micros: holds[place].total.counted(basis),
      basis == .purchase ? holds[place].purchaseCurrency : holds[place].sellCurrency)
    guard let live = holds[place].live else {
      return Reservation(
        hold: holds[place].id, talkTime: .zero, ringUntil: .start, expiry: nil, renewAt: nil,
        held: held)
    }
    let talk = Duration.milliseconds(live.covered - live.guardTime)
    let expiry = live.answer.map { $0.instant + talk }
    return Reservation(
      hold: holds[place].id, talkTime: talk, ringUntil: live.ringUntil, expiry: expiry,
      renewAt: expiry.map { $0 - .milliseconds(live.guardTime) }, held: held)
  }

  private mutating func countUnknownRate(
    _ account: AccountID, _ notices: inout [LedgerNotice]
  ) {
    let hour = time.elapsed / 3_600_000
    let seen = unknownRates[account].map { $0.hour == hour ? $0.count : 0 } ?? 0
    unknownRates[account] = (hour, seen + 1)
    // At 3, 30, 300 …: told again as it grows, and never a flood.
    var mark = 3
    while mark < seen + 1 { mark = mark.multipliedReportingOverflow(by: 10).partialValue }
    if mark == seen + 1 { notices.append(.unknownRate(account, count: mark)) }
  }
}

// MARK: - Refusals

extension Ledger {
  /// Throws where a level is blocked, unless its limit releases by itself and has room again.
  mutating func refuseBlocked(
    _ levels: HoldNodes, sparingUnusual: Bool = false, _ entries: inout [LedgerEntry],
    _ notices: inout [LedgerNotice]
  ) throws(LimitError) {
    for level in HoldLevel.allCases where levels[level] >= 0 {
      let node = levels[level]
      guard let block = nodes[node].block else { continue }
      if sparingUnusual, case .unusual = block.reason { continue }
      let subject = nodes[node].subject
      guard nodes[node].mayRelease(block) else { throw .blocked(subject, block) }
      let at = WallTime(unixMilliseconds: time.wall)
      record(.unblocked(subject, by: nil, at: at), &entries)
      notices.append(.unblocked(subject, by: nil, grants: []))
    }
  }

  private mutating func checkAttempt(_ levels: HoldNodes) throws(LimitError) {
    for level in HoldLevel.allCases where levels[level] >= 0 {
      try nodes[levels[level]].checkAttempt(at: time)
    }
  }

  /// Blocks where a limit was reached, counts the attempt elsewhere, and throws `error`.
  ///
  /// A failover does neither: it is our attempt and not one more of the caller's.
  private mutating func refuse(
    _ error: LimitError, _ request: ReservationRequest, countedAt trunk: TrunkID?,
    _ levels: HoldNodes, _ entries: inout [LedgerEntry], _ notices: inout [LedgerNotice]
  ) throws(LimitError) -> Never {
    guard !request.isFailover else { throw error }
    if case .reached = error {
      block(after: error, request.account, &entries, &notices)
    } else if HoldLevel.allCases.contains(where: {
      levels[$0] >= 0 && nodes[levels[$0]].limits.attemptsPerHour != nil
    }) {
      record(.attempted(request.account, trunk: trunk, time), &entries)
    }
    throw error
  }

  /// Writes the block that a reached limit means; one that is there stays, whom no window ends.
  mutating func block(
    after error: LimitError, _ account: AccountID, _ entries: inout [LedgerEntry],
    _ notices: inout [LedgerNotice]
  ) {
    guard case .reached(let subject, let meter, let kind, let shortage) = error,
      self.block(of: subject) == nil
    else { return }
    let block = Block(
      reason: .reached(meter, kind), since: WallTime(unixMilliseconds: time.wall),
      needed: shortage.needed, cause: account)
    record(.blocked(subject, block), &entries)
    notices.append(
      .blocked(
        subject, block, used: shortage.posted.clampedSum(shortage.reserved),
        limit: shortage.limit))
  }
}

extension Hold.Live {
  /// The first slice of a call.
  fileprivate init(
    _ price: Price, _ request: ReservationRequest, at now: Now
  ) throws(LimitError) {
    let guardTime = request.guardTime.wholeMilliseconds
    let ringLimit = request.ringLimit.wholeMilliseconds
    guard (0...600_000).contains(guardTime), (0...86_400_000).contains(ringLimit) else {
      throw .outOfRange
    }
    self.init(
      price: price, ringUntil: now.instant + request.ringLimit, reservedAt: now.wall,
      ringLimit: ringLimit, guardTime: guardTime,
      covered: Slice.first(price, guardTime: guardTime))
  }

  private var lastAnswer: WallTime { reservedAt + .milliseconds(ringLimit) }

  /// The price of `talk` milliseconds: exact after the answer, before it the most it can be.
  func ceiling(upTo talk: Int64) -> Cost? {
    guard let answer else {
      return price.ceiling(
        ofMilliseconds: talk, answeredFrom: reservedAt, through: lastAnswer)
    }
    return price.cost(ofMilliseconds: talk, answeredAt: answer.wall)
  }

  /// The highest price per minute that `talk` milliseconds may meet.
  func dearest(upTo talk: Int64) -> Cost {
    let (first, last) = answer.map { ($0.wall, $0.wall) } ?? (reservedAt, lastAnswer)
    return price.dearest(from: first, through: last + .milliseconds(talk))
  }
}
