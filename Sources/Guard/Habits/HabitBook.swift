package import Elements

/// What every account usually does with paid calls, and what departs from it (README.md).
///
/// A value without clock or thread, as the ledger is: ``judge(_:limitPerDay:)`` decides, and only ``take(_:)`` changes anything.
package struct HabitBook: Sendable {
  package let settings: HabitSettings
  /// Each in a place of its own: a copy for a checkpoint copies numbers and pointers.
  private var accounts: [AccountID: Boxed<Habit>] = [:]
  private var tenants: [TenantID: Boxed<Habit>] = [:]

  package init(_ settings: HabitSettings = HabitSettings()) {
    self.settings = settings
  }

  /// What is thought of a call before its carrier is asked.
  package struct Judgement: Hashable, Sendable {
    package let oddity: Oddity
    /// Why it is not to be; nil where it may.
    package let departure: Departure?
  }

  /// Judges a call that is not taken yet, of an account that may spend `limitPerDay`; nil is no limit.
  package func judge(_ call: PaidCall, limitPerDay: Int64?) -> Judgement {
    let own = accounts[call.account]?.value
    guard let tenant = tenants[call.tenant]?.value else {
      return Judgement(oddity: [], departure: nil)
    }
    let day = Int32(clamping: call.localHour.flooredQuotient(by: 24))
    guard tenant.isKnown(settings.activeDaysToKnow, settings.daysToKnow, on: day) else {
      return Judgement(oddity: [], departure: nil)
    }
    let oddity = oddity(of: call, own, tenant, on: day)
    let departure = departure(
      at: call.at, oddity, own, tenant, limitPerDay, more: call.worth, localHour: call.localHour,
      isRunning: false)
    return Judgement(oddity: oddity, departure: departure)
  }

  /// Judges a call that goes on, after what it has cost was taken.
  package func judgeRunning(
    _ account: AccountID, _ tenant: TenantID, _ oddity: Oddity, limitPerDay: Int64?, at: WallTime,
    zoneOffset: Int32
  ) -> Departure? {
    guard let own = accounts[account]?.value, let tenant = tenants[tenant]?.value else {
      return nil
    }
    let localHour = (at.unixSeconds + Int64(zoneOffset)).flooredQuotient(by: 3600)
    let day = Int32(clamping: localHour.flooredQuotient(by: 24))
    guard tenant.isKnown(settings.activeDaysToKnow, settings.daysToKnow, on: day) else {
      return nil
    }
    return departure(
      at: at, oddity, own, tenant, limitPerDay, more: 0, localHour: localHour, isRunning: true)
  }

  // MARK: - Oddity

  private func oddity(
    of call: PaidCall, _ own: Habit?, _ tenant: Habit, on day: Int32
  ) -> Oddity {
    let isGrown = isGrown(own, on: day)
    var oddity: Oddity = []
    if !isSettled(call.destination, own, on: day) {
      let isOfTenant = isSettled(call.destination, tenant, on: day)
      if isOfTenant {
        if isGrown { oddity.insert(.newToAccount) }
      } else {
        oddity.insert(.newToTenant)
        if call.destination.isSpecial { oddity.insert(.special) }
      }
    }
    oddity.formUnion(hourOddity(call.localHour, isGrown ? own : nil, tenant))
    if isNew(call.origin, own, tenant, at: call.at, on: day) { oddity.insert(.newOrigin) }
    // Nobody knows what is dear where nothing has cost anything yet.
    let usualPrice = tenant.paidPrice.micros
    if usualPrice > 0, call.pricePerMinute / settings.dear > usualPrice { oddity.insert(.dear) }
    return oddity
  }

  private func isSettled(_ place: PaidCall.Destination, _ habit: Habit?, on day: Int32) -> Bool {
    habit?.destinations.isSettled(
      place, days: settings.daysToSettle, age: settings.ageToSettle, on: day) ?? false
  }

  private func hourOddity(_ hour: Int64, _ own: Habit?, _ tenant: Habit) -> Oddity {
    let all = rank(tenant.hours.weight(of: hour))
    // What others do at this hour makes it less odd, and not usual.
    let mine = own.map { max(rank($0.hours.weight(of: hour)) - (all == 0 ? 1 : 0), 0) } ?? all
    return mine == 0 ? [] : mine == 1 ? .rareHour : .deadHour
  }

  private func rank(_ weight: Int) -> Int {
    weight >= settings.usualHour ? 0 : weight >= settings.rareHour ? 1 : 2
  }

  private func isNew(
    _ origin: PaidCall.Origin, _ own: Habit?, _ tenant: Habit, at: WallTime, on day: Int32
  ) -> Bool {
    guard origin != .unknown else { return false }
    if let own {
      if isSettled(origin, own, on: day) { return false }
      let fresh = own.newOrigins.amount(at: at.unixMilliseconds, halfLife: Habit.fortnight)
      if case .network = origin, fresh > settings.roaming * 1000 { return false }
    }
    // That somebody else forwards is no reason why this account should.
    if origin == .forward { return true }
    return !isSettled(origin, tenant, on: day)
  }

  private func isSettled(_ origin: PaidCall.Origin, _ habit: Habit, on day: Int32) -> Bool {
    habit.origins.isSettled(
      origin, days: settings.daysOfOrigin, age: settings.ageOfOrigin, on: day)
  }

  // MARK: - Departure

  /// What odd calls of an account may cost before they stop it.
  private func tolerated(_ own: Habit?, _ tenant: Habit, _ limitPerDay: Int64?) -> Int64 {
    let floor = max(
      settings.toleratedMinutes * tenant.price.micros,
      limitPerDay.map { $0 / settings.partOfLimit } ?? 1_000_000)
    return floor + 2 * (own?.mostOdd.usual ?? 0) + tenant.mostOdd.usual
      + (own?.mostSpent.usual ?? 0) / 2
  }

  /// The most that an account spends within a day; of a young one the most that any of its tenant does.
  private func mostSpent(_ own: Habit?, _ tenant: Habit, on day: Int32) -> Int64 {
    guard let own else { return tenant.mostSpent.usual }
    return isGrown(own, on: day)
      ? own.mostSpent.usual : max(own.mostSpent.usual, tenant.mostSpent.usual)
  }

  private func isGrown(_ own: Habit?, on day: Int32) -> Bool {
    own?.isKnown(settings.activeDaysOfAccount, settings.daysToKnow, on: day) ?? false
  }

  private func departure(
    at: WallTime, _ oddity: Oddity, _ own: Habit?, _ tenant: Habit, _ limitPerDay: Int64?,
    more: Int64, localHour: Int64, isRunning: Bool
  ) -> Departure? {
    let weight = oddity.weight
    let tolerated = tolerated(own, tenant, limitPerDay)
    let time = at.unixMilliseconds
    let recent = own?.oddCallsOfLate(at: at) ?? []
    let calls = recent.count + (weight > 0 && !isRunning ? 1 : 0)
    func make(_ kind: Departure.Kind, _ counted: Int64, _ tolerated: Int64) -> Departure {
      Departure(
        kind: kind, at: at, oddity: oddity, calls: calls, since: recent.first?.at ?? at,
        counted: counted, tolerated: tolerated, usual: usual(own ?? tenant, localHour))
    }
    if weight > 0 {
      let odd =
        (own?.odd.amount(at: time, halfLife: Habit.oddLife) ?? 0) + more.weighted(by: weight)
      let isEnough = calls >= settings.leastOddCalls || isRunning && odd > 2 * tolerated
      return odd > tolerated && isEnough ? make(.oddCalls, odd, tolerated) : nil
    }
    let spent = (own?.spent.amount(at: time, halfLife: Habit.dayLong) ?? 0) + more
    let day = Int32(clamping: localHour.flooredQuotient(by: 24))
    let most = settings.spendFactor * mostSpent(own, tenant, on: day) + 2 * tolerated
    return spent > most ? make(.spend, spent, most) : nil
  }

  private func usual(_ habit: Habit, _ localHour: Int64) -> UsualDay {
    let day = Int32(clamping: localHour.flooredQuotient(by: 24))
    return UsualDay(
      callsPerHour: (habit.mostCalls.usual + 999) / 1000, spentPerDay: habit.mostSpent.usual,
      destinations: habit.destinations.all.count { isSettled($0.place, habit, on: day) },
      hourWeight: habit.hours.weight(of: localHour))
  }

  /// Where an account stands now; nil where nothing is known of it.
  package func standing(
    of account: AccountID, of tenant: TenantID, limitPerDay: Int64?, at: WallTime,
    zoneOffset: Int32
  ) -> HabitStanding? {
    guard let own = accounts[account]?.value, let tenant = tenants[tenant]?.value else {
      return nil
    }
    let localHour = (at.unixSeconds + Int64(zoneOffset)).flooredQuotient(by: 3600)
    let day = Int32(clamping: localHour.flooredQuotient(by: 24))
    return HabitStanding(
      isGuarded: tenant.isKnown(settings.activeDaysToKnow, settings.daysToKnow, on: day),
      activeDays: Int(own.activeDays), usual: usual(own, localHour),
      counted: own.odd.amount(at: at.unixMilliseconds, halfLife: Habit.oddLife),
      tolerated: tolerated(own, tenant, limitPerDay))
  }

  // MARK: - Learning

  /// Takes what has happened; live and in a replay it does the same.
  package mutating func take(_ change: HabitChange) {
    switch change {
    case .called(let call, let oddity, let lesson):
      let hour = call.localHour
      accounts[call.account, default: Boxed(Habit(at: hour))].value.take(call, oddity, settings)
      tenants[call.tenant, default: Boxed(Habit(at: hour))].value.add(
        call, oddity, destinations: settings.destinationsOfTenant,
        origins: settings.originsOfTenant)
      notePeaks(of: call.account, for: call.tenant, at: call.at, lesson)
    case .paid(let account, let tenant, let oddity, let difference, let at, let lesson):
      accounts[account]?.value.pay(difference, weight: oddity.weight, at: at.unixMilliseconds)
      notePeaks(of: account, for: tenant, at: at, lesson)
    case .accepted(let account): accounts[account]?.value.accept(settings)
    case .disowned(let account, nil): accounts[account]?.value.disown(settings)
    case .disowned(let account, let tenant?):
      let whole = tenants[tenant]?.value
      guard let theft = accounts[account]?.value.theft(in: whole, settings) else { return }
      accounts[account]?.value.forget(theft)
      tenants[tenant]?.value.unlearn(theft)
    case .known(let record):
      switch record.owner {
      case .account(let account): accounts[account] = Boxed(record.habit)
      case .tenant(let tenant): tenants[tenant] = Boxed(record.habit)
      }
    }
  }

  /// What an account has in its sums is among the most of its tenant: what is left of them, however long ago they were added to.
  private mutating func notePeaks(
    of account: AccountID, for tenant: TenantID, at: WallTime, _ lesson: HabitLesson
  ) {
    guard let own = accounts[account]?.value else { return }
    let time = at.unixMilliseconds
    let (odd, spent) =
      switch lesson {
      case .first: (own.odd.amount, own.spent.amount)
      case .second:
        (
          own.odd.amount(at: time, halfLife: Habit.oddLife),
          own.spent.amount(at: time, halfLife: Habit.dayLong)
        )
      }
    tenants[tenant]?.value.mostOdd.see(odd)
    tenants[tenant]?.value.mostSpent.see(spent)
  }

  /// Forgets accounts and tenants that are no more.
  package mutating func retain(_ account: (AccountID) -> Bool, _ tenant: (TenantID) -> Bool) {
    accounts = accounts.filter { account($0.key) }
    tenants = tenants.filter { tenant($0.key) }
  }

  /// Changes that make these habits again, in an order that does not depend on hashing.
  package func checkpoint() -> some Sequence<HabitChange> {
    let owners =
      tenants.keys.sorted().map(HabitRecord.Owner.tenant)
      + accounts.keys.sorted().map(HabitRecord.Owner.account)
    return owners.lazy.compactMap { owner in
      let habit =
        switch owner {
        case .account(let account): accounts[account]?.value
        case .tenant(let tenant): tenants[tenant]?.value
        }
      return habit.map { .known(HabitRecord(owner: owner, habit: $0)) }
    }
  }
}

extension Habit {
  fileprivate mutating func take(_ call: PaidCall, _ oddity: Oddity, _ settings: HabitSettings) {
    add(
      call, oddity, destinations: settings.destinationsOfAccount,
      origins: settings.originsOfAccount)
    pay(call.worth, weight: oddity.weight, at: call.at.unixMilliseconds)
    if oddity.weight > 0 { note(call, bound: settings.oddCallsKept) }
  }
}

extension Int64 {
  /// In quarters; what is taken back counts as much as what was added.
  func weighted(by weight: Int64) -> Int64 {
    bounded * weight / 4
  }
}
