import Elements

/// The journal's disk: writes in order, one flush at a time, torn at a crash, slow, full or failing.
///
/// Behaves as the journal's writer does: while it fails it keeps what it owes and tries again every second.
struct VirtualDisk {
  enum Item {
    case batch(UInt64, [UInt8])
    /// The whole state after a batch: nothing older is needed.
    case checkpoint(through: UInt64, [UInt8])

    var sequence: UInt64 {
      switch self {
      case .batch(let sequence, _): sequence
      case .checkpoint(let sequence, _): sequence
      }
    }
  }

  static let retry = Duration.seconds(1)

  /// What survives a crash, in the order in which it was written.
  private(set) var durable: [Item] = []
  private(set) var durableThrough: UInt64 = 0
  private var owed: [Item] = []
  /// How many of `owed` are being flushed; zero: the disk is idle.
  private var inFlight = 0
  private(set) var hasFailed = false
  /// Fails until then.
  var failsUntil = Instant.start
  /// A broken world: later writes may reach the disk before earlier ones.
  var isOutOfOrder = false
  let faults: DiskFaults

  init(_ faults: DiskFaults) {
    self.faults = faults
  }

  /// What an earlier life has left.
  mutating func remember(_ item: Item) {
    durable.append(item)
    durableThrough = item.sequence
  }

  /// - Returns: How long the flush takes that begins now; nil: one is under way, or all is written.
  mutating func append(_ item: Item, dice: inout SplitMix) -> Duration? {
    owed.append(item)
    return inFlight == 0 ? begin(dice: &dice) : nil
  }

  private mutating func begin(dice: inout SplitMix) -> Duration? {
    guard !owed.isEmpty else { return nil }
    inFlight = owed.count
    let isSlow = faults.slow > 0 && dice.chance(faults.slow, in: 100)
    return isSlow
      ? dice.milliseconds(faults.flushMs...max(faults.flushMs, faults.slowMs))
      : .microseconds(Int.random(in: 200...(faults.flushMs * 1000), using: &dice))
  }

  enum Outcome {
    case durable(through: UInt64, next: Duration?)
    /// The first failure is told; the next try follows.
    case failed(isNew: Bool)
  }

  /// The flush has ended.
  mutating func flushed(at now: Instant, dice: inout SplitMix) -> Outcome {
    guard failsUntil <= now else {
      defer { hasFailed = true }
      return .failed(isNew: !hasFailed)
    }
    hasFailed = false
    var done = Array(owed.prefix(inFlight))
    if isOutOfOrder { done.reverse() }
    durable += done
    owed.removeFirst(inFlight)
    durableThrough = max(durableThrough, done.map(\.sequence).max() ?? 0)
    inFlight = 0
    return .durable(through: durableThrough, next: begin(dice: &dice))
  }

  /// The process dies: of the flush under way any first part may be on the disk, unconfirmed.
  mutating func crash(at now: Instant, dice: inout SplitMix) {
    if inFlight > 0, failsUntil <= now {
      let written = Int.random(in: 0...inFlight, using: &dice)
      durable += owed.prefix(written)
      durableThrough = max(durableThrough, owed.prefix(written).map(\.sequence).max() ?? 0)
    }
    owed = []
    (inFlight, hasFailed) = (0, false)
  }

  /// Everything that was handed over by this process and those before it, as far as it was not lost.
  var everything: [Item] { durable + owed }

  /// The number of the last batch that was handed over.
  var lastSequence: UInt64? { everything.last?.sequence }

  /// What a start reads: the last checkpoint and the batches behind it.
  var replay: ArraySlice<Item> {
    let last = durable.lastIndex { if case .checkpoint = $0 { true } else { false } }
    return durable[(last ?? 0)...]
  }
}
