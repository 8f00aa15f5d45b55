import Elements
import Foundation
import GRDB
import Store
import Switch
import Testing

@Suite struct PruningTests {
  /// Ten calls, a second apart, of the office; two of another tenant and one of nobody; three alerts.
  private func filled() throws -> StoreBench {
    var entries = (1...10).map { JournalEntry.record(StoreBench.record($0)) }
    entries += [11, 12].map { .record(StoreBench.record($0, tenant: TenantID(2))) }
    entries.append(.record(StoreBench.record(13, tenant: nil)))
    entries += ["a", "b", "c"].map { .alert(StoreBench.alert($0)) }
    return try filled(with: entries)
  }

  private func filled(with entries: [JournalEntry]) throws -> StoreBench {
    let bench = try StoreBench()
    let journal = try Journal(in: bench.folder) { _ in }
    journal.append(JournalBatch(sequence: 1, entries: entries))
    journal.start { _ in }
    journal.close()
    let follower = try JournalFollower(
      try Journal(in: bench.folder) { _ in }, into: bench.database)
    follower.start { _ in }
    follower.stop()
    return bench
  }

  private func count(_ table: String, _ bench: StoreBench) throws -> Int {
    try bench.sql().read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? -1 }
  }

  @Test(
    "A7: records of a tenant go in small batches when their time is over, with their legs; no others"
  )
  func records() throws {
    let bench = try filled()
    let (office, cutoff) = (StoreBench.office, StoreBench.noon + .seconds(8))
    #expect(try bench.database.owners(of: .callRecord) == [nil, TenantID(1), TenantID(2)])
    func prune() throws -> Int {
      try bench.database.prune(.callRecord, of: office, before: cutoff, limit: 3)
    }
    #expect(try [prune(), prune(), prune(), prune()] == [3, 3, 1, 0])
    let left = try TenantScope(office, as: .operator, in: bench.database).callRecords()
    #expect(left.map(\.call.number) == [10, 9, 8], "the oldest go first, the cutoff itself stays")
    #expect(try count("call_record", bench) == 6 && count("call_leg", bench) == 12)
  }

  @Test("An alert stays until it was addressed and everybody has taken it, however old it is")
  func alerts() throws {
    let bench = try filled()
    let (office, late) = (StoreBench.office, StoreBench.noon + .seconds(86_400))
    func prune() throws -> Int {
      try bench.database.prune(.notice, of: office, before: late, limit: 10)
    }
    #expect(try prune() == 0)
    let alerts = try bench.database.unaddressedAlerts(limit: 10)
    let people = [Recipient(.mail, "a@x.example"), Recipient(.mail, "b@x.example")]
    try bench.database.address(
      alerts.map { ($0, $0.key == "c" ? [] : people) }, at: StoreBench.noon)
    #expect(try prune() == 1, "nobody had to be told of c")
    let items = try bench.database.dueItems(at: late, horizon: .seconds(60), share: 4, limit: 10)
    for item in items where item.alert.key == "a" || item.recipient == people[0] {
      try bench.database.acknowledge(item.key, at: late)
    }
    #expect(try prune() == 1, "a; of b one copy is on its way")
    #expect(try bench.database.prune(.notice, of: office, before: StoreBench.noon, limit: 10) == 0)
    #expect(try count("outbox", bench) == 2 && bench.database.alertsWaiting() == 1)
  }

  @Test("Of alerts, too, the oldest go first, whatever their keys")
  func oldestAlerts() throws {
    let bench = try filled(
      with: ["a", "b", "c"].enumerated().map { index, key in
        .alert(StoreBench.alert(key, at: StoreBench.noon + .seconds(-Int64(index))))
      })
    let alerts = try bench.database.unaddressedAlerts(limit: 10)
    try bench.database.address(alerts.map { ($0, []) }, at: StoreBench.noon)
    let late = StoreBench.noon + .seconds(86_400)
    for left in [["a", "b"], ["a"], []] {
      #expect(try bench.database.prune(.notice, of: StoreBench.office, before: late, limit: 1) == 1)
      let kept = try TenantScope(StoreBench.office, as: .operator, in: bench.database).alerts()
      #expect(kept.map(\.alert.key) == left)
    }
  }

  @Test("Of a subject's blocks the last word stays while it says blocked, and nothing before it")
  func blocks() throws {
    func alert(_ kind: Alert.Kind, _ subject: String, _ second: Int64) -> JournalEntry {
      let key = "\(kind)-\(subject)-\(second)"
      return .alert(
        Alert(
          kind, .critical, tenant: StoreBench.office, at: StoreBench.noon + .seconds(second),
          key: key, facts: [.init("subject", subject), .init("reason", key)]))
    }
    let bench = try filled(with: [
      alert(.accountBlocked, "office 101", 1), alert(.accountBlocked, "office 101", 2),
      alert(.accountBlocked, "office 102", 3), alert(.accountUnblocked, "office 102", 4),
      // Ended with its window, and blocked anew by the call that ended it.
      alert(.accountUnblocked, "office 103", 5), alert(.accountBlocked, "office 103", 5),
      alert(.accountBlocked, "office", 4),
    ])
    let alerts = try bench.database.unaddressedAlerts(limit: 10)
    try bench.database.address(alerts.map { ($0, []) }, at: StoreBench.noon)
    let late = StoreBench.noon + .seconds(86_400)
    // What lifted the block of 102 goes only after the block.
    for _ in 0..<5 {
      _ = try bench.database.prune(.notice, of: StoreBench.office, before: late, limit: 1)
    }
    let scope = TenantScope(StoreBench.office, as: .operator, in: bench.database)
    #expect(
      try scope.blockAlerts().map(\.key)
        == [
          "accountBlocked-office 101-2", "accountBlocked-office-4", "accountUnblocked-office 103-5",
          "accountBlocked-office 103-5",
        ])
  }

  @Test(
    "Whatever ages by its class is emptied by pruning; what stays, such as the audit, is not touched"
  )
  func classes() throws {
    let bench = try filled()
    try bench.database.adopt(StoreBench.document(), by: "ana", at: StoreBench.noon)
    let before = try TableDeclaration.all.map { try count($0.name, bench) }
    let alerts = try bench.database.unaddressedAlerts(limit: 10)
    try bench.database.address(alerts.map { ($0, []) }, at: StoreBench.noon)
    for kind in DataClass.allCases {
      for owner in try bench.database.owners(of: kind) {
        _ = try bench.database.prune(
          kind, of: owner, before: StoreBench.noon + .seconds(86_400), limit: 100)
      }
    }
    for (table, count) in zip(TableDeclaration.all, before) {
      let left = try self.count(table.name, bench)
      #expect(left == (table.dataClass.ageing == .stays ? count : 0), "\(table.name)")
    }
    guard case .intact = try bench.database.verifyAudit(of: StoreBench.office) else {
      Issue.record("the audit trail was touched")
      return
    }
  }
}
