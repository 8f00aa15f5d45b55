import Elements

@testable import Switch

extension Bench {
  /// Kills the switch and starts another one from what was durable: the first `batches` of the journal,
  /// all of them by default, or a checkpoint taken at its end.
  ///
  /// Both go through their bytes, as they do on a disk.
  func restart(keeping batches: Int? = nil, from checkpoint: Checkpoint? = nil) throws {
    var revived = SwitchCore(configuration: core.configuration, dice: .system)
    if let checkpoint {
      let entries = try throughBytes(JournalBatch(sequence: 0, entries: Array(checkpoint))).entries
      try revived.replay(checkpoint: entries, through: journal.last?.sequence ?? 0)
    } else {
      for batch in journal.prefix(batches ?? journal.count) {
        try revived.replay(throughBytes(batch))
      }
    }
    core = revived
    try adopt(revision: 9)
    recover()
  }

  private func throughBytes(_ batch: JournalBatch) throws -> JournalBatch {
    var writer = ByteWriter()
    batch.encode(into: &writer)
    var reader = ByteReader(writer.bytes)
    return try JournalBatch(from: &reader)
  }
}
