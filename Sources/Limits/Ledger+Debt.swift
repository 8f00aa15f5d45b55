package import Elements

extension Ledger {
  /// Holds the first step of a call that its carrier has answered although nothing is held for it any more.
  ///
  /// No limit is asked, since the carrier bills in any case: what it bills counts from now on, and a subject
  /// that has no room left is blocked by its next call. Finish it as any other hold. `credit` is what was charged
  /// for the same INVITE before: it pays the first part.
  ///
  /// - Returns: Nil for an account that the ledger does not know, or a price that it cannot count.
  package mutating func owe(
    _ request: ReservationRequest, credit: Cost?, answeredAt answer: Now, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) -> HoldID? {
    advance(to: now)
    guard let account = places[.account(request.account)], let price = request.price else {
      return nil
    }
    var levels = HoldNodes()
    levels.account = Int32(account)
    levels.tenant = nodes[account].tenant
    levels.platform = Int32(places[.platform] ?? -1)
    let trunk = request.trunk.flatMap { places[.trunk($0)] == nil ? nil : $0 }
    if let trunk { levels.trunk = Int32(places[.trunk(trunk)] ?? -1) }
    refresh(levels, &entries)
    let guardTime = request.guardTime.wholeMilliseconds
    let talked = max(0, (now.instant - answer.instant).wholeMilliseconds)
    let live = Hold.Live(
      price: price, ringUntil: now.instant, reservedAt: answer.wall, ringLimit: 0,
      guardTime: guardTime, covered: price.paidThrough(max(talked + guardTime, price.firstStep)),
      answer: answer)
    let credit = credit ?? .zero
    guard let cost = live.ceiling(upTo: live.covered) else { return nil }
    let ask = Ask(
      before: .zero, after: cost.beyond(credit), dearest: live.dearest(upTo: live.covered),
      connectionFee: price.connectionFee, sellCurrency: price.sell.currency,
      purchaseCurrency: price.purchase.currency, addsCall: false, addsInternational: false)
    var terms = HoldTerms()
    for level in HoldLevel.allCases where levels[level] >= 0 {
      terms[level] = nodes[levels[level]].limits.terms(for: ask)
    }
    let opened = OpenedHold(
      id: HoldID(lastHold + 1), account: request.account, trunk: trunk, terms: terms,
      sellCurrency: ask.sellCurrency, purchaseCurrency: ask.purchaseCurrency, total: ask.after,
      posted: .zero, credit: credit, isInternational: request.isInternational, isAnswered: true,
      isRestored: false, time: time, trunkSince: time)
    record(.opened(opened), &entries, &notices)
    holds[place(of: opened.id)].live = live
    return opened.id
  }
}
