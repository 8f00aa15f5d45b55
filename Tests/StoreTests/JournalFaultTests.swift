import Store
import Testing

/// F24: fsync failure and full disk, without a false confirmation and without a loss.
@Suite struct JournalFaultTests {
  enum Fault: String, CaseIterable, Sendable {
    case flush, write, tornWrite
  }

  @Test(
    "F24: a fault confirms nothing, and the next segment takes it all", arguments: Fault.allCases)
  func fault(_ fault: Fault) throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    journal.append(sequence: 1, marks: [], payload: JournalBench.payload(1))
    #expect(said.wait { $0 == .durable(through: 1) })
    disk.plan.withLock { plan in
      switch fault {
      case .flush: plan.failingSyncs = 1
      case .write: plan.failingWrites = 1
      case .tornWrite: (plan.failingWrites, plan.tornAfterBytes) = (1, 50)
      }
    }
    journal.append(sequence: 2, marks: [], payload: JournalBench.payload(2))
    #expect(said.wait { $0 == .durable(through: 2) })
    let notices = said.all
    let failed = notices.firstIndex { if case .failed = $0 { true } else { false } }
    let confirmed = notices.firstIndex(of: .durable(through: 2))
    let recovered = notices.firstIndex(of: .recovered)
    #expect(failed != nil && confirmed != nil && recovered != nil)
    if let failed, let confirmed { #expect(failed < confirmed) }
    journal.append(sequence: 3, marks: [], payload: JournalBench.payload(3))
    journal.close()
    #expect(try bench.segments.count == 2, "the file that failed is not used again")
    #expect(try bench.recovered() == [1, 2, 3])
  }

  @Test("F24: while the disk stays full nothing is confirmed; after it has room again all is")
  func fullDisk() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(segmentBytes: 8 << 10, disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    disk.plan.withLock { $0.failingCreates = .max }
    journal.start { said($0) }
    for sequence in UInt64(1)...30 {
      journal.append(
        sequence: sequence, marks: [], payload: JournalBench.payload(sequence, count: 500))
    }
    #expect(said.wait { if case .failed(let why) = $0 { why.contains("space") } else { false } })
    #expect(!said.all.contains(.durable(through: 30)))
    disk.plan.withLock { $0.failingCreates = 0 }
    #expect(said.wait { $0 == .durable(through: 30) })
    journal.close()
    #expect(try bench.recovered() == Array(1...30))
  }

  @Test("A disk that never works again: closing returns, and what was confirmed is still there")
  func deadDisk() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    journal.append(sequence: 1, marks: [], payload: JournalBench.payload(1))
    #expect(said.wait { $0 == .durable(through: 1) })
    disk.plan.withLock { plan in
      (plan.failingSyncs, plan.failingWrites, plan.failingCreates) = (.max, .max, .max)
    }
    journal.append(sequence: 2, marks: [], payload: JournalBench.payload(2))
    journal.close()
    #expect(!said.all.contains(.durable(through: 2)))
    #expect(try bench.recovered() == [1])
  }

  @Test("A state handed in while the disk fails heals the journal with it")
  func checkpointWhileFailed() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    disk.plan.withLock { ($0.failingSyncs, $0.failingCreates, $0.failingRenames) = (1, 3, 2) }
    for sequence in UInt64(1)...5 {
      journal.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
    }
    journal.checkpoint(at: 5, pieces: [[5]])
    journal.append(sequence: 6, marks: [], payload: JournalBench.payload(6))
    #expect(said.wait { $0 == .durable(through: 6) })
    journal.close()
    #expect(try bench.recovered() == [6])
  }

  @Test(
    "A segment that could not be removed goes before any later one, so that no hole comes to be")
  func failedRemoval() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk)
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    journal.append(sequence: 1, marks: [], payload: JournalBench.payload(1))
    for sequence in UInt64(2)...4 {
      #expect(said.wait { $0 == .durable(through: sequence - 1) })
      journal.checkpoint(at: sequence - 1, pieces: [[1]])
      journal.append(sequence: sequence, marks: [], payload: JournalBench.payload(sequence))
    }
    #expect(said.wait { $0 == .durable(through: 4) })
    #expect(journal.segmentCount == 4)
    disk.plan.withLock { $0.failingRemoves = 1 }
    #expect(throws: DiskError.self) { try journal.followed(through: 2) }
    try journal.followed(through: 3)
    #expect(journal.segmentCount == 1)
    journal.close()
    #expect(try bench.recovered() == [4])
  }

  @Test(
    "A disk that hangs without an error is told of, and so is its end; nothing is confirmed meanwhile"
  )
  func hangingDisk() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk) {
      ($0.stallAfter, $0.stallPause) = (.milliseconds(20), .milliseconds(5))
    }
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    journal.start { said($0) }
    journal.append(sequence: 1, marks: [], payload: JournalBench.payload(1))
    #expect(said.wait { $0 == .durable(through: 1) })
    disk.hang(true)
    journal.append(sequence: 2, marks: [], payload: JournalBench.payload(2))
    #expect(said.wait { if case .stalled(let why) = $0 { why.contains("dmesg") } else { false } })
    #expect(!said.all.contains(.durable(through: 2)) && !said.all.contains(.resumed))
    #expect(journal.lag >= .milliseconds(20))
    disk.hang(false)
    #expect(said.wait { $0 == .durable(through: 2) })
    #expect(said.wait { $0 == .resumed })
    #expect(journal.lag < .milliseconds(20))
    journal.close()
    #expect(try bench.recovered() == [1, 2])
  }

  @Test("A disk that has said why it does not write is not said to hang besides")
  func failedNotStalled() throws {
    let disk = FaultyDisk()
    let bench = try JournalBench(disk: disk) {
      ($0.stallAfter, $0.stallPause) = (.milliseconds(20), .milliseconds(1))
    }
    let (journal, said) = (try bench.open(), Said<JournalNotice>())
    disk.plan.withLock { ($0.failingSyncs, $0.failingCreates) = (1, 40) }
    journal.start { said($0) }
    journal.append(sequence: 1, marks: [], payload: JournalBench.payload(1))
    #expect(said.wait { $0 == .durable(through: 1) })
    journal.close()
    let stalls = said.all.filter { if case .stalled = $0 { true } else { false } }
    #expect(stalls.isEmpty)
  }
}
