import Elements

extension Ledger {
  /// Does again what a journal entry says.
  package mutating func replay(_ entry: LedgerEntry) throws(LedgerReplayError) {
    try apply(entry)
    crossed.removeAll(keepingCapacity: true)
  }

  /// Does what `entry` says and hands it out for the journal.
  mutating func record(_ entry: LedgerEntry, _ entries: inout [LedgerEntry]) {
    do throws(LedgerReplayError) {
      try apply(entry)
    } catch {
      invariantFailed("own entry refused: \(error)", file: #fileID, line: #line)
    }
    entries.append(entry)
  }

  mutating func record(
    _ entry: LedgerEntry, _ entries: inout [LedgerEntry], _ notices: inout [LedgerNotice]
  ) {
    record(entry, &entries)
    guard !crossed.isEmpty else { return }
    notices.append(contentsOf: crossed)
    crossed.removeAll(keepingCapacity: true)
  }

  /// The only function that changes what lasts; live and in a replay it does the same.
  private mutating func apply(_ entry: LedgerEntry) throws(LedgerReplayError) {
    switch entry {
    case .clock(let time, let lastHold):
      self.time = time
      self.lastHold = max(self.lastHold, lastHold.number)
    case .terms(let subject, let tenant, let limits):
      applyTerms(subject, tenant, limits)
    case .withdrawn(let subject):
      nodes[try place(of: subject)].isActive = false
    case .window(let subject, let period, let window, let change):
      applyWindow(try place(of: subject), period, window, change)
    case .bucket(let subject, let period, let index, let used, let granted):
      nodes[try place(of: subject)].rolling[period].add(used, granted: granted, at: index)
    case .opened(let hold):
      try applyOpened(hold)
    case .answered(let hold):
      holds[try place(ofHold: hold)].isAnswered = true
    case .raised(let hold, let posted, let total, let time):
      move(to: time)
      applyAmounts(try place(ofHold: hold), posted: posted, total: total)
    case .rerouted(let hold, let trunk, let terms, let total, let time):
      move(to: time)
      try applyRoute(try place(ofHold: hold), trunk, terms, total)
    case .finished(let hold, let charged, let givesBack, let time):
      move(to: time)
      applyFinished(hold, try place(ofHold: hold), charged, givesBack)
    case .attempted(let account, let trunk, let time):
      move(to: time)
      try applyAttempt(account, trunk)
    case .blocked(let subject, let block):
      nodes[try place(of: subject)].block = block
    case .unblocked(let subject, _, _):
      nodes[try place(of: subject)].block = nil
    case .granted(let subject, let grant, let kind, let time):
      move(to: time)
      applyGrant(try place(of: subject), grant, kind)
    case .deposited(let subject, let micros, _):
      let place = try place(of: subject)
      nodes[place].balance = nodes[place].balance.clampedSum(micros)
    }
  }

  private mutating func move(to time: LedgerTime) {
    self.time.wall = max(self.time.wall, time.wall)
    self.time.elapsed = max(self.time.elapsed, time.elapsed)
  }

  private func place(of subject: LimitSubject) throws(LedgerReplayError) -> Int {
    guard let place = places[subject] else {
      throw LedgerReplayError(reason: "nothing is known of \(subject)")
    }
    return place
  }

  private func place(ofHold hold: HoldID) throws(LedgerReplayError) -> Int {
    guard let place = holdPlaces[hold] else {
      throw LedgerReplayError(reason: "hold \(hold) is not open")
    }
    return place
  }

  // MARK: Subjects

  private mutating func applyTerms(
    _ subject: LimitSubject, _ tenant: TenantID?, _ limits: LimitSet
  ) {
    let place = places[subject] ?? nodes.count
    if place == nodes.count {
      nodes.append(LimitNode(subject, limits: limits))
      places[subject] = place
    }
    nodes[place].limits = limits
    nodes[place].forgetShares()
    nodes[place].isActive = true
    nodes[place].tenantID = tenant
    nodes[place].tenant = Int32(tenant.flatMap { places[.tenant($0)] } ?? -1)
  }

  private mutating func applyWindow(
    _ place: Int, _ period: Period, _ window: CalendarWindow, _ change: WindowChange
  ) {
    switch change {
    case .replaces:
      time.wall = max(time.wall, window.start)
      nodes[place].calendar[period] = window
    case .retires:
      time.wall = max(time.wall, window.start)
      nodes[place].retire(nodes[place].calendar[period], of: period)
      nodes[place].calendar[period] = window
    case .isRetired:
      nodes[place].retire(window, of: period)
    }
  }

  private mutating func applyAttempt(
    _ account: AccountID, _ trunk: TrunkID?
  ) throws(LedgerReplayError) {
    let levels = try levels(of: account, trunk)
    for level in HoldLevel.allCases where levels[level] >= 0 {
      nodes[levels[level]].add(Tally(attempts: 1), at: time)
    }
  }

  private mutating func applyGrant(_ place: Int, _ grant: Grant, _ kind: WindowKind) {
    var tally = Tally.zero
    tally[grant.meter.quantity] = grant.amount
    let period = grant.meter.period
    switch kind {
    case .calendar:
      nodes[place].calendar[period].granted += tally
      for index in nodes[place].retired.indices
      where nodes[place].retired[index].period == period {
        nodes[place].retired[index].window.granted += tally
      }
      nodes[place].forgetShares()
    case .rolling:
      let bucket = period.bucket(at: time.elapsed)
      nodes[place].rolling[period].add(.zero, granted: tally, at: bucket)
    }
  }

  private func levels(
    of account: AccountID, _ trunk: TrunkID?
  ) throws(LedgerReplayError) -> HoldNodes {
    var levels = HoldNodes()
    levels.account = Int32(try place(of: .account(account)))
    levels.tenant = nodes[Int(levels.account)].tenant
    if let trunk { levels.trunk = Int32(try place(of: .trunk(trunk))) }
    levels.platform = Int32(places[.platform] ?? -1)
    return levels
  }

  // MARK: Holds

  private mutating func applyOpened(_ opened: OpenedHold) throws(LedgerReplayError) {
    if !opened.isRestored { move(to: opened.time) }
    guard holdPlaces[opened.id] == nil else {
      throw LedgerReplayError(reason: "hold \(opened.id) is opened twice")
    }
    var levels = try levels(of: opened.account, opened.trunk)
    // A level that counted nothing when the hold was opened counts nothing later.
    if !opened.terms[.tenant].isPresent { levels.tenant = -1 }
    if !opened.terms[.platform].isPresent { levels.platform = -1 }
    let hold = Hold(
      id: opened.id, accountID: opened.account, trunkID: opened.trunk, nodes: levels,
      terms: opened.terms, sellCurrency: opened.sellCurrency,
      purchaseCurrency: opened.purchaseCurrency, total: opened.total, posted: opened.posted,
      credit: opened.credit, isInternational: opened.isInternational, isAnswered: opened.isAnswered,
      openedAt: opened.time, trunkSince: opened.trunkSince, live: nil)
    let place = freeHolds.popLast() ?? holds.count
    if place == holds.count { holds.append(hold) } else { holds[place] = hold }
    holdPlaces[opened.id] = place
    lastHold = max(lastHold, opened.id.number)
    for level in HoldLevel.allCases where levels[level] >= 0 {
      // The INVITE of a debt was counted when its hold was opened.
      enter(
        levels[level], hold, hold.terms[level], counts: !opened.isRestored && !opened.isDebt)
    }
  }

  /// Counts a hold at one level.
  private mutating func enter(
    _ node: Int, _ hold: Hold, _ terms: HoldTerms.Level, counts: Bool
  ) {
    nodes[node].openCalls += 1
    nodes[node].reserved += terms.money(hold.total) - terms.money(hold.posted)
    if terms.paysFromBalance {
      nodes[node].reservedBalance += hold.total.sell - hold.posted.sell
    }
    guard counts else { return }
    nodes[node].add(
      Tally(international: hold.isInternational ? 1 : 0, attempts: 1), at: time)
    noteShares(node)
  }

  private mutating func applyAmounts(_ place: Int, posted: Cost, total: Cost) {
    let old = holds[place]
    holds[place].posted = posted
    holds[place].total = total
    for level in HoldLevel.allCases where old.nodes[level] >= 0 {
      let (node, terms) = (old.nodes[level], old.terms[level])
      let delta = terms.money(posted) - terms.money(old.posted)
      nodes[node].reserved += terms.money(total) - terms.money(old.total) - delta
      if terms.paysFromBalance {
        let paid = posted.sell - old.posted.sell
        nodes[node].balance = nodes[node].balance.clampedSum(-paid)
        nodes[node].reservedBalance += total.sell - old.total.sell - paid
      }
      if delta > 0 { nodes[node].add(Tally(money: delta), at: time) }
      noteShares(node)
    }
  }

  private mutating func applyRoute(
    _ place: Int, _ trunk: TrunkID?, _ terms: HoldTerms, _ total: Cost
  ) throws(LedgerReplayError) {
    let old = holds[place]
    let levels = try levels(of: old.accountID, trunk)
    applyAmounts(place, posted: old.posted, total: total)
    holds[place].terms = terms
    guard levels.trunk != old.nodes.trunk else { return }
    if old.nodes.trunk >= 0 {
      leave(old.nodes[.trunk], holds[place], old.terms[.trunk])
      // Only a route that definitely failed is left behind.
      if old.isInternational {
        nodes[old.nodes[.trunk]].giveBackInternational(countedAt: old.trunkSince)
      }
    }
    holds[place].trunkID = trunk
    holds[place].trunkSince = time
    holds[place].nodes.trunk = levels.trunk
    if levels.trunk >= 0 { enter(levels[.trunk], holds[place], terms[.trunk], counts: true) }
  }

  /// Takes what a hold still reserves out of one level.
  private mutating func leave(_ node: Int, _ hold: Hold, _ terms: HoldTerms.Level) {
    nodes[node].openCalls -= 1
    nodes[node].reserved -= terms.money(hold.total) - terms.money(hold.posted)
    if terms.paysFromBalance {
      nodes[node].reservedBalance -= hold.total.sell - hold.posted.sell
    }
  }

  private mutating func applyFinished(
    _ id: HoldID, _ place: Int, _ charged: Cost, _ givesBack: Bool
  ) {
    applyAmounts(place, posted: charged, total: charged)
    let hold = holds[place]
    for level in HoldLevel.allCases where hold.nodes[level] >= 0 {
      leave(hold.nodes[level], hold, hold.terms[level])
      if givesBack {
        let counted = level == .trunk ? hold.trunkSince : hold.openedAt
        nodes[hold.nodes[level]].giveBackInternational(countedAt: counted)
      }
    }
    holds[place].live = nil
    holdPlaces[id] = nil
    freeHolds.append(place)
  }

  private mutating func noteShares(_ node: Int) {
    for share in nodes[node].crossShares() {
      crossed.append(
        .share(
          nodes[node].subject, share.meter, percent: share.percent, used: share.used,
          limit: share.limit))
    }
  }
}
