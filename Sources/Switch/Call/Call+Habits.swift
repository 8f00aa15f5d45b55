import Directory
import Elements
import Guard
import Limits
import Numbering
import SIP

/// What the habits of an account have thought of a leg that it pays, and what it counts as so far.
struct HabitTicket: Sendable {
  let tenant: TenantID
  let oddity: Oddity
  var counted: Int64

  var isUsual: Bool { !oddity.isCounted }
}

// What habits are asked and told of a paid leg; what they are told is in the journal with its hold.

extension SwitchCore {
  /// A call that habits have let pass, before it is taken.
  struct JudgedCall: Sendable {
    let call: PaidCall
    let oddity: Oddity
  }

  /// Asks the habits of who pays; where the call departs from them and no limit would refuse it, the account is blocked.
  mutating func judge(
    _ route: OutsideRoute, _ request: ReservationRequest, in call: Call, at now: Now,
    _ entries: inout [LedgerEntry], _ notices: inout [LedgerNotice]
  ) -> JudgedCall? {
    guard let line = rules.directory.line(paying: route.account), let price = request.price
    else { return nil }
    let paid = paidCall(route, price, line, in: call, at: now)
    let judgement = habits.judge(paid, limitPerDay: line.limits.spend.dayMicros)
    if let departure = judgement.departure, line.limits.habits != .off,
      ledger.fits(request, at: now, into: &entries)
    {
      depart(departure, line, call, at: now, &entries, &notices)
    }
    return JudgedCall(call: paid, oddity: judgement.oddity)
  }

  /// Learns from a call whose money is held.
  mutating func learn(_ judged: JudgedCall) -> HabitTicket {
    take(.called(judged.call, judged.oddity))
    return HabitTicket(
      tenant: judged.call.tenant, oddity: judged.oddity, counted: judged.call.worth)
  }

  /// A further attempt beside one that may still be charged is the same call: only what it costs counts.
  func sameTicket(of branch: Int, in call: Call) -> HabitTicket? {
    call.branches[branch].legs.lazy.compactMap { call.legs[$0].paid?.habit }.first.map {
      HabitTicket(tenant: $0.tenant, oddity: $0.oddity, counted: 0)
    }
  }

  mutating func take(_ change: HabitChange) {
    habits.take(change)
    journal.write(.habit(change))
  }

  /// Asks again before a call that goes on gets its next slice.
  mutating func judgeRunning(
    _ money: PaidLeg, in call: Call, at now: Now, _ entries: inout [LedgerEntry],
    _ notices: inout [LedgerNotice]
  ) {
    guard let ticket = money.habit, let line = rules.directory.line(paying: money.account),
      line.limits.habits != .off,
      let departure = habits.judgeRunning(
        money.account, ticket.tenant, ticket.oddity, limitPerDay: line.limits.spend.dayMicros,
        at: now.wall, zoneOffset: zoneOffset(of: line.tenant, at: now.wall))
    else { return }
    depart(departure, line, call, at: now, &entries, &notices)
  }

  /// A call goes on: what is held for it in all counts.
  mutating func noteSpending(_ money: inout PaidLeg, of held: Money, at now: Now) {
    guard let ticket = money.habit, held.micros > ticket.counted else { return }
    money.habit?.counted = held.micros
    take(
      .paid(
        money.account, ticket.tenant, ticket.oddity, difference: held.micros - ticket.counted,
        at: now.wall))
  }

  /// A call is over: what it has cost counts, and no more.
  mutating func noteCharge(_ charge: Charge, of money: PaidLeg, at now: Now) {
    guard let ticket = money.habit else { return }
    let cost =
      charge.sell.currency == charge.purchase.currency
      ? max(charge.sell.micros, charge.purchase.micros) : charge.sell.micros
    guard cost != ticket.counted else { return }
    take(
      .paid(
        money.account, ticket.tenant, ticket.oddity, difference: cost - ticket.counted,
        at: now.wall))
  }

  /// Who lifts a block has looked: it is how they call, and the next such call is not stopped again.
  ///
  /// Or it was a thief, and nothing of it is to be usual.
  mutating func teach(_ account: AccountID, by block: Block?, isTheft: Bool) {
    if isTheft {
      guard let line = rules.directory.line(paying: account) else { return }
      take(.disowned(account, line.tenant.id))
    } else if case .unusual = block?.reason {
      take(.accepted(account))
    }
  }

  /// Where an account stands; nil where it has made no paid call, or is none.
  func habitStanding(of account: AccountID, at now: Now) -> HabitStanding? {
    guard let line = rules.directory.line(paying: account) else { return nil }
    return habits.standing(
      of: account, of: line.tenant.id, limitPerDay: line.limits.spend.dayMicros, at: now.wall,
      zoneOffset: zoneOffset(of: line.tenant, at: now.wall))
  }

  /// A rule that is another one is told, as every changed limit is (guard rule 15).
  mutating func tellHabitRules(since old: Rulebook, at now: Now) {
    for line in rules.directory.extensions {
      guard let before = old.directory.line(paying: line.account) else { continue }
      let (was, rule) = (before.limits.habits ?? .stop, line.limits.habits ?? .stop)
      guard was != rule else { continue }
      alert(
        .limitChanged, .warning, tenant: line.tenant.id,
        key: "changed-habits-\(line.account)-\(now.wall.unixMilliseconds)", at: now,
        [
          Alert.Fact("subject", name(of: .account(line.account))),
          Alert.Fact("habits", "\(was.rawValue) -> \(rule.rawValue)"),
        ] + (rules.appliedBy.map { [Alert.Fact("applied by", $0)] } ?? []))
    }
  }

  // MARK: - What a call is to habits

  private func paidCall(
    _ route: OutsideRoute, _ price: Price, _ line: Extension, in call: Call, at now: Now
  ) -> PaidCall {
    let isOne = price.sell.currency == price.purchase.currency
    func dearer(_ of: (Tariff) -> Int64) -> Int64 {
      isOne ? max(of(price.sell), of(price.purchase)) : of(price.sell)
    }
    var origin = PaidCall.Origin.unknown
    if route.forwardedBy != nil {
      origin = .forward
    } else if call.caller.party.extension == route.payer,
      let source = call.caller.flow?.remote.address
    {
      origin = .network(source.network)
    }
    return PaidCall(
      account: route.account, tenant: line.tenant.id, at: now.wall,
      zoneOffset: zoneOffset(of: line.tenant, at: now.wall),
      destination: PaidCall.Destination(
        country: route.number.region.code, isSpecial: route.number.kind.isDear),
      origin: origin, pricePerMinute: dearer(\.pricePerMinute),
      worth: dearer {
        $0.cost(of: .seconds(120), answeredAt: now.wall)?.micros ?? $0.pricePerMinute
      })
  }

  private func zoneOffset(of tenant: Tenant, at wall: WallTime) -> Int32 {
    Int32(clamping: rules.zone(of: tenant).offset(at: wall.unixSeconds))
  }

  /// Stops the account, or tells its owner, as its rule says.
  private mutating func depart(
    _ departure: Departure, _ line: Extension, _ call: Call, at now: Now,
    _ entries: inout [LedgerEntry], _ notices: inout [LedgerNotice]
  ) {
    let words = departure.words(
      currency: line.tenant.currency, zone: rules.zone(of: line.tenant))
    guard line.limits.habits == .tell else {
      ledger.block(line.account, unusual: words, at: now, into: &entries, notices: &notices)
      return
    }
    // Once a day: the owner knows.
    guard toldDepartures.insert(line.account, on: now.wall.unixSeconds / 86_400) else { return }
    alert(
      .unusualCalls, .warning, tenant: line.tenant.id,
      key: "unusual-\(line.account)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("subject", name(of: .account(line.account))), Alert.Fact("unusual", words),
      ] + callFacts(call))
    journal.hurry()
  }
}
