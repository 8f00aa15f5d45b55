import Store
import Testing

/// A journal in a folder, with what it said, and what it hands back after a restart.
struct JournalBench {
  let folder: TemporaryFolder
  let options: Journal.Options
  let disk: any JournalDisk

  init(
    segmentBytes: Int = 64 << 10, disk: any JournalDisk = SystemDisk(),
    configure: (inout Journal.Options) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    var options = Journal.Options()
    options.segmentBytes = segmentBytes
    options.retryPause = .milliseconds(5)
    configure(&options)
    (self.options, self.disk) = (options, disk)
  }

  static func payload(_ sequence: UInt64, count: Int = 40) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: Int(sequence) &* 31 &+ $0) }
  }

  func open(
    _ replay: (JournalFrame) throws -> Void = { _ in }
  ) throws(JournalError) -> Journal {
    try Journal(folder: folder.path, options: options, disk: disk, replay: replay)
  }

  /// Opens with the real disk and gives the sequences replayed, checking each payload.
  func recovered() throws -> [UInt64] {
    var sequences: [UInt64] = []
    _ = try Journal(folder: folder.path, options: options) { frame in
      guard frame.kind == .batch else { return }
      sequences.append(frame.sequence)
      #expect(
        frame.payload == JournalBench.payload(frame.sequence, count: frame.payload.count))
    }
    return sequences
  }

  /// Writes batches 1 to `count`, each in a flush of its own, and closes.
  func fill(_ count: UInt64, payloadBytes: Int = 40) throws {
    let (journal, said) = (try open(), Said<JournalNotice>())
    journal.start { said($0) }
    for sequence in 1...count {
      journal.append(
        sequence: sequence, marks: [],
        payload: JournalBench.payload(sequence, count: payloadBytes))
      #expect(said.wait { $0 == .durable(through: sequence) })
    }
    journal.close()
  }

  var segments: [String] {
    get throws { try folder.files().filter { $0.hasSuffix(".journal") } }
  }
}
