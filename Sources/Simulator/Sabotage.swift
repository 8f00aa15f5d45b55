import Elements
import Limits
import Relay
import Switch

/// A planted mistake: the world breaks the switch on purpose, to prove that the checkers see it.
///
/// Nothing of it is in the switch. It changes the ledger between two events, or what leaves the switch.
package enum Sabotage: String, Sendable, CaseIterable {
  /// A limit that does not count ringing calls: their holds weigh nothing in the ledger.
  case forgetsRingingCalls
  /// A limit that counts finished calls only.
  case forgetsRunningCalls
  /// A call whose outcome is unknown is not charged.
  case freesUnknownOutcomes
  /// INVITEs leave before their hold is on disk.
  case invitesBeforeDurable
  /// Holds that a dead process left open are released.
  case freesHoldsAfterCrash
  /// The disk writes later batches before earlier ones.
  case writesOutOfOrder
  /// A call that reaches its limit is ended on our side only: no BYE reaches the carrier's wire.
  case cutsSilently
  /// A block without its alert.
  case blocksSilently
  /// Records of paid calls are written twice.
  case recordsTwice
  /// Media ports go to the next call at once, and nobody knows who sent to them before.
  case forgetsFormers
  /// Of a call that habits learn the disk gets its money only.
  case forgetsHabits
  /// What was answered when nobody waited for it is held, and then not charged.
  case forgetsDebts
}

extension Sabotage {
  func beforeEvent(in world: World) {
    if self == .freesUnknownOutcomes || self == .forgetsDebts {
      world.ledgerBefore = world.core.ledger
    }
  }

  func afterEvent(in world: World) {
    guard self == .forgetsRingingCalls || self == .forgetsRunningCalls else { return }
    for (hold, state) in world.witness.holds.sorted(by: { $0.key < $1.key }) {
      let isForgotten = self == .forgetsRunningCalls || !state.isAnswered
      guard isForgotten, let time = world.ledgerTime else { continue }
      try? world.core.ledger.replay(.raised(hold, posted: .zero, total: .zero, time))
    }
  }

  func beforeRecovery(in world: World) {
    beforeEvent(in: world)
    guard self == .freesHoldsAfterCrash, let time = world.ledgerTime else { return }
    for hold in world.core.ledger.openHolds {
      let entry = LedgerEntry.finished(hold, charged: .zero, givesBack: false, time)
      try? world.core.ledger.replay(entry)
      world.forgotten.append(entry)
    }
  }

  /// What the disk gets instead of a batch.
  func changed(_ batch: JournalBatch, in world: World) -> JournalBatch {
    switch self {
    case .freesUnknownOutcomes:
      // An unanswered hold that is charged was charged because nobody knew.
      freed(batch, in: world) { !$0.isAnswered }
    case .forgetsDebts: freed(batch, in: world) { $0.isDebt }
    case .freesHoldsAfterCrash:
      JournalBatch(
        sequence: batch.sequence,
        entries: world.takeForgotten().map(JournalEntry.ledger) + batch.entries)
    case .blocksSilently:
      JournalBatch(
        sequence: batch.sequence,
        entries: batch.entries.filter {
          if case .alert(let alert) = $0 { alert.kind != .accountBlocked } else { true }
        })
    case .forgetsHabits:
      JournalBatch(
        sequence: batch.sequence,
        entries: batch.entries.filter { if case .habit = $0 { false } else { true } })
    case .recordsTwice:
      JournalBatch(
        sequence: batch.sequence,
        entries: batch.entries.flatMap { entry in
          if case .record(let record) = entry, record.payer != nil {
            [entry, entry]
          } else {
            [entry]
          }
        })
    case .forgetsRingingCalls, .forgetsRunningCalls, .invitesBeforeDurable, .writesOutOfOrder,
      .cutsSilently, .forgetsFormers:
      batch
    }
  }

  /// Some of the holds that are charged are let go instead.
  private func freed(
    _ batch: JournalBatch, in world: World, where isFreed: (MoneyWitness.Hold) -> Bool
  ) -> JournalBatch {
    var isChanged = false
    let entries = batch.entries.map { entry -> JournalEntry in
      guard case .ledger(.finished(let hold, let charged, let givesBack, let time)) = entry,
        let state = world.witness.holds[hold], isFreed(state), charged != .zero
      else { return entry }
      isChanged = true
      return .ledger(.finished(hold, charged: .zero, givesBack: givesBack, time))
    }
    guard isChanged else { return batch }
    world.core.ledger = world.ledgerBefore
    for case .ledger(let entry) in entries { try? world.core.ledger.replay(entry) }
    return JournalBatch(sequence: batch.sequence, entries: entries)
  }

  /// Whether a message never leaves.
  func swallows(_ bytes: [UInt8]) -> Bool {
    self == .cutsSilently && bytes.starts(with: "BYE ".utf8)
  }

  /// Whether the ledger is not what its journal says, so that comparing them would be no proof of anything.
  var isInMemoryOnly: Bool { self == .forgetsRingingCalls || self == .forgetsRunningCalls }
}

extension World {
  /// The two times of the ledger, as its checkpoint has them.
  var ledgerTime: LedgerTime? {
    if case .clock(let time, _) = Array(core.ledger.checkpoint()).last { time } else { nil }
  }

  func takeForgotten() -> [LedgerEntry] {
    defer { forgotten = [] }
    return forgotten
  }
}
