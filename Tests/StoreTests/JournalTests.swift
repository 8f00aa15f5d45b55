import Foundation
import Store
import Testing

/// Two megabytes, watched for being made no sooner than what comes before is on the disk.
private struct LargeState: Sequence, Sendable {
  static let (pieces, pieceBytes): (UInt64, Int) = (500, 4000)

  let disk: FaultyDisk

  static func piece(_ number: UInt64) -> [UInt8] {
    JournalBench.payload(number, count: pieceBytes)
  }

  func makeIterator() -> AnyIterator<[UInt8]> {
    let before = disk.writtenBytes
    var numbers = (0..<Self.pieces).makeIterator()
    return AnyIterator {
      numbers.next().map { number in
        let waiting = Int(number) * Self.pieceBytes - (disk.writtenBytes - before)
        #expect(waiting < 200_000, "\(waiting) bytes are in memory")
        return Self.piece(number)
      }
    }
  }
}

@Suite struct JournalTests {
  @Test("What was confirmed is replayed in order, and the sequence goes on behind it")
  func replay() throws {
    let bench = try JournalBench()
    try bench.fill(20)
    #expect(try bench.recovered() == Array(1...20))
    let journal = try bench.open()
    #expect(journal.lastRecovered == 20)
  }

  @Test("Nothing is confirmed before it was flushed, and everything after")
  func confirmsOnlyFlushed() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    for sequence in UInt64(1)...500 {
      // Half of them have gathered before the writer looks.
      if sequence == 251 {
        journal.start { [disk] notice in
          if case .durable(let sequence) = notice { disk.noteConfirmed(sequence) }
          said(notice)
        }
      }
      #expect(
        journal.append(
          sequence: sequence, marks: [], payload: JournalBench.payload(sequence)))
    }
    #expect(said.wait { $0 == .durable(through: 500) })
    journal.close()
    #expect(disk.confirmedBeforeSync == 0)
    #expect(disk.syncs < 300, "group commit: \(disk.syncs) flushes for 500 batches")
  }

  @Test("What nobody waits for is flushed together with what somebody waits for")
  func ridesAlong() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk) { $0.patience = .seconds(3600) }
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    let before = disk.syncs
    for sequence in UInt64(1)...6 {
      journal.append(
        sequence: sequence, marks: [], payload: JournalBench.payload(sequence),
        isAwaited: sequence == 6)
    }
    #expect(said.wait { $0 == .durable(through: 6) })
    #expect(said.all == [.durable(through: 6)] && disk.syncs == before + 1)
    journal.close()
  }

  @Test("What nobody waits for is flushed by itself when it has waited long enough, or at the end")
  func patience() throws {
    let bench = try JournalBench { $0.patience = .milliseconds(1) }
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    journal.append(
      sequence: 1, marks: [], payload: JournalBench.payload(1), isAwaited: false)
    #expect(said.wait { $0 == .durable(through: 1) })
    journal.close()
    let patient = try JournalBench { $0.patience = .seconds(3600) }
    let quiet = try patient.open()
    quiet.start { _ in }
    quiet.append(sequence: 1, marks: [], payload: JournalBench.payload(1), isAwaited: false)
    quiet.close()
    #expect(try patient.recovered() == [1])
  }

  @Test("One who waits is served at once; where several wait, the next gather for one flush")
  func gathering() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk) { $0.gathering = .seconds(3600) }
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    for sequence in UInt64(1)...3 {
      journal.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
      #expect(said.wait { $0 == .durable(through: sequence) })
    }
    journal.close()

    let (busy, before) = (try bench.open(), disk.syncs)
    for sequence in UInt64(4)...5 {
      busy.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
    }
    busy.start { said($0) }
    #expect(said.wait { $0 == .durable(through: 5) })
    for sequence in UInt64(6)...9 {
      busy.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
    }
    busy.close()  // Ends the hour.
    #expect(disk.syncs == before + 2)
    #expect(said.all.suffix(2) == [.durable(through: 5), .durable(through: 9)])
    #expect(try bench.recovered() == Array(1...9))
  }

  @Test("close() writes what was queued before it")
  func closeDrains() throws {
    let bench = try JournalBench()
    let journal = try bench.open()
    for sequence in UInt64(1)...50 {
      journal.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
    }
    journal.start { _ in }
    journal.close()
    #expect(try bench.recovered() == Array(1...50))
  }

  @Test("A full segment is followed by the next one, with nothing lost between")
  func continuation() throws {
    let bench = try JournalBench(segmentBytes: 8 << 10)
    try bench.fill(60, payloadBytes: 500)
    #expect(try bench.segments.count >= 4)
    #expect(try bench.recovered() == Array(1...60))
  }

  @Test("A batch larger than a segment gets a segment of its size")
  func largeBatch() throws {
    let bench = try JournalBench(segmentBytes: 8 << 10)
    try bench.fill(3, payloadBytes: 20_000)
    #expect(try bench.recovered() == [1, 2, 3])
  }

  @Test("The owner is asked for its state once, and a restart begins with it")
  func checkpoint() throws {
    let bench = try JournalBench(segmentBytes: 8 << 10)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    for sequence in UInt64(1)...10 {
      journal.append(
        sequence: sequence, marks: [], payload: JournalBench.payload(sequence, count: 600))
      #expect(said.wait { $0 == .durable(through: sequence) })
    }
    #expect(said.all.filter { $0 == .checkpointWanted }.count == 1)
    journal.checkpoint(at: 10, pieces: [[1, 2, 3], [4]])
    journal.append(sequence: 11, marks: [], payload: JournalBench.payload(11))
    #expect(said.wait { $0 == .durable(through: 11) })
    journal.close()

    var (pieces, batches): ([[UInt8]], [UInt64]) = ([], [])
    _ = try bench.open { frame in
      switch frame.kind {
      case .checkpointPiece: pieces.append(frame.payload)
      case .checkpointEnd: #expect(frame.sequence == 10)
      case .batch: batches.append(frame.sequence)
      }
    }
    #expect(pieces == [[1, 2, 3], [4]])
    #expect(batches == [11])
  }

  @Test("A large state is written chunk by chunk, into a segment with room behind it")
  func largeCheckpoint() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(segmentBytes: 8 << 10, disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    journal.append(sequence: 1, marks: [], payload: JournalBench.payload(1))
    journal.checkpoint(at: 1, pieces: LargeState(disk: disk))
    journal.append(sequence: 2, marks: [], payload: JournalBench.payload(2))
    #expect(said.wait { $0 == .durable(through: 2) })
    journal.close()
    var found: [[UInt8]] = []
    _ = try bench.open { if $0.kind == .checkpointPiece { found.append($0.payload) } }
    #expect(found == (0..<LargeState.pieces).map(LargeState.piece))
    #expect(try bench.recovered() == [2])
    let path = "\(bench.folder.path)/\(try #require(bench.segments.last))"
    #expect(try Data(contentsOf: URL(filePath: path)).count >= 8_000_000)
  }

  @Test("Old segments go when a later checkpoint is durable and the follower has them, not before")
  func removal() throws {
    let bench = try JournalBench(segmentBytes: 8 << 10)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    for sequence in UInt64(1)...30 {
      journal.append(
        sequence: sequence, marks: [], payload: JournalBench.payload(sequence, count: 500))
      #expect(said.wait { $0 == .durable(through: sequence) })
    }
    let before = try bench.segments.count
    try journal.followed(through: 3)
    #expect(try bench.segments.count == before, "without a checkpoint all are needed")
    journal.checkpoint(at: 30, pieces: [[7]])
    journal.append(sequence: 31, marks: [], payload: JournalBench.payload(31))
    #expect(said.wait { $0 == .durable(through: 31) })
    try journal.followed(through: 4)
    #expect(try bench.segments.count == before + 1, "the follower has only seen entry 4")
    try journal.followed(through: 30)
    #expect(try bench.segments.count == 1)
    journal.close()
    #expect(try bench.recovered() == [31])
  }

  @Test("A full queue refuses, asks for the state, and goes on from it")
  func gap() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk)
    var options = bench.options
    options.queueBytes = 2000
    let said = Said<JournalNotice>()
    let journal = try Journal(folder: bench.folder.path, options: options, disk: disk) { _ in }
    var accepted: UInt64 = 0
    for sequence in UInt64(1)...100 {
      guard
        journal.append(
          sequence: sequence, marks: [], payload: JournalBench.payload(sequence, count: 200))
      else { break }
      accepted = sequence
    }
    #expect(accepted == 8)
    #expect(!journal.append(sequence: 50, marks: [], payload: []), "refused until the state came")
    journal.start { said($0) }
    #expect(said.wait { $0 == .durable(through: 8) })
    #expect(said.wait { $0 == .checkpointWanted })
    journal.checkpoint(at: 60, pieces: [[9]])
    #expect(journal.append(sequence: 61, marks: [], payload: JournalBench.payload(61)))
    #expect(said.wait { $0 == .durable(through: 61) })
    journal.close()
    #expect(try bench.recovered() == [61])
  }
}
