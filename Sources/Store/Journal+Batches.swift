import Elements
import Limits
package import Switch

extension Journal {
  /// Opens or makes the journal of a data folder and replays it: the newest checkpoint's entries as
  /// batches of its sequence, then each later batch.
  package convenience init(
    in folder: DataFolder, options: Options = Options(), replay: (JournalBatch) throws -> Void
  ) throws(StoreError) {
    do throws(JournalError) {
      try self.init(folder: folder.journalPath, options: options) {
        try JournalBatch.hand($0, to: replay)
      }
    } catch { throw .journal(error) }
  }

  /// The same for the server: begins a new journal only where the database has followed none.
  package convenience init(
    in folder: DataFolder, options: Options = Options(), followedBy database: Database,
    replay: (JournalBatch) throws -> Void
  ) throws(StoreError) {
    guard try !database.journalIsMissing(in: folder) else { throw .journalMissing }
    try self.init(in: folder, options: options, replay: replay)
  }

  /// Queues a batch; see ``append(sequence:marks:payload:)``.
  @discardableResult
  package func append(_ batch: JournalBatch) -> Bool {
    append(
      sequence: batch.sequence, marks: batch.marks, payload: batch.encoded,
      isAwaited: batch.isAwaited)
  }

  /// Queues the switch's whole state after batch `sequence`; encoded on the writer's thread.
  package func checkpoint(at sequence: UInt64, _ state: Checkpoint) {
    checkpoint(at: sequence, pieces: CheckpointPieces(sequence: sequence, state: state))
  }
}

/// The switch's state in pieces, each encoded when it is its turn.
private struct CheckpointPieces: Sequence, Sendable {
  let sequence: UInt64
  let state: Checkpoint

  private static let entriesInPiece = 200

  func makeIterator() -> AnyIterator<[UInt8]> {
    let entries = state.makeIterator()
    return AnyIterator { [sequence] in
      let part = Array(entries.prefix(Self.entriesInPiece))
      guard !part.isEmpty else { return nil }
      return JournalBatch(sequence: sequence, entries: part).encoded
    }
  }
}

extension JournalRecovery {
  /// Looks at the journal of a data folder as ``Journal/init(in:options:replay:)`` does, and leaves it as it is.
  init(in folder: DataFolder, replay: (JournalBatch) throws -> Void) throws(StoreError) {
    do throws(JournalError) {
      try self.init(folder: folder.journalPath, disk: SystemDisk()) {
        try JournalBatch.hand($0, to: replay)
      }
    } catch { throw .journal(error) }
  }
}

extension JournalBatch {
  fileprivate static func hand(
    _ frame: JournalFrame, to replay: (JournalBatch) throws -> Void
  ) throws {
    guard frame.kind != .checkpointEnd else { return }
    try replay(JournalBatch(frame))
  }

  init(_ frame: JournalFrame) throws {
    var reader = ByteReader(frame.payload)
    try self.init(from: &reader)
    guard reader.isAtEnd, sequence == frame.sequence else {
      throw ByteCodingError(expected: "the end of batch \(frame.sequence)", offset: reader.offset)
    }
  }

  fileprivate var encoded: [UInt8] {
    var writer = ByteWriter(capacity: room)
    encode(into: &writer)
    return writer.bytes
  }

  var marks: JournalMarks {
    var marks = JournalMarks()
    for entry in entries {
      switch entry {
      case .record: marks.insert(.record)
      case .alert: marks.insert(.alert)
      case .binding: marks.insert(.binding)
      case .ledger(.deposited(_, micros: _, reference: _)): marks.insert(.payment)
      case .ledger, .call, .novelty, .habit, .guard: break
      }
    }
    return marks
  }
}
