import Elements
import Limits
import Switch

/// The ledger once more, from its journal alone: what is held and spent, by whom, and for which number.
///
/// It adds up everything it ever read. A world is shorter than a day, so nothing leaves the rolling window of
/// a day in it, and that window's limit must hold for the sum.
struct MoneyWitness {
  struct Hold {
    let account: AccountID
    var trunk: TrunkID?
    var total: Cost
    /// The batch that must be durable before its INVITE leaves.
    var batch: UInt64
    var number: String?
    let tenant: TenantID?
    var isAnswered: Bool
    var isDebt = false
  }

  /// What one subject has committed, by each way of counting.
  struct Sum {
    var limits: LimitSet?
    var tenant: TenantID?
    var sell: Int64 = 0
    var purchase: Int64 = 0
    var dearest: Int64 = 0
    /// The highest that the limit of a day has been.
    var highestLimit: Int64?
    /// What carriers have answered when nothing was held any more, by the dearer price.
    var owed: Int64 = 0
    /// Allowances given in the rolling day.
    var granted: Int64 = 0
    var isBlocked = false

    mutating func change(from old: Cost, to new: Cost) {
      sell += new.sell - old.sell
      purchase += new.purchase - old.purchase
      dearest += new.counted(.max) - old.counted(.max)
    }

    func counted(_ basis: Basis) -> Int64 {
      switch basis {
      case .sell: sell
      case .purchase: purchase
      case .max: dearest
      }
    }
  }

  /// False where a day has left the windows, so that nothing can be said of its limit.
  var isWithinDay = true
  private(set) var holds: [HoldID: Hold] = [:]
  private(set) var sums: [LimitSubject: Sum] = [:]
  /// Open holds by the number that they are for.
  private(set) var byNumber: [String: [HoldID]] = [:]
  private(set) var payers: [String: AccountID] = [:]
  /// Whose commitments have grown since somebody looked.
  private var grown: Set<LimitSubject> = []

  mutating func takeGrown() -> [LimitSubject] {
    defer { grown.removeAll(keepingCapacity: true) }
    return grown.isEmpty ? [] : grown.sorted { "\($0)" < "\($1)" }
  }

  /// Reads one batch; gives what is wrong with it.
  mutating func read(_ batch: JournalBatch) -> String? {
    var complaint: String?
    for entry in batch.entries {
      if case .ledger(let entry) = entry { read(entry, batch.sequence, &complaint) }
      if case .call(.open(_, let record)) = entry, let hold = record.hold {
        name(hold, record.normalised)
      }
    }
    return complaint
  }

  private mutating func read(
    _ entry: LedgerEntry, _ batch: UInt64, _ complaint: inout String?
  ) {
    switch entry {
    case .opened(let hold):
      holds[hold.id] = Hold(
        account: hold.account, trunk: hold.trunk, total: .zero, batch: batch, number: nil,
        tenant: sums[.account(hold.account)]?.tenant, isAnswered: hold.isAnswered,
        isDebt: hold.isDebt)
      if hold.isDebt {
        shift(hold.id, to: hold.total)
      } else {
        move(hold.id, to: hold.total, &complaint)
      }
    case .raised(let hold, _, let total, _): move(hold, to: total, &complaint)
    case .rerouted(let hold, let trunk, _, let total, _):
      reroute(hold, to: trunk, batch)
      move(hold, to: total, &complaint)
    case .finished(let hold, let charged, _, _):
      shift(hold, to: charged)
      forget(hold)
    case .granted(let subject, let grant, .rolling, _):
      if grant.meter == Meter(.money, per: .day) { sums[subject]?.granted += grant.amount }
    case .terms(let subject, let tenant, let limits):
      sums[subject, default: Sum()].limits = limits
      if let limit = limits.moneyPerDay {
        let highest = sums[subject]?.highestLimit ?? 0
        sums[subject]?.highestLimit = max(limit, highest)
      }
      sums[subject]?.tenant = tenant
    case .blocked(let subject, _):
      if sums[subject]?.isBlocked == true { complaint = "\(subject) was blocked twice" }
      sums[subject]?.isBlocked = true
    case .unblocked(let subject, _, _): sums[subject]?.isBlocked = false
    case .answered(let hold): holds[hold]?.isAnswered = true
    case .attempted, .clock, .withdrawn, .window, .bucket, .granted, .deposited: break
    }
  }

  private func subjects(of hold: Hold) -> [LimitSubject] {
    var subjects: [LimitSubject] = [.account(hold.account)]
    if let tenant = hold.tenant { subjects.append(.tenant(tenant)) }
    if let trunk = hold.trunk { subjects.append(.trunk(trunk)) }
    return subjects
  }

  private mutating func move(_ id: HoldID, to total: Cost, _ complaint: inout String?) {
    guard let hold = holds[id] else { return }
    shift(id, to: total)
    for subject in subjects(of: hold) {
      guard let sum = sums[subject], let limits = sum.limits,
        total.counted(limits.basis) > hold.total.counted(limits.basis)
      else { continue }
      grown.insert(subject)
      guard isWithinDay, let limit = limits.moneyPerDay else { continue }
      let committed = sum.counted(limits.basis)
      if committed > limit + sum.granted {
        complaint = "\(subject) has committed \(committed) of \(limit) + \(sum.granted)"
      }
    }
  }

  private mutating func shift(_ id: HoldID, to total: Cost) {
    guard let hold = holds[id] else { return }
    holds[id]?.total = total
    for subject in subjects(of: hold) {
      sums[subject]?.change(from: hold.total, to: total)
      if hold.isDebt { sums[subject]?.owed += total.counted(.max) - hold.total.counted(.max) }
    }
  }

  private mutating func reroute(_ id: HoldID, to trunk: TrunkID?, _ batch: UInt64) {
    guard let hold = holds[id] else { return }
    if let old = hold.trunk { sums[.trunk(old)]?.change(from: hold.total, to: .zero) }
    holds[id]?.trunk = trunk
    holds[id]?.batch = batch
    if let trunk { sums[.trunk(trunk)]?.change(from: .zero, to: hold.total) }
  }

  private mutating func name(_ id: HoldID, _ number: String) {
    guard let hold = holds[id], hold.number != number else { return }
    holds[id]?.number = number
    byNumber[number, default: []].append(id)
    payers[number] = hold.account
  }

  private mutating func forget(_ id: HoldID) {
    guard let hold = holds.removeValue(forKey: id), let number = hold.number else { return }
    byNumber[number]?.removeAll { $0 == id }
  }

  /// A hold for that number that is open, over that trunk, and on disk; nil: nobody pays.
  func payer(of number: String, over trunk: TrunkID?, durableThrough: UInt64) -> Hold? {
    byNumber[number]?.lazy.compactMap { holds[$0] }.first { hold in
      (trunk == nil || hold.trunk == trunk) && hold.batch <= durableThrough
    }
  }
}
