import Elements

@testable import Limits

/// A random history of one ledger: calls, people, clocks and crashes, and what is wrong with it.
///
/// Three witnesses watch after every step: the reference that adds up everything anew, a second ledger
/// that only reads the journal, and the carrier that knows what each call really cost.
struct History {
  /// What the history may hold; chosen by the seed so that histories differ in kind.
  struct Options {
    var crashes = true
    var clockSteps = true
    var limitChanges = true
    var zoneChanges = false
    var steps = 120
  }

  /// A planted mistake: what gets lost between the ledger and its journal.
  enum Fault: CaseIterable {
    case none
    /// A limit that forgets running calls: holds are not written.
    case forgetsHolds
    /// Slices are not written.
    case forgetsSlices
    /// Settlements are not written.
    case forgetsSettlements
    /// Blocks are not written.
    case forgetsBlocks
    /// Open holds are released after a crash, not charged.
    case freesHoldsAfterCrash
    /// A timeout counts as "never answered".
    case freesTimeouts
    /// Unblocking wipes what was counted.
    case wipesCounters
  }

  /// What the carrier knows of a call.
  struct Truth {
    let price: Price
    let account: AccountID
    let ringUntil: Instant
    var answer: Instant?
    /// When the relay falls silent by itself and the carrier has stopped.
    var lastMoment: Instant
    var guardTime: Duration
  }

  var complaints: [String] = []
  var accepted = 0
  var refused = 0
  /// After each step: entries so far, and the most that the carrier may take if the process dies then.
  var worst: [(entries: Int, cost: Int64)] = []
  /// The action under way, for complaints.
  var doing = ""
  var bench: Bench
  var reference = Reference()
  var shadow = Ledger()
  var read = 0
  var dice: SplitMix
  let options: Options
  let fault: Fault
  var truths: [HoldID: Truth] = [:]
  /// Real cost at the carrier of all that is over.
  var carried: Int64 = 0
  var grantedByHand: Int64 = 0
  var highestDayLimit: Int64
  let start: Instant
  var zones: [TimeZoneRules]

  init(seed: UInt64, options: Options = Options(), fault: Fault = .none, zones: [TimeZoneRules]) {
    (self.options, self.fault, self.zones) = (options, fault, zones)
    var dice = SplitMix(seed: seed)
    let account = Self.limits(&dice, scale: 1)
    bench = Bench(
      account: account, accounts: 3, tenant: Self.limits(&dice, scale: 3),
      trunk: Self.limits(&dice, scale: 3), platform: Self.limits(&dice, scale: 4),
      zone: zones[Int.random(in: 0..<zones.count, using: &dice)])
    highestDayLimit = account.moneyPerDay ?? .max
    self.dice = dice
    start = bench.now.instant
    reference.see(bench.now)
    for line in bench.book.lines {
      reference.subjects[line.subject] = Reference.Subject(limits: line.limits, zone: line.zone)
    }
    follow()
  }

  private static func limits(_ dice: inout SplitMix, scale: Int64) -> LimitSet {
    var limits = LimitSet(
      currency: .eur, basis: [.sell, .purchase, .max].randomElement(using: &dice) ?? .max)
    func maybe(_ values: [Int64], _ dice: inout SplitMix) -> Int64? {
      Int.random(in: 0..<5, using: &dice) > 1
        ? nil : values.randomElement(using: &dice).map { $0 * scale }
    }
    limits.moneyPerHour = maybe([1_000_000, 3_000_000, 0], &dice)
    limits.moneyPerDay = maybe([2_000_000, 5_000_000, 10_000_000], &dice)
    limits.moneyPerMonth = maybe([4_000_000, 20_000_000], &dice)
    limits.internationalPerHour = maybe([2, 5, 0], &dice)
    limits.internationalPerDay = maybe([4, 10], &dice)
    limits.internationalPerMonth = maybe([6, 40], &dice)
    limits.attemptsPerHour = maybe([5, 30], &dice)
    limits.concurrentCalls = maybe([2, 5], &dice)
    limits.costPerCall = maybe([1_000_000, 4_000_000], &dice)
    limits.pricePerMinute = maybe([1_500_000], &dice)
    limits.connectionFee = maybe([300_000], &dice)
    if Int.random(in: 0..<4, using: &dice) == 0 { limits.releasesAtRoll = [.hour, .day] }
    return limits
  }

  private mutating func price() throws -> Price {
    func tariff(_ dice: inout SplitMix) throws -> Tariff {
      try Tariff(
        currency: .eur,
        connectionFee: [0, 0, 100_000, 500_000].randomElement(using: &dice) ?? 0,
        pricePerMinute: Int64.random(in: 1...200, using: &dice) * 10_000,
        minimumSeconds: [0, 0, 30, 60].randomElement(using: &dice) ?? 0,
        incrementSeconds: [1, 1, 6, 60].randomElement(using: &dice) ?? 1,
        freeSeconds: [0, 0, 0, 20].randomElement(using: &dice) ?? 0)
    }
    return Price(sell: try tariff(&dice), purchase: try tariff(&dice))
  }

  // MARK: Steps

  /// Both ledgers look at the clock, as every event of a lane makes them.
  private mutating func see() {
    reference.see(bench.now)
    bench.ledger.advance(to: bench.now)
  }

  mutating func run() throws {
    for step in 0..<options.steps where complaints.isEmpty {
      let before = windows()
      try act()
      follow()
      watch(since: before, step: step)
    }
  }

  private mutating func act() throws {
    see()
    switch Int.random(in: 0..<100, using: &dice) {
    case 0..<26: try reserve()
    case 26..<38: answer()
    case 38..<52: renew()
    case 52..<57: try reprice()
    case 57..<72: finish()
    case 72..<84: pass(.milliseconds(Int64.random(in: 0...20_000, using: &dice)))
    case 84..<88: pass(.seconds(Int64.random(in: 60...7200, using: &dice)))
    case 88..<90: pass(.seconds(Int64.random(in: 7200...200_000, using: &dice)))
    case 90..<94: unblock()
    case 94..<96: if options.limitChanges { changeLimit() }
    case 96..<97: if options.zoneChanges { changeZone() }
    case 97..<98: if options.clockSteps { stepClock() }
    case _: if options.crashes { try crash() }
    }
  }

  private mutating func openHold() -> HoldID? { truths.keys.sorted().randomElementOf(&dice) }

  private mutating func reserve() throws {
    doing = "reserve"
    let request = ReservationRequest(
      account: AccountID(UInt64.random(in: 1...3, using: &dice)),
      trunk: TrunkID(UInt64.random(in: 1...2, using: &dice)),
      price: Int.random(in: 0..<20, using: &dice) == 0 ? nil : try price(),
      isInternational: Bool.random(using: &dice))
    var given: Reservation?
    let mine = outcome { (bench) throws(LimitError) in
      let reservation = try bench.ledger.reserve(
        request, at: bench.now, into: &bench.entries, notices: &bench.notices)
      given = reservation
      return reservation
    }
    let theirs = plainly { (reference) throws(Reference.Refused) in
      try reference.reserve(request, as: given?.hold ?? HoldID(.max))
    }
    compare("reserve", mine, theirs)
    guard let given, let price = request.price else { return }
    truths[given.hold] = Truth(
      price: price, account: request.account, ringUntil: given.ringUntil, answer: nil,
      lastMoment: given.ringUntil, guardTime: request.guardTime)
  }

  private mutating func answer() {
    doing = "answer"
    guard let hold = openHold(), truths[hold]?.answer == nil else { return }
    guard let reservation = try? bench.answer(hold), let expiry = reservation.expiry else { return }
    truths[hold]?.answer = bench.now.instant
    truths[hold]?.lastMoment = expiry
    reference.calls[hold]?.answer = bench.now
  }

  private mutating func renew() {
    doing = "renew"
    guard let hold = openHold() else { return }
    let now = bench.now
    let mine = outcome { (bench) throws(LimitError) in try bench.renew(hold) }
    let theirs = plainly { (reference) throws(Reference.Refused) in
      try reference.renew(hold, at: now)
    }
    compare("renew", mine, theirs)
    if case .success(let reservation) = mine, let expiry = reservation.expiry {
      truths[hold]?.lastMoment = expiry
    }
  }

  private mutating func reprice() throws {
    doing = "reprice"
    guard let hold = openHold(), truths[hold]?.answer == nil else { return }
    let (price, trunk) = (try price(), TrunkID(UInt64.random(in: 1...2, using: &dice)))
    let mine = outcome { (bench) throws(LimitError) in
      try bench.ledger.reprice(
        hold, to: price, over: trunk, at: bench.now, into: &bench.entries,
        notices: &bench.notices)
    }
    let theirs = plainly { (reference) throws(Reference.Refused) in
      try reference.reprice(hold, to: price, over: trunk)
    }
    compare("reprice", mine, theirs)
    guard case .success = mine, let old = truths[hold] else { return }
    truths[hold] = Truth(
      price: price, account: old.account, ringUntil: old.ringUntil, answer: nil,
      lastMoment: old.lastMoment, guardTime: old.guardTime)
  }

  private mutating func finish() {
    guard let hold = openHold(), let truth = truths[hold] else { return }
    let outcome: Outcome =
      switch (truth.answer, Int.random(in: 0..<10, using: &dice)) {
      case (_, 0): .unknown
      case (nil, _): .neverAnswered
      case (.some, _): .ended(at: bench.now.instant)
      }
    settle(hold, outcome)
  }

  /// The call ends at the carrier and in the ledger; what the ledger charges is never less.
  private mutating func settle(_ hold: HoldID, _ outcome: Outcome) {
    doing = "settle \(outcome)"
    guard let truth = truths.removeValue(forKey: hold) else { return }
    // With an unknown outcome the worst is true: it was answered and lasted to the last moment.
    var real: Int64 = 0
    if let answer = truth.answer {
      let end = outcome == .unknown ? truth.lastMoment : bench.now.instant
      real = cost(truth, min(end, truth.lastMoment + truth.guardTime) - answer)
    } else if outcome == .unknown {
      real = cost(truth, .seconds(10))
    }
    let told = fault == .freesTimeouts && outcome == .unknown ? .neverAnswered : outcome
    let charge = bench.finish(hold, told)
    let plain = reference.finish(hold, outcome)
    if let charge, charge.purchase.micros != plain?.purchase || charge.sell.micros != plain?.sell {
      complaints.append("finish charged \(charge), the reference \(String(describing: plain))")
    }
    carried += real
    if (charge?.purchase.micros ?? 0) < real {
      complaints.append("I3: the carrier took \(real), charged was \(String(describing: charge))")
    }
    if bench.finish(hold, told) != nil { complaints.append("F22: a second finish charged again") }
  }

  func cost(_ truth: Truth, _ talk: Duration) -> Int64 {
    truth.price.purchase.cost(of: max(.zero, talk), answeredAt: Bench.noon)?.micros ?? 0
  }

  /// Lets time pass; calls that come to their last moment end there, as relay and switch see to it.
  private mutating func pass(_ duration: Duration) {
    doing = "pass \(duration)"
    let target = bench.now + duration
    while let next = truths.filter({ $0.value.lastMoment <= target.instant })
      .min(by: { ($0.value.lastMoment, $0.key) < ($1.value.lastMoment, $1.key) })
    {
      bench.wait(max(.zero, next.value.lastMoment - bench.now.instant))
      see()
      settle(
        next.key, next.value.answer == nil ? .neverAnswered : .ended(at: bench.now.instant))
    }
    bench.wait(target.instant - bench.now.instant)
    see()
  }

  private mutating func unblock() {
    doing = "unblock"
    for subject in bench.ledger.blockedSubjects { unblock(subject) }
  }

  private mutating func unblock(_ subject: LimitSubject) {
    bench.unblock(subject)
    reference.unblock(subject)
    guard fault == .wipesCounters else { return }
    bench.entries.append(.window(subject, .day, CalendarWindow(start: 0, end: 0), .replaces))
    try? bench.ledger.replay(
      .window(subject, .day, CalendarWindow(start: 0, end: 0), .replaces))
  }

  private mutating func changeLimit() {
    doing = "changeLimit"
    let subject = bench.book.lines.map(\.subject).randomElementOf(&dice) ?? .platform
    let limits = Self.limits(&dice, scale: Int64.random(in: 1...3, using: &dice))
    bench.change(subject) {
      let basis = $0.basis
      $0 = limits
      $0.basis = basis
    }
    let new = bench.book.lines.first { $0.subject == subject }?.limits
    if let new { reference.subjects[subject]?.limits = new }
  }

  private mutating func changeZone() {
    doing = "changeZone"
    let subject = bench.book.lines.map(\.subject).randomElementOf(&dice) ?? .platform
    bench.change(subject, zone: zones[Int.random(in: 0..<zones.count, using: &dice)])
  }

  private mutating func stepClock() {
    doing = "stepClock"
    let step = [-3600, 86_400, -86_400, 1, -1, 3600].randomElement(using: &dice) ?? 0
    bench.now.wall = bench.now.wall + .seconds(step)
    see()
  }

  /// The process dies; the calls run on to their last moment, and come back as unknown.
  private mutating func crash() throws {
    defer { doing = "crash" }
    follow()
    var reborn = Ledger()
    for entry in bench.entries where !isLost(entry) { try reborn.replay(entry) }
    if Bool.random(using: &dice) {
      var compact = Ledger()
      for entry in reborn.checkpoint() { try compact.replay(entry) }
      reborn = compact
    }
    bench.ledger = reborn
    // The new process has a clock that starts anew.
    let shift = bench.now.instant - .start
    bench.now = Now(instant: .start, wall: bench.now.wall)
    truths = truths.mapValues { truth in
      var truth = truth
      truth.answer = truth.answer.map { $0 - shift }
      truth.lastMoment = truth.lastMoment - shift
      return truth
    }
    reference.crash(reborn.time)
    bench.wait(.seconds(Int64.random(in: 0...600, using: &dice)))
    see()
    bench.adopt()
    let open = reborn.openHolds
    if open != truths.keys.sorted() {
      complaints.append("after the crash open are \(open), running \(truths.keys.sorted())")
    }
    for hold in open {
      if fault == .freesHoldsAfterCrash {
        bench.finish(hold, .neverAnswered)
        _ = reference.finish(hold, .unknown)
        carried += truths[hold].map { cost($0, .seconds(10)) } ?? 0
        truths[hold] = nil
      } else {
        settle(hold, .unknown)
      }
    }
  }
}

extension Array {
  fileprivate func randomElementOf(_ dice: inout SplitMix) -> Element? {
    randomElement(using: &dice)
  }
}
