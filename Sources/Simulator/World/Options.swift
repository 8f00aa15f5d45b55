import Elements

/// Which faults a world has and how hard they are, drawn from its seed (swarm testing).
///
/// Each fault is off in about half of all worlds: a fault that always happens hides what only goes wrong
/// without it.
struct Options: Sendable {
  /// How long customers call; quiet time behind it lets everything come to rest.
  var life: Duration
  var extensions: Int
  var calls: Int
  var phones = LinkFaults()
  var carriers = LinkFaults()
  /// Cuts of a link, each a few seconds long.
  var partitions = 0
  /// Seconds after which a NAT forgets a silent phone; nil: no NAT.
  var natSeconds: Int?
  var disk = DiskFaults()
  var crashes = 0
  var clockSteps = 0
  /// Whether media flows: carriers may notice its absence, and the relay is watched.
  var hasMedia: Bool
  var carrierTrouble: Int
  var phoneTrouble: Int
  /// Parallel calls of a thief; zero: nobody steals.
  var theft = 0
  var operatorActions = 0
  var checkpoints = 0
  var emergencies = 0
  /// One media socket in so many cannot be bound; nil: all can.
  var bindFailures: Int?
  /// Packets of media that a phone sends after the end of its call.
  var latePackets = 0
  /// INVITEs in a hundred that lie in a carrier's queue until we give them up, or a little longer.
  var queuedInvites = 0
  /// Calls in a hundred that a carrier answers a second time, by another fork, or in spite of a CANCEL.
  var forks = 0

  init(dice: inout SplitMix) {
    life = .seconds(Int.random(in: 60...420, using: &dice))
    if dice.chance(1, in: 20) { life = .seconds(Int.random(in: 1800...7200, using: &dice)) }
    extensions = Int.random(in: 3...8, using: &dice)
    calls = Int.random(in: 4...24, using: &dice)
    hasMedia = dice.chance(2, in: 3)
    carrierTrouble = Int.random(in: 0...60, using: &dice)
    phoneTrouble = Int.random(in: 0...40, using: &dice)
    if dice.chance(1, in: 2) { phones = LinkFaults(dice: &dice) }
    if dice.chance(1, in: 2) { carriers = LinkFaults(dice: &dice) }
    if dice.chance(1, in: 3) { partitions = Int.random(in: 1...3, using: &dice) }
    if dice.chance(1, in: 4) { natSeconds = Int.random(in: 20...60, using: &dice) }
    if dice.chance(1, in: 2) { disk = DiskFaults(dice: &dice) }
    if dice.chance(1, in: 3) { crashes = Int.random(in: 1...3, using: &dice) }
    if dice.chance(1, in: 5) { clockSteps = Int.random(in: 1...3, using: &dice) }
    if dice.chance(1, in: 3) { theft = Int.random(in: 8...60, using: &dice) }
    if dice.chance(1, in: 3) { operatorActions = Int.random(in: 1...5, using: &dice) }
    if dice.chance(1, in: 4) { checkpoints = Int.random(in: 1...3, using: &dice) }
    if dice.chance(1, in: 3) { emergencies = Int.random(in: 1...2, using: &dice) }
    if dice.chance(1, in: 6) { bindFailures = Int.random(in: 3...40, using: &dice) }
    if dice.chance(1, in: 2) { latePackets = Int.random(in: 4...40, using: &dice) }
    if dice.chance(1, in: 6) { queuedInvites = Int.random(in: 5...50, using: &dice) }
    if dice.chance(1, in: 4) { forks = Int.random(in: 5...60, using: &dice) }
  }
}

/// What a link does to packets, in thousandths and milliseconds.
struct LinkFaults: Sendable {
  var loss = 0
  var duplication = 0
  /// Packets that take the long way and are overtaken.
  var reordering = 0
  var delayMs = 4
  var jitterMs = 4

  init() {}

  init(dice: inout SplitMix) {
    if dice.chance(1, in: 2) { loss = Int.random(in: 1...300, using: &dice) }
    if dice.chance(1, in: 2) { duplication = Int.random(in: 1...200, using: &dice) }
    if dice.chance(1, in: 2) { reordering = Int.random(in: 1...200, using: &dice) }
    delayMs = Int.random(in: 1...150, using: &dice)
    jitterMs = Int.random(in: 0...60, using: &dice)
  }
}

/// What a disk does to the journal.
struct DiskFaults: Sendable {
  /// A usual flush.
  var flushMs = 1
  /// Flushes in a hundred that take up to ``slowMs``.
  var slow = 0
  var slowMs = 0
  /// Times at which it fails: full, or a failing fsync.
  var failures = 0

  init() {}

  init(dice: inout SplitMix) {
    flushMs = Int.random(in: 1...20, using: &dice)
    if dice.chance(1, in: 2) {
      slow = Int.random(in: 1...30, using: &dice)
      slowMs = Int.random(in: 50...4000, using: &dice)
    }
    if dice.chance(1, in: 2) { failures = Int.random(in: 1...3, using: &dice) }
  }
}

extension SplitMix {
  /// True `part` times in `whole`.
  mutating func chance(_ part: Int, in whole: Int) -> Bool {
    Int.random(in: 0..<whole, using: &self) < part
  }

  mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
    .milliseconds(Int.random(in: range, using: &self))
  }

  /// A moment within `span`, to the millisecond.
  mutating func moment(within span: Duration) -> Duration {
    .milliseconds(Int64.random(in: 0...max(0, span.wholeMilliseconds), using: &self))
  }
}
