import Elements
import Guard
import Limits
import Switch

/// What must hold within one batch of the journal, and over all of them: alerts and records.
struct BatchChecker {
  /// What is wrong, and which rule says so.
  struct Complaint {
    let checker: String
    let words: String
  }

  /// Whether the disk of this world neither fails nor is slow.
  let hasGoodDisk: Bool
  private(set) var records: Set<CallID> = []
  /// Calls that the journal knows to have begun.
  private(set) var begun: Set<CallID> = []
  private(set) var recordCount = 0
  /// Blocks of accounts that departed from their habits.
  private(set) var departures = 0

  init(_ disk: DiskFaults) {
    hasGoodDisk = disk.failures == 0 && disk.slow == 0
  }

  /// I6, and checker 4 of the records; gives what is wrong.
  mutating func read(_ batch: JournalBatch) -> Complaint? {
    var (blocks, alerts, complaint): (Int, Int, Complaint?) = (0, 0, nil)
    var (holds, learned) = (0, 0)
    for entry in batch.entries {
      switch entry {
      case .ledger(.blocked(_, let block)):
        blocks += 1
        if case .unusual = block.reason { departures += 1 }
      case .ledger(.opened): holds += 1
      case .habit(.called): learned += 1
      case .alert(let alert): if alert.kind == .accountBlocked { alerts += 1 }
      case .record(let record): complaint = complaint ?? read(record)
      case .call(.open(let call, _)): begun.insert(call)
      case .ledger, .binding, .call, .novelty, .habit, .guard: break
      }
    }
    if learned > holds {
      return Complaint(checker: "habits", words: "\(learned) calls learned with \(holds) holds")
    }
    if blocks != alerts {
      return Complaint(checker: "I6", words: "\(blocks) blocks and \(alerts) alerts in one batch")
    }
    return complaint
  }

  private mutating func read(_ record: CallDetailRecord) -> Complaint? {
    recordCount += 1
    guard records.insert(record.call).inserted else {
      return Complaint(checker: "records", words: "call \(record.call) has two")
    }
    if hasGoodDisk, record.cause == .journalUnavailable {
      return Complaint(
        checker: "disk", words: "call \(record.call) ended for a disk without a fault")
    }
    let isFree = record.payer == nil && record.forwardedBy == nil
    switch (record.direction, record.cause) {
    case (.emergency, .limitReached), (.emergency, .cutAtLimit), (.emergency, .unknownRate),
      (.emergency, .journalUnavailable), (.emergency, .noChannel), (.emergency, .forbidden):
      return Complaint(
        checker: "I4", words: "emergency call \(record.call) ended with \(record.cause)")
    case (.internal, .limitReached), (.internal, .cutAtLimit), (.internal, .journalUnavailable),
      (.inbound, .limitReached), (.inbound, .cutAtLimit), (.inbound, .journalUnavailable):
      return isFree
        ? Complaint(checker: "I5", words: "free call \(record.call) ended with \(record.cause)")
        : nil
    case (.emergency, _), (.internal, _), (.inbound, _), (.outbound, _): return nil
    }
  }

  /// Calls that began and never got their record.
  var unrecorded: [CallID] { begun.subtracting(records).sorted() }
}
