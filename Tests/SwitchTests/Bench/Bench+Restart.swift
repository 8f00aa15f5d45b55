import Elements

@testable import Switch

extension Bench {
  /// Kills the switch and starts another one from what was durable: the first `batches` of the journal,
  /// all of them by default, or a checkpoint taken at its end.
  ///
  /// Both go through their bytes, as they do on a disk. As in the program the first directory comes when the replay has
  /// ended and carriers may have answered already, or only when the test adopts it.
  func restart(
    keeping batches: Int? = nil, from checkpoint: Checkpoint? = nil, withDirectory: Bool = true
  ) throws {
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
    recover()
    guard withDirectory else { return }
    try adopt(revision: 9)
    // The addresses of the trunks.
    run(for: .milliseconds(2))
  }

  private func throughBytes(_ batch: JournalBatch) throws -> JournalBatch {
    var writer = ByteWriter()
    batch.encode(into: &writer)
    var reader = ByteReader(writer.bytes)
    return try JournalBatch(from: &reader)
  }
}
