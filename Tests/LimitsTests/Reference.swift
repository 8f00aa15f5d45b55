import Elements

@testable import Limits

/// The ledger once more, as plain as can be: it keeps every posting and adds up at each question.
///
/// No buckets, no running sums, no entries.
struct Reference {
  struct Posting {
    let quantity: Quantity
    let amount: Int64
    let wall: Int64
    let elapsed: Int64
    let hold: HoldID?
  }

  struct Gift {
    let meter: Meter
    let kind: WindowKind
    let amount: Int64
    let wall: Int64
    let elapsed: Int64
  }

  struct Subject {
    var limits: LimitSet
    var zone: TimeZoneRules
    var postings: [Posting] = []
    var grants: [Gift] = []
    var balance: Int64 = 0
    var block: Block.Reason?
    var blockNeeded: Int64 = 0
  }

  struct Call {
    var levels: [LimitSubject]
    var basis: [LimitSubject: Basis]
    var prepaid: Set<LimitSubject>
    var price: Price
    var total: Cost
    var posted = Cost.zero
    var covered: Int64
    let guardTime: Int64
    let isInternational: Bool
    var answer: Now?
    /// After a crash the clock of the call is lost.
    var isInterrupted = false
  }

  struct Refused: Error {
    let words: String
  }

  var subjects: [LimitSubject: Subject] = [:]
  var calls: [HoldID: Call] = [:]
  var wall: Int64 = 0
  var elapsed: Int64 = 0
  private var seen: Instant?

  mutating func see(_ now: Now) {
    let wallNow = now.wall.unixMilliseconds
    if let seen {
      elapsed += (now.instant - seen).wholeMilliseconds
    } else {
      elapsed = wall == 0 ? wallNow : elapsed + max(0, wallNow - wall)
    }
    seen = now.instant
    wall = max(wall, wallNow)
  }

  /// The process died; `time` is what the journal knew last.
  mutating func crash(_ time: LedgerTime) {
    (seen, wall, elapsed) = (nil, time.wall, time.elapsed)
    for id in calls.keys { calls[id]?.isInterrupted = true }
  }

  // MARK: Sums

  func used(_ subject: LimitSubject, _ meter: Meter, _ kind: WindowKind) -> Int64 {
    guard let state = subjects[subject] else { return 0 }
    var sum: Int64 = 0
    for posting in state.postings where posting.quantity == meter.quantity {
      if counts(posting.wall, posting.elapsed, meter.period, kind, state.zone) {
        sum += posting.amount
      }
    }
    return sum
  }

  func granted(_ subject: LimitSubject, _ meter: Meter, _ kind: WindowKind) -> Int64 {
    guard let state = subjects[subject] else { return 0 }
    var sum: Int64 = 0
    for gift in state.grants where gift.meter == meter && gift.kind == kind {
      if counts(gift.wall, gift.elapsed, meter.period, kind, state.zone) { sum += gift.amount }
    }
    return sum
  }

  private func counts(
    _ wall: Int64, _ elapsed: Int64, _ period: Period, _ kind: WindowKind, _ zone: TimeZoneRules
  ) -> Bool {
    switch kind {
    case .calendar:
      let now = WallTime(unixMilliseconds: self.wall)
      let range =
        switch period {
        case .hour: zone.hour(containing: now)
        case .day: zone.day(containing: now)
        case .month: zone.month(containing: now)
        }
      return range.contains(WallTime(unixMilliseconds: wall))
    case .rolling:
      // The end of the bucket it fell into is still inside the window.
      let (length, bucket): (Int64, Int64) =
        switch period {
        case .hour: (3_600_000, 120_000)
        case .day: (86_400_000, 1_800_000)
        case .month: (2_592_000_000, 43_200_000)
        }
      return (elapsed / bucket + 1) * bucket > self.elapsed - length
    }
  }

  func reserved(_ subject: LimitSubject) -> Int64 {
    calls.values.reduce(0) { sum, call in
      guard let basis = call.basis[subject] else { return sum }
      return sum + call.total.counted(basis) - call.posted.counted(basis)
    }
  }

  func openCalls(_ subject: LimitSubject) -> Int64 {
    Int64(calls.values.count { $0.basis[subject] != nil })
  }

  // MARK: Questions

  func full(
    _ subject: LimitSubject, _ quantity: Quantity, _ needed: Int64
  ) -> (words: String, meter: Meter, kind: WindowKind, neverFits: Bool)? {
    guard needed > 0, let limits = subjects[subject]?.limits else { return nil }
    for period in Period.allCases {
      let meter = Meter(quantity, per: period)
      guard let limit = limits[meter] else { continue }
      for kind in WindowKind.allCases {
        let allowed = limit + granted(subject, meter, kind)
        let committed =
          used(subject, meter, kind) + (quantity == .money ? reserved(subject) : 0)
        guard committed + needed > allowed else { continue }
        let neverFits = needed > allowed && committed <= allowed
        let words =
          neverFits ? "never fits \(subject) \(meter)" : "reached \(subject) \(meter) \(kind)"
        return (words, meter, kind, neverFits)
      }
    }
    return nil
  }

  mutating func refuseFull(
    _ subject: LimitSubject, _ quantity: Quantity, _ needed: Int64, blocks: Bool
  ) throws(Refused) {
    guard let full = full(subject, quantity, needed) else { return }
    if !full.neverFits, blocks {
      subjects[subject]?.block = .reached(full.meter, full.kind)
      subjects[subject]?.blockNeeded = needed
    }
    throw Refused(words: full.words)
  }

  mutating func refuseBlocked(_ levels: [LimitSubject]) throws(Refused) {
    for subject in levels {
      guard let block = subjects[subject]?.block else { continue }
      if case .reached(let meter, _) = block, let limits = subjects[subject]?.limits,
        limits.releasesAtRoll.contains(PeriodSet(meter.period)), lacking(subject).isEmpty
      {
        subjects[subject]?.block = nil
        continue
      }
      throw Refused(words: "blocked \(subject)")
    }
  }

  mutating func check(
    _ subject: LimitSubject, _ call: Call, before: Cost, after: Cost, isNew: Bool, blocks: Bool
  ) throws(Refused) {
    guard let limits = subjects[subject]?.limits, let basis = call.basis[subject] else { return }
    let price = Cost(
      sell: call.price.sell.pricePerMinute, purchase: call.price.purchase.pricePerMinute)
    let fee = Cost(
      sell: call.price.sell.connectionFee, purchase: call.price.purchase.connectionFee)
    if let limit = limits.pricePerMinute, price.counted(basis) > limit {
      throw Refused(words: "price \(subject)")
    }
    if let limit = limits.connectionFee, fee.counted(basis) > limit {
      throw Refused(words: "fee \(subject)")
    }
    if isNew, let limit = limits.concurrentCalls, openCalls(subject) >= limit {
      throw Refused(words: "too many \(subject)")
    }
    if isNew, call.isInternational { try refuseFull(subject, .international, 1, blocks: blocks) }
    let needed = after.counted(basis) - before.counted(basis)
    try refuseFull(subject, .money, needed, blocks: blocks)
    if let limit = limits.costPerCall, after.counted(basis) > limit, needed > 0 {
      throw Refused(words: "call cost \(subject)")
    }
    if call.prepaid.contains(subject) {
      let held = calls.values.reduce(Int64(0)) {
        $0 + ($1.prepaid.contains(subject) ? $1.total.sell - $1.posted.sell : 0)
      }
      let more = after.sell - before.sell
      if more > 0, more > (subjects[subject]?.balance ?? 0) - held {
        throw Refused(words: "balance \(subject)")
      }
    }
  }

  /// The end of the step that `talk` ends in, found one millisecond step of a second at a time.
  func stretched(_ price: Price, _ talk: Int64) -> Int64 {
    func cost(_ milliseconds: Int64) -> [Int64?] {
      [price.sell, price.purchase].map {
        $0.cost(of: .milliseconds(milliseconds), answeredAt: Bench.noon)?.micros
      }
    }
    let target = cost(talk)
    var end = (talk + 999) / 1000 * 1000
    // A free call has no end of a step; what counts there is the step all the same.
    if price.sell.pricePerMinute == 0 || price.purchase.pricePerMinute == 0 {
      return price.paidThrough(talk)
    }
    while cost(end + 1000) == target { end += 1000 }
    return end
  }

  func cost(_ call: Call, _ milliseconds: Int64) -> Cost {
    func one(_ tariff: Tariff) -> Int64 {
      tariff.cost(of: .milliseconds(milliseconds), answeredAt: Bench.noon)?.micros ?? 0
    }
    return Cost(sell: one(call.price.sell), purchase: one(call.price.purchase))
  }
}
