import Elements
import Store
import Testing

/// F23, F24 as a property: whatever the disk keeps of unflushed writes, what was confirmed is there.
@Suite struct JournalPowerCutTests {
  private static let piecesOfCheckpoint = 5

  /// What a restart found: the state handed in last, and the batches after it.
  private struct Found {
    var base: UInt64 = 0
    var batches: [UInt64] = []
    var last: UInt64 { batches.last ?? base }
  }

  private func open(_ disk: PowerCutDisk, _ found: inout Found) throws -> Journal {
    var options = Journal.Options()
    options.segmentBytes = 8 << 10
    options.retryPause = .milliseconds(1)
    var (result, pieces) = (Found(), 0)
    let journal = try Journal(folder: "/journal", options: options, disk: disk) { frame in
      switch frame.kind {
      case .checkpointPiece:
        result.base = frame.sequence
        pieces += 1
      case .checkpointEnd: break
      case .batch:
        result.batches.append(frame.sequence)
        #expect(
          frame.payload == JournalBench.payload(frame.sequence, count: frame.payload.count))
      }
    }
    #expect(pieces == (result.base > 0 ? Self.piecesOfCheckpoint : 0), "the whole state or none")
    found = result
    return journal
  }

  @Test("Four power cuts in a row lose nothing that was confirmed", arguments: UInt64(1)...60)
  func cuts(seed: UInt64) throws {
    let disk = PowerCutDisk(seed: seed)
    var random = SplitMix(seed: seed &* 7919)
    var confirmed: UInt64 = 0
    for _ in 0..<4 {
      var found = Found()
      let journal = try open(disk, &found)
      #expect(found.last >= confirmed, "entry \(confirmed) was confirmed, \(found.last) is there")
      #expect(found.batches == Array(found.base + 1..<found.last + 1), "in order, without a gap")
      confirmed = try run(journal, from: found.last, on: disk, &random, confirmed: confirmed)
      disk.reboot()
    }
  }

  /// Appends until the power is gone; gives what was confirmed by then.
  private func run(
    _ journal: Journal, from last: UInt64, on disk: PowerCutDisk, _ random: inout SplitMix,
    confirmed: UInt64
  ) throws -> UInt64 {
    disk.cutPower(after: Int.random(in: 2...60, using: &random))
    let through = Monitor((confirmed: confirmed, hasFailed: false))
    journal.start { notice in
      through.change { state in
        switch notice {
        case .durable(let sequence): state.confirmed = max(state.confirmed, sequence)
        case .failed: state.hasFailed = true
        case .recovered, .checkpointWanted, .stalled, .resumed: break
        }
        return true
      }
    }
    var sequence = last
    while !through.withLock(\.hasFailed), sequence < last + 2000 {
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        sequence += 1
        let payload = JournalBench.payload(
          sequence, count: Int.random(in: 0...900, using: &random))
        journal.append(sequence: sequence, marks: [], payload: payload)
      }
      if Int.random(in: 0..<8, using: &random) == 0 {
        let state = sequence
        // Also such as are written in several chunks and do not fit into the spare segment.
        let count = Int.random(in: 0..<4, using: &random) == 0 ? 60_000 : 40
        journal.checkpoint(
          at: state,
          pieces: Array(
            repeating: JournalBench.payload(state, count: count), count: Self.piecesOfCheckpoint))
      }
      // Now and then wait, so that flushes of one batch and of many both occur.
      if Bool.random(using: &random) {
        let target = sequence
        let isOver = through.wait(
          for: .seconds(20), until: { $0.hasFailed || $0.confirmed >= target },
          then: { $0.hasFailed || $0.confirmed >= target })
        #expect(isOver, "batch \(target) is neither confirmed nor failed")
      }
    }
    journal.close()
    return through.withLock(\.confirmed)
  }
}
