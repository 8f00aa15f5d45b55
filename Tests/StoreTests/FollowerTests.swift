import Directory
import Elements
import Foundation
import GRDB
import Store
import Switch
import Testing

@Suite struct FollowerTests {
  /// Three batches with two records and an alert, two with bindings, one with nothing to follow.
  private static let batches: [JournalBatch] = [
    JournalBatch(
      sequence: 1, entries: [.record(StoreBench.record(1)), .alert(StoreBench.alert("a"))]),
    JournalBatch(sequence: 2, entries: [.binding(.put(StoreBench.binding(7, expiresIn: 60)))]),
    JournalBatch(sequence: 3, entries: []),
    JournalBatch(
      sequence: 4,
      entries: [
        .record(StoreBench.record(2)), .binding(.put(StoreBench.binding(8, expiresIn: 60))),
      ]),
    JournalBatch(
      sequence: 5,
      entries: [
        .binding(.put(StoreBench.binding(7, expiresIn: 120))),
        .binding(.removed(ExtensionID(8), StoreBench.binding(8, expiresIn: 0).key)),
        .record(StoreBench.record(3)),
      ]),
  ]

  private func journal(_ bench: StoreBench) throws -> Journal {
    var options = Journal.Options()
    options.segmentBytes = 64 << 10
    return try Journal(in: bench.folder, options: options) { _ in }
  }

  /// Writes the batches, and closes the journal.
  private func fill(_ bench: StoreBench) throws {
    let journal = try journal(bench)
    for batch in FollowerTests.batches { journal.append(batch) }
    journal.start { _ in }
    journal.close()
  }

  private func followToTheEnd(_ bench: StoreBench) throws {
    let follower = try JournalFollower(try journal(bench), into: bench.database)
    follower.start { Issue.record("the follower said \($0)") }
    follower.stop()
  }

  private func expectEverythingOnce(_ bench: StoreBench) throws {
    let scope = TenantScope(StoreBench.office, as: .administrator, in: bench.database)
    #expect(try scope.callRecords() == [3, 2, 1].map { StoreBench.record($0) })
    #expect(try scope.alerts().map(\.alert) == [StoreBench.alert("a")])
    let bindings = try scope.bindings()
    #expect(bindings.map(\.extension) == [ExtensionID(7)])
    #expect(bindings.first?.expiresAt == StoreBench.noon + .seconds(120))
    let positions = try bench.sql().read {
      try Int.fetchAll($0, sql: "SELECT sequence FROM journal_position ORDER BY stream")
    }
    #expect(positions == [5, 5])
  }

  @Test("Records, alerts and the last state of bindings come over, each once")
  func follows() throws {
    let bench = try StoreBench()
    try fill(bench)
    try followToTheEnd(bench)
    try expectEverythingOnce(bench)
    try followToTheEnd(bench)
    try expectEverythingOnce(bench)
  }

  @Test(
    "F23: a failure at any row leaves whole transactions, and going on gives each row once",
    arguments: [
      "call_record", "call_leg", "alert", "binding", "journal_position",
    ])
  func failureAtEachStep(table: String) throws {
    for step in 0..<3 {
      let bench = try StoreBench()
      try fill(bench)
      let sql = try bench.sql()
      try sql.write { db in
        try db.execute(
          sql: """
            CREATE TRIGGER fault BEFORE INSERT ON \(table)
            WHEN (SELECT count(*) FROM \(table)) >= \(step)
            BEGIN SELECT RAISE (ABORT, 'fault'); END
            """)
      }
      let (said, journal) = (Said<JournalFollower.Notice>(), try journal(bench))
      let follower = try JournalFollower(journal, into: bench.database)
      follower.start { said($0) }
      follower.stop()
      try sql.write { try $0.execute(sql: "DROP TRIGGER fault") }
      try followToTheEnd(bench)
      try expectEverythingOnce(bench)
    }
  }

  @Test("A failure is said once, tried again, and its end is said too")
  func recovers() throws {
    let bench = try StoreBench()
    try fill(bench)
    let sql = try bench.sql()
    try sql.write { db in
      try db.execute(
        sql: """
          CREATE TRIGGER fault BEFORE INSERT ON call_record
          BEGIN SELECT RAISE (ABORT, 'fault'); END
          """)
    }
    var options = JournalFollower.Options()
    options.retryPause = .milliseconds(5)
    let said = Said<JournalFollower.Notice>()
    let follower = try JournalFollower(
      try journal(bench), into: bench.database, options: options)
    follower.start { said($0) }
    #expect(said.wait { if case .failed(let why) = $0 { why.contains("fault") } else { false } })
    try sql.write { try $0.execute(sql: "DROP TRIGGER fault") }
    #expect(said.wait { $0 == .recovered })
    follower.stop()
    #expect(said.all.count == 2)
    try expectEverythingOnce(bench)
  }

  @Test(
    "F23: kill -9 while following and writing; after the restart every confirmed record is there once"
  )
  func killed() async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let folder = try DataFolder(path)
      let database = try Store.Database(
        in: folder, key: try MasterKey(in: folder, credentials: nil))
      var options = Journal.Options()
      options.segmentBytes = 32 << 10
      let journal = try Journal(in: folder, options: options) { _ in }
      let follower = try JournalFollower(journal, into: database)
      follower.start { _ in }
      journal.start { notice in
        guard case .durable(let sequence) = notice else { return }
        try? Data("\(sequence)".utf8).write(to: URL(filePath: path + "/confirmed"))
        if sequence > 400 { kill(getpid(), SIGKILL) }
      }
      // Fewer than one look-up of call records gives.
      for sequence in UInt64(1)...UInt64(CallRecordQuery.largestLimit - 1) {
        var entries: [JournalEntry] = [.record(StoreBench.record(sequence))]
        if sequence % 20 == 0 { entries.append(.alert(StoreBench.alert("\(sequence)"))) }
        while !journal.append(JournalBatch(sequence: sequence, entries: entries)) {}
      }
      journal.close()
    }
    let confirmed = try #require(
      Int(String(decoding: try temporary.bytes("confirmed"), as: UTF8.self)))
    let folder = try DataFolder(path)
    let database = try Store.Database(in: folder, key: try MasterKey(in: folder, credentials: nil))
    var replayed: [CallDetailRecord] = []
    let journal = try Journal(in: folder) { batch in
      for case .record(let record) in batch.entries { replayed.append(record) }
    }
    #expect(replayed.count >= confirmed)
    let follower = try JournalFollower(journal, into: database)
    follower.start { Issue.record("the follower said \($0)") }
    follower.stop()
    var query = CallRecordQuery()
    query.limit = CallRecordQuery.largestLimit
    let scope = TenantScope(StoreBench.office, as: .administrator, in: database)
    let kept = try scope.callRecords(query).count
    #expect(kept == replayed.count)
    #expect(try scope.alerts(limit: 100_000).count == replayed.count / 20)
  }

  @Test("Sweeps that find no binding lose none that comes later, whatever segment it is in")
  func sweeps() throws {
    let bench = try StoreBench()
    var options = Journal.Options()
    options.segmentBytes = 8 << 10
    let journal = try Journal(in: bench.folder, options: options) { _ in }
    let said = Said<JournalNotice>()
    journal.start { said($0) }
    var pace = JournalFollower.Options()
    (pace.linger, pace.alertLinger, pace.sweepPause) = (.zero, .zero, .milliseconds(1))
    let follower = try JournalFollower(journal, into: bench.database, options: pace)
    follower.start { Issue.record("the follower said \($0)") }
    for number in UInt64(1)...40 {
      let entry: JournalEntry =
        number % 8 == 0
        ? .binding(.put(StoreBench.binding(number, expiresIn: 60)))
        : .record(StoreBench.record(number))
      journal.append(JournalBatch(sequence: number, entries: [entry], isAwaited: true))
      #expect(said.wait { $0 == .durable(through: number) })
    }
    follower.stop()
    journal.close()
    let scope = TenantScope(StoreBench.office, as: .operator, in: bench.database)
    #expect(try scope.bindings().map(\.extension.number) == [8, 16, 24, 32, 40])
    #expect(try scope.callRecords().count == 35)
  }

  @Test("A journal that ends before the database does is refused")
  func journalBehind() throws {
    let bench = try StoreBench()
    try fill(bench)
    try followToTheEnd(bench)
    try bench.sql().write { try $0.execute(sql: "UPDATE journal_position SET sequence = 9") }
    #expect(throws: StoreError.journalBehind(journal: 5, database: 9)) {
      try JournalFollower(try journal(bench), into: bench.database)
    }
  }

  @Test("A journal that is not the one followed is refused, until an operator accepts it")
  func otherJournal() throws {
    let bench = try StoreBench()
    try fill(bench)
    try followToTheEnd(bench)
    #expect(try bench.database.journalStanding(in: bench.folder) { _ in } == .together)
    try FileManager.default.removeItem(atPath: bench.folder.journalPath)
    #expect(try bench.database.journalStanding(in: bench.folder) { _ in } == .missing)
    #expect(throws: StoreError.otherJournal) {
      try JournalFollower(try journal(bench), into: bench.database)
    }
    #expect(
      try bench.database.journalStanding(in: bench.folder) { _ in } == .separate(.otherJournal))
    let aside = try bench.database.giveUpJournal(
      in: bench.folder, by: "operator", at: StoreBench.noon)
    #expect(aside == bench.folder.journalPath + ".given-up-\(StoreBench.noon.unixSeconds)")
    #expect(try bench.database.journalStanding(in: bench.folder) { _ in } == .together)
    try followToTheEnd(bench)
    let trail = try TenantScope.platform(in: bench.database).audit()
    #expect(trail.map(\.action) == ["journal.replaced"])
  }

  @Test("Who only looks at a journal leaves what a crash tore where it is, for the start to cut")
  func onlyLooks() throws {
    let bench = try StoreBench()
    try fill(bench)
    try followToTheEnd(bench)
    let newest = URL(filePath: "\(bench.folder.journalPath)/\(SegmentHeader.fileName(1))")
    var torn = try Data(contentsOf: newest)
    torn[torn.count - 1] = 1
    try torn.write(to: newest)
    #expect(try bench.database.journalStanding(in: bench.folder) { _ in } == .together)
    #expect(try Data(contentsOf: newest) == torn)
    _ = try journal(bench)
    #expect(try Data(contentsOf: newest).last == 0)
  }

  @Test("Segments go once the state was handed in and everything in them is in the database")
  func removesSegments() throws {
    let bench = try StoreBench()
    var options = Journal.Options()
    options.segmentBytes = 16 << 10
    let journal = try Journal(in: bench.folder, options: options) { _ in }
    let said = Said<JournalNotice>()
    journal.start { said($0) }
    for sequence in UInt64(1)...200 {
      journal.append(
        JournalBatch(sequence: sequence, entries: [.record(StoreBench.record(sequence))]))
    }
    journal.checkpoint(at: 200, pieces: [[UInt8]]())
    journal.append(JournalBatch(sequence: 201, entries: []))
    #expect(said.wait { $0 == .durable(through: 201) })
    #expect(journal.segmentCount > 1)
    let follower = try JournalFollower(journal, into: bench.database)
    follower.start { Issue.record("the follower said \($0)") }
    follower.stop()
    #expect(journal.segmentCount == 1)
    journal.close()
    try followToTheEnd(bench)
    let scope = TenantScope(StoreBench.office, as: .operator, in: bench.database)
    var query = CallRecordQuery()
    query.limit = 1000
    #expect(try scope.callRecords(query).count == 200)
  }

  @Test("A segment that cannot be removed is a failure that lasts, not one that comes and goes")
  func failedRemoval() throws {
    let (bench, disk, wrote) = (try StoreBench(), FaultyDisk(), Said<JournalNotice>())
    let journal = try Journal(folder: bench.folder.journalPath, disk: disk) { _ in }
    journal.start { wrote($0) }
    journal.append(JournalBatch(sequence: 1, entries: [.record(StoreBench.record(1))]))
    journal.checkpoint(at: 1, pieces: [[UInt8]]())
    journal.append(JournalBatch(sequence: 2, entries: [], isAwaited: true))
    #expect(wrote.wait { $0 == .durable(through: 2) })
    journal.close()
    disk.plan.withLock { $0.failingRemoves = 3 }
    var options = JournalFollower.Options()
    options.retryPause = .milliseconds(5)
    let said = Said<JournalFollower.Notice>()
    let follower = try JournalFollower(journal, into: bench.database, options: options)
    follower.start { said($0) }
    #expect(said.wait { $0 == .recovered })
    follower.stop()
    #expect(said.all.count == 2 && journal.segmentCount == 1)
  }

  @Test(
    "Until when extensions were registered outlives their bindings, also of those that came and went at once"
  )
  func registeredUntil() throws {
    let bench = try StoreBench()
    var document = StoreBench.document()
    document.tenants[0].extensions = ["101", "102", "103"].map {
      ExtensionEntry(number: $0, name: $0)
    }
    try bench.database.adopt(document, by: "anna", at: StoreBench.noon)
    let scope = TenantScope(StoreBench.office, as: .administrator, in: bench.database)
    #expect(try scope.registeredUntil().values.allSatisfy { $0 == StoreBench.noon })
    #expect(try scope.registeredUntil().count == 3)
    let journal = try journal(bench)
    let gone = StoreBench.binding(2, expiresIn: 60)
    let entries: [JournalEntry] = [
      .binding(.put(StoreBench.binding(1, expiresIn: 3_600))), .binding(.put(gone)),
      .binding(.removed(ExtensionID(2), gone.key)),
      .binding(.put(StoreBench.binding(2, expiresIn: 90))),
      .binding(.removed(ExtensionID(2), gone.key)),
    ]
    journal.append(JournalBatch(sequence: 1, entries: entries))
    journal.start { _ in }
    journal.close()
    try followToTheEnd(bench)
    #expect(try scope.bindings().map(\.extension.number) == [1])
    let until = try scope.registeredUntil()
    #expect(
      (1...3).map { until[ExtensionID($0)] }
        == [3_600, 90, 0].map { StoreBench.noon + .seconds($0) })
    let user = TenantScope(StoreBench.office, as: .user(ExtensionID(1)), in: bench.database)
    #expect(try user.registeredUntil().isEmpty)
  }
}
