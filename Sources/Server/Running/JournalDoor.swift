import Net
import Store
import Switch
import Synchronization

/// Joins the signalling lane and the journal's writer, each of which knows only this.
final class JournalDoor: JournalSink {
  private let journal: Journal
  private let lanes = Mutex<LaneGroup?>(nil)

  init(_ journal: Journal) {
    self.journal = journal
  }

  /// The sequence up to which everything survives a power cut.
  var durableThrough: UInt64 { journal.durableThrough }

  /// How long the oldest batch has waited that is not on disk yet.
  var lag: Duration { journal.lag }

  func append(_ batch: JournalBatch) -> Bool { journal.append(batch) }

  func checkpoint(at sequence: UInt64, _ state: Checkpoint) {
    journal.checkpoint(at: sequence, state)
  }

  /// Starts the writer; from now on the lanes, and `told`, hear what is durable.
  func start(with lanes: LaneGroup, told: @escaping @Sendable (JournalNotice) -> Void) {
    self.lanes.withLock { $0 = lanes }
    journal.start { [self] notice in
      let lanes = self.lanes.withLock { $0 }
      switch notice {
      case .durable(let sequence): lanes?.journaled(through: sequence)
      case .failed(let reason), .stalled(let reason): lanes?.journalFailed(reason)
      case .resumed: lanes?.journaled(through: journal.durableThrough)
      case .checkpointWanted: lanes?.checkpointWanted()
      case .recovered: break  // The next `durable` says it to the lanes.
      }
      told(notice)
    }
  }

  /// Forgets the lanes, which are about to stop, and writes out what is queued.
  func close() {
    lanes.withLock { $0 = nil }
    journal.close()
  }
}
