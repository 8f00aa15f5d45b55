package import Elements

extension Ledger {
  /// Settles a call; nil when it was settled before, and then nothing changed.
  ///
  /// The exact price is posted even above what was held (``LedgerNotice/overrun(_:_:excess:)``): what the
  /// carrier takes is never counted short. A call whose answer was not seen pays all that is held.
  package mutating func finish(
    _ hold: HoldID, _ outcome: Outcome, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) -> Charge? {
    advance(to: now)
    guard let place = holdPlaces[hold] else { return nil }
    let open = holds[place]
    refresh(open.nodes, &entries)
    let (cost, isAssumed) = charge(open, outcome, at: now)
    let charged = open.posted.joined(cost)
    let failed = outcome == .neverAnswered && !open.isAnswered
    record(
      .finished(hold, charged: charged, givesBack: failed && open.isInternational, time), &entries,
      &notices)
    tellOverrun(open, charged, &notices)
    return Charge(
      hold: hold, account: open.accountID, sell: Money(micros: charged.sell, open.sellCurrency),
      purchase: Money(micros: charged.purchase, open.purchaseCurrency), isAssumed: isAssumed)
  }

  private func charge(
    _ hold: Hold, _ outcome: Outcome, at now: Now
  ) -> (Cost, isAssumed: Bool) {
    switch outcome {
    case .neverAnswered where !hold.isAnswered:
      return (.zero, false)
    case .neverAnswered, .unknown:
      // "Never answered" after an answer contradicts itself: the dearer story counts. Nothing proves that an answered call
      // has ended before now; were it cheaper than one that is proven a moment earlier, silence would pay.
      return (hold.total.joined(bill(hold, until: now.instant) ?? .zero), true)
    case .outlived(let price, let talk, let answer):
      guard price.sell.currency == hold.sellCurrency,
        price.purchase.currency == hold.purchaseCurrency,
        let cost = price.cost(
          ofMilliseconds: max(0, talk.wholeMilliseconds), answeredAt: answer)
      else { return (hold.total, true) }
      return (hold.total.joined(cost.beyond(hold.credit)), true)
    case .ended(let end):
      return bill(hold, until: end).map { ($0, false) } ?? (hold.total, true)
    }
  }

  /// What its carrier takes for a call that ends at `end`; nil where it was not answered, its clock died with the
  /// process, or it is longer than can be counted.
  private func bill(_ hold: Hold, until end: Instant) -> Cost? {
    guard let live = hold.live, let answer = live.answer else { return nil }
    // Rounded up: cut at the end of a step, a call has begun the next one by the carrier's clock.
    let talked = max(0, (end - answer.instant + .nanoseconds(999_999)).wholeMilliseconds)
    return live.ceiling(upTo: talked)?.beyond(hold.credit)
  }

  private func tellOverrun(_ hold: Hold, _ charged: Cost, _ notices: inout [LedgerNotice]) {
    let excess =
      charged.sell > hold.total.sell
      ? Money(micros: charged.sell - hold.total.sell, hold.sellCurrency)
      : Money(micros: charged.purchase - hold.total.purchase, hold.purchaseCurrency)
    if excess.micros > 0 { notices.append(.overrun(hold.accountID, hold.id, excess: excess)) }
  }
}
