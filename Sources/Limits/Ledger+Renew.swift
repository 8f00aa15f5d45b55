package import Elements

extension Ledger {
  /// The called party answered: talk time counts from here, and a second answer changes nothing.
  package mutating func answered(
    _ hold: HoldID, at now: Now, into entries: inout [LedgerEntry]
  ) throws(LimitError) -> Reservation {
    advance(to: now)
    let place = try livePlace(of: hold)
    if !holds[place].isAnswered {
      record(.answered(hold), &entries)
      holds[place].live?.takeAnswer(at: now.instant)
    }
    return reservation(place)
  }

  /// Posts what was used and holds the price of a further slice; refused, the call ends at its expiry.
  ///
  /// A limit that has no room for the shortest slice blocks. A block of any level refuses, so the running
  /// calls of a blocked account end when their paid slices end; only a call that costs nothing goes on, and one
  /// that `isUsual` where others were not. So do those of an account that was taken out of the directory: whoever deletes a stolen
  /// extension means its calls, too.
  package mutating func renew(
    _ hold: HoldID, isUsual: Bool = false, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation {
    advance(to: now)
    tellClockBehind(now, &notices)
    let place = try livePlace(of: hold)
    guard let live = holds[place].live, let answer = live.answer else {
      return reservation(place)  // It rings still: the first slice is paid.
    }
    let levels = holds[place].nodes
    refresh(levels, &entries)
    let talked = max(0, (now.instant - answer.instant).wholeMilliseconds)
    guard let used = live.ceiling(upTo: talked) else { throw .outOfRange }
    let posted = holds[place].posted.joined(used)
    post(posted, hold, place, &entries, &notices)
    guard nodes[levels[.account]].isActive else { throw .unknownAccount(holds[place].accountID) }
    if !live.price.isFree {
      try refuseBlocked(levels, sparingUnusual: isUsual, &entries, &notices)
    }
    var refusal = LimitError.outOfRange
    let ends = Slice.next(
      live.price, covered: live.covered, talked: talked, guardTime: live.guardTime)
    for end in ends {
      do {
        try raise(place, to: end, live, &entries, &notices)
        return reservation(place)
      } catch {
        refusal = error
      }
    }
    block(after: refusal, holds[place].accountID, &entries, &notices)
    throw refusal
  }

  /// Posts what was used for certain; what is held in all stays the same.
  private mutating func post(
    _ posted: Cost, _ hold: HoldID, _ place: Int, _ entries: inout [LedgerEntry],
    _ notices: inout [LedgerNotice]
  ) {
    guard posted != holds[place].posted else { return }
    let total = holds[place].total.joined(posted)
    record(.raised(hold, posted: posted, total: total, time), &entries, &notices)
  }

  private mutating func raise(
    _ place: Int, to end: Int64, _ live: Hold.Live, _ entries: inout [LedgerEntry],
    _ notices: inout [LedgerNotice]
  ) throws(LimitError) {
    let hold = holds[place]
    guard let price = live.ceiling(upTo: end) else { throw .outOfRange }
    let total = hold.total.joined(price)
    let ask = Ask(
      before: hold.total, after: total, dearest: live.dearest(upTo: end),
      connectionFee: live.price.connectionFee, sellCurrency: hold.sellCurrency,
      purchaseCurrency: hold.purchaseCurrency, addsCall: false, addsInternational: false)
    try check(ask, hold.nodes, hold.terms)
    if total != hold.total {
      record(.raised(hold.id, posted: hold.posted, total: total, time), &entries, &notices)
    }
    holds[place].live?.covered = end
  }

  /// Holds the price of another route before its INVITE leaves; a cheaper one keeps the dearer hold.
  ///
  /// Only before the answer, and only when the former route definitely failed; where it may have been
  /// answered, finish with `.unknown` and reserve anew. Refuses an account that was taken out, as `renew` does. Throwing,
  /// it leaves the hold as it was.
  package mutating func reprice(
    _ hold: HoldID, to price: Price?, over trunk: TrunkID?, isFailover: Bool = false, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation {
    advance(to: now)
    let place = try livePlace(of: hold)
    let old = holds[place]
    guard var live = old.live, !old.isAnswered else { throw .alreadyAnswered(hold) }
    guard let price else { throw .unknownRate(old.accountID) }
    var levels = old.nodes
    levels.trunk = if let trunk { try node(of: trunk) } else { -1 }
    refresh(levels, &entries)
    guard nodes[levels[.account]].isActive else { throw .unknownAccount(old.accountID) }
    if !price.isFree { try refuseBlocked(levels, &entries, &notices) }
    live.price = price
    live.covered = Slice.first(price, guardTime: live.guardTime)
    do {
      let (terms, total) = try checkRoute(old, live, levels)
      if trunk != old.trunkID || total != old.total {
        record(
          .rerouted(hold, trunk: trunk, terms: terms, total: total, time), &entries, &notices)
      }
    } catch {
      if !isFailover { block(after: error, old.accountID, &entries, &notices) }
      throw error
    }
    holds[place].live = live
    return reservation(place)
  }

  /// How the levels would count the hold over another route, and what it needs in all.
  private mutating func checkRoute(
    _ old: Hold, _ live: Hold.Live, _ levels: HoldNodes
  ) throws(LimitError) -> (HoldTerms, Cost) {
    guard let ceiling = live.ceiling(upTo: live.covered) else { throw .outOfRange }
    let total = old.total.joined(ceiling)
    let (sell, purchase) = (live.price.sell.currency, live.price.purchase.currency)
    guard sell == old.sellCurrency, purchase == old.purchaseCurrency else {
      throw .currency(
        .account(old.accountID), counted: old.sellCurrency,
        price: sell == old.sellCurrency ? purchase : sell)
    }
    var terms = old.terms
    for level in HoldLevel.allCases where levels[level] >= 0 {
      let isNew = levels[level] != old.nodes[level]
      let ask = Ask(
        before: isNew ? .zero : old.total, after: total, dearest: live.dearest(upTo: live.covered),
        connectionFee: live.price.connectionFee, sellCurrency: sell, purchaseCurrency: purchase,
        addsCall: isNew, addsInternational: isNew && old.isInternational)
      if isNew {
        terms[level] = nodes[levels[level]].limits.terms(for: ask)
        try nodes[levels[level]].checkAttempt(at: time)
      }
      try nodes[levels[level]].check(ask, terms[level], at: time)
    }
    if levels.trunk < 0 { terms[.trunk] = HoldTerms.Level() }
    return (terms, total)
  }

  /// The place of an open hold whose clock still runs.
  private func livePlace(of hold: HoldID) throws(LimitError) -> Int {
    guard let place = holdPlaces[hold] else { throw .unknownHold(hold) }
    guard holds[place].live != nil else { throw .interrupted(hold) }
    return place
  }

  /// The place of a hold that was just written.
  func place(of hold: HoldID) -> Int {
    guard let place = holdPlaces[hold] else {
      invariantFailed("hold \(hold) was written and is not there", file: #fileID, line: #line)
    }
    return place
  }
}
