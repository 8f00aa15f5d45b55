import Elements

extension LimitSet {
  /// How a level with these limits counts a call with these prices.
  func terms(for ask: Ask) -> HoldTerms.Level {
    let money =
      switch basis {
      case .sell: ask.sellCurrency == currency
      case .purchase: ask.purchaseCurrency == currency
      case .max: ask.sellCurrency == currency && ask.purchaseCurrency == currency
      }
    return HoldTerms.Level(
      isPresent: true, countsMoney: money,
      paysFromBalance: isPrepaid && ask.sellCurrency == currency,
      basis: basis)
  }
}

// The checks are `mutating` only so that a node is asked in its place: a copy would retain all its
// windows, four times for each call.

extension LimitNode {
  /// Throws where this level has no room for what is asked.
  mutating func check(_ ask: Ask, _ terms: HoldTerms.Level, at time: LedgerTime) throws(LimitError)
  {
    try checkCurrency(ask, terms)
    try checkPrice(ask, terms)
    if ask.addsCall, let limit = limits.concurrentCalls, Int64(openCalls) >= limit {
      throw .tooManyCalls(subject, limit: limit)
    }
    if ask.addsInternational,
      let full = fullWindow(of: .international, needed: 1, at: time)
    {
      throw refusal(full)
    }
    let (before, after) = (terms.money(ask.before), terms.money(ask.after))
    if let full = fullWindow(of: .money, needed: after - before, at: time) {
      throw refusal(full)
    }
    if let limit = limits.costPerCall, after > limit, after > before {
      throw .costPerCall(subject, limit: money(limit), needed: money(after))
    }
    if terms.paysFromBalance {
      let needed = ask.after.sell - ask.before.sell
      guard needed <= 0 || needed <= balance - reservedBalance else {
        throw .balance(
          subject, available: money(balance - reservedBalance), needed: money(needed))
      }
    }
  }

  /// Throws where no further attempt is allowed.
  mutating func checkAttempt(at time: LedgerTime) throws(LimitError) {
    guard let full = fullWindow(of: .attempts, needed: 1, at: time) else { return }
    throw refusal(full)
  }

  private mutating func checkCurrency(_ ask: Ask, _ terms: HoldTerms.Level) throws(LimitError) {
    if limits.limitsMoney, !terms.countsMoney {
      let price =
        limits.basis == .purchase || ask.sellCurrency == limits.currency
        ? ask.purchaseCurrency : ask.sellCurrency
      throw .currency(subject, counted: limits.currency, price: price)
    }
    if limits.isPrepaid, ask.sellCurrency != limits.currency {
      throw .currency(subject, counted: limits.currency, price: ask.sellCurrency)
    }
  }

  private mutating func checkPrice(_ ask: Ask, _ terms: HoldTerms.Level) throws(LimitError) {
    let (price, fee) = (terms.money(ask.dearest), terms.money(ask.connectionFee))
    if let limit = limits.pricePerMinute, price > limit {
      throw .pricePerMinute(subject, limit: money(limit), price: money(price))
    }
    if let limit = limits.connectionFee, fee > limit {
      throw .connectionFee(subject, limit: money(limit), fee: money(fee))
    }
  }

  /// A full window blocks; a call that could never fit is refused and blocks nothing.
  private func refusal(_ full: (Meter, WindowKind, LimitError.Shortage)) -> LimitError {
    let (meter, kind, shortage) = full
    let used = shortage.posted.clampedSum(shortage.reserved)
    return shortage.needed > shortage.limit && used <= shortage.limit
      ? .neverFits(subject, meter, shortage) : .reached(subject, meter, kind, shortage)
  }

  private func money(_ micros: Int64) -> Money { Money(micros: micros, limits.currency) }

  /// Whether a block ends by itself: its limit is one that releases, and every window has room again.
  func mayRelease(_ block: Block) -> Bool {
    guard case .reached(let meter, _) = block.reason,
      limits.releasesAtRoll.contains(PeriodSet(meter.period))
    else { return false }
    return fullWindows(for: block).isEmpty
  }

  /// Windows with less than a tenth of their limit left, or less than the refused call needed.
  func fullWindows(for block: Block?) -> [(meter: Meter, kind: WindowKind, limit: Int64)] {
    var full: [(meter: Meter, kind: WindowKind, limit: Int64)] = []
    for meter in Meter.all {
      guard let limit = limits[meter], limit > 0 else { continue }
      var needed = max(1, limit / 10)
      if case .reached(meter, _) = block?.reason { needed = max(needed, block?.needed ?? 0) }
      let period = meter.period
      let calendars =
        [calendar[period]] + retired.lazy.filter { $0.period == period }.map(\.window)
      if calendars.contains(where: { room(meter, $0.used, $0.granted, limit) < needed }) {
        full.append((meter, .calendar, limit))
      }
      if room(meter, rolling[period].used, rolling[period].granted, limit) < needed {
        full.append((meter, .rolling, limit))
      }
    }
    return full
  }

  private func room(_ meter: Meter, _ used: Tally, _ granted: Tally, _ limit: Int64) -> Int64 {
    let committed = used[meter.quantity].clampedSum(reserved(meter.quantity))
    return limit.clampedSum(granted[meter.quantity]).clampedSum(-committed)
  }
}
