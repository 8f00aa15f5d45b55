import Elements
import GRDB
import Store
import Switch
import Testing

/// A2: what belongs to one tenant is not seen by another.
@Suite struct TenantScopeTests {
  private func filled() throws -> StoreBench {
    let bench = try StoreBench()
    let journal = try Journal(in: bench.folder) { _ in }
    journal.append(
      JournalBatch(
        sequence: 1,
        entries: [
          .record(StoreBench.record(1)), .record(StoreBench.record(2, tenant: TenantID(2))),
          .record(StoreBench.record(3, tenant: nil)), .alert(StoreBench.alert("a")),
          .alert(StoreBench.alert("b", tenant: nil)),
        ]))
    journal.start { _ in }
    journal.close()
    let follower = try JournalFollower(
      try Journal(in: bench.folder) { _ in }, into: bench.database)
    follower.start { _ in }
    follower.stop()
    return bench
  }

  @Test("Each tenant sees its own calls, the platform those of nobody")
  func separation() throws {
    let bench = try filled()
    func calls(_ scope: TenantScope) throws -> [CallID] { try scope.callRecords().map(\.call) }
    #expect(try calls(TenantScope(TenantID(1), as: .operator, in: bench.database)) == [CallID(1)])
    #expect(try calls(TenantScope(TenantID(2), as: .operator, in: bench.database)) == [CallID(2)])
    #expect(try calls(TenantScope(TenantID(3), as: .operator, in: bench.database)).isEmpty)
    #expect(try calls(.platform(in: bench.database)) == [CallID(3)])
    #expect(try TenantScope.platform(in: bench.database).alerts().map(\.alert.key) == ["b"])
  }

  @Test("A user sees the calls of the own extension only")
  func user() throws {
    let bench = try filled()
    func calls(_ line: UInt64) throws -> Int {
      try TenantScope(TenantID(1), as: .user(ExtensionID(line)), in: bench.database)
        .callRecords().count
    }
    #expect(try calls(7) == 1)
    #expect(try calls(8) == 0)
  }

  @Test("T4: a record comes back with every field it went in with")
  func everyField() throws {
    let bench = try filled()
    let scope = TenantScope(TenantID(1), as: .administrator, in: bench.database)
    #expect(try scope.callRecords() == [StoreBench.record(1)])
    var query = CallRecordQuery()
    query.until = StoreBench.record(1).startedAt
    #expect(try scope.callRecords(query).isEmpty, "until is exclusive")
    query = CallRecordQuery()
    query.from = StoreBench.record(1).startedAt
    #expect(try scope.callRecords(query).count == 1, "from is inclusive")
    query.limit = 0
    #expect(try scope.callRecords(query).isEmpty)
  }
}
