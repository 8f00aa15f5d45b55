import Elements

/// Everything that is counted for one subject.
struct LimitNode: Sendable {
  let subject: LimitSubject
  /// Index of the tenant's node, of accounts; -1 for none.
  var tenant: Int32 = -1
  var tenantID: TenantID?
  var limits: LimitSet
  /// Index into the ledger's zones; -1 until the directory is adopted.
  var zone: Int32 = -1
  /// In the directory now.
  var isActive = true
  var calendar = PerPeriod(repeating: CalendarWindow())
  var rolling = PerPeriod(repeating: RollingWindow())
  /// Windows of a former zone that are not over yet; at most ``mostRetired`` of each period.
  var retired: [(period: Period, window: CalendarWindow)] = []
  /// Money held, as this level counts it.
  var reserved: Int64 = 0
  /// Sell price held against the balance.
  var reservedBalance: Int64 = 0
  var balance: Int64 = 0
  var openCalls: Int32 = 0
  var block: Block?

  static let mostRetired = 4

  init(_ subject: LimitSubject, limits: LimitSet) {
    (self.subject, self.limits) = (subject, limits)
  }

  // MARK: Reading

  /// What is posted and, of money, reserved.
  func reserved(_ quantity: Quantity) -> Int64 { quantity == .money ? reserved : 0 }

  /// The first window that has no room for `needed` more of `quantity`.
  ///
  /// A window that is over but not yet rolled refuses nothing it should not: callers roll first.
  /// Mutating, as the checks that ask it are.
  mutating func fullWindow(
    of quantity: Quantity, needed: Int64, at time: LedgerTime
  ) -> (Meter, WindowKind, LimitError.Shortage)? {
    guard needed > 0 else { return nil }
    let reserved = reserved(quantity)
    for period in Period.allCases {
      let meter = Meter(quantity, per: period)
      guard let limit = limits[meter] else { continue }
      let window = calendar[period]
      if let shortage = shortage(
        quantity, window.used, window.granted, limit, reserved, needed)
      {
        return (meter, .calendar, shortage)
      }
      for old in retired where old.period == period && time.wall < old.window.end {
        if let shortage = shortage(
          quantity, old.window.used, old.window.granted, limit, reserved, needed)
        {
          return (meter, .calendar, shortage)
        }
      }
      if let shortage = shortage(
        quantity, rolling[period].used, rolling[period].granted, limit, reserved, needed)
      {
        return (meter, .rolling, shortage)
      }
    }
    return nil
  }

  private func shortage(
    _ quantity: Quantity, _ used: Tally, _ granted: Tally, _ limit: Int64, _ reserved: Int64,
    _ needed: Int64
  ) -> LimitError.Shortage? {
    let allowed = limit.clampedSum(granted[quantity])
    let committed = used[quantity].clampedSum(reserved)
    guard committed.clampedSum(needed) > allowed else { return nil }
    return LimitError.Shortage(
      limit: allowed, posted: used[quantity], reserved: reserved, needed: needed,
      currency: quantity == .money ? limits.currency : nil)
  }

  /// Whether anything here is still remembered.
  var isEmpty: Bool {
    openCalls == 0 && block == nil && balance == 0 && retired.isEmpty
      && Period.allCases.allSatisfy {
        calendar[$0].used.isZero && calendar[$0].granted.isZero && rolling[$0].buckets.isEmpty
      }
  }

  // MARK: Counting

  /// Drops what left the rolling windows and the windows of former zones that are over.
  mutating func expire(at time: LedgerTime) {
    for period in Period.allCases {
      rolling[period].expire(before: period.firstLiveBucket(at: time.elapsed))
    }
    if !retired.isEmpty { retired.removeAll { $0.window.end <= time.wall } }
  }

  /// Counts in every window that is open at `time`.
  mutating func add(_ tally: Tally, at time: LedgerTime) {
    for period in Period.allCases {
      calendar[period].used += tally
      rolling[period].add(tally, at: period.bucket(at: time.elapsed))
    }
    for index in retired.indices where time.wall < retired[index].window.end {
      retired[index].window.used += tally
    }
  }

  /// Takes back an international call from the windows that it was counted in and that are still open.
  mutating func giveBackInternational(countedAt opened: LedgerTime) {
    for period in Period.allCases {
      if calendar[period].start <= opened.wall, calendar[period].used.international > 0 {
        calendar[period].used.international -= 1
      }
      rolling[period].giveBackInternational(at: period.bucket(at: opened.elapsed))
    }
    for index in retired.indices where retired[index].window.start <= opened.wall {
      if retired[index].window.used.international > 0 {
        retired[index].window.used.international -= 1
      }
    }
  }

  /// Keeps the window of a former zone in force beside the new ones.
  mutating func retire(_ window: CalendarWindow, of period: Period) {
    let same = retired.indices.filter { retired[$0].period == period }
    if let twin = same.first(where: {
      retired[$0].window.start == window.start && retired[$0].window.end == window.end
    }) {
      retired[twin].window = retired[twin].window.joined(window)
    } else if same.count < Self.mostRetired {
      retired.append((period, window))
    } else if let last = same.last {
      // Zones changed again and again: one longer window instead of many, which only refuses more.
      retired[last].window = retired[last].window.joined(window)
    }
  }

  /// The shares of limits that were crossed since last time, each with the percentage.
  mutating func crossShares() -> [(meter: Meter, percent: Int, used: Int64, limit: Int64)] {
    var crossed: [(meter: Meter, percent: Int, used: Int64, limit: Int64)] = []
    for meter in Meter.shared {
      guard let (used, allowed) = usedAndAllowed(meter) else { continue }
      let reached = Self.share(of: used, in: allowed)
      guard reached > calendar[meter.period].toldShares(meter.quantity) else { continue }
      calendar[meter.period].tell(shares: reached, of: meter.quantity)
      crossed.append((meter, [0, 50, 80, 100][Int(reached)], used, allowed))
    }
    return crossed
  }

  /// The allowance is another one: shares of a larger one are crossed again, though as much was told of the smaller.
  mutating func forgetShares() {
    for meter in Meter.shared {
      guard let (used, allowed) = usedAndAllowed(meter) else { continue }
      let told = calendar[meter.period].toldShares(meter.quantity)
      calendar[meter.period].tell(
        shares: min(told, Self.share(of: used, in: allowed)), of: meter.quantity)
    }
  }

  /// What counts of a limit's calendar window, and what may; nil where there is no limit.
  private func usedAndAllowed(_ meter: Meter) -> (used: Int64, allowed: Int64)? {
    guard let limit = limits[meter], limit > 0 else { return nil }
    let (quantity, window) = (meter.quantity, calendar[meter.period])
    return (
      window.used[quantity].clampedSum(reserved(quantity)),
      limit.clampedSum(window.granted[quantity])
    )
  }

  /// 0 to 3: below 50 %, from 50 %, from 80 %, 100 %.
  private static func share(of used: Int64, in limit: Int64) -> UInt8 {
    if used >= limit { return 3 }
    if used >= limit - limit / 5 { return 2 }
    return used >= limit - limit / 2 ? 1 : 0
  }
}
