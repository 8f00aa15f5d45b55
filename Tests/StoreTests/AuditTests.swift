import Elements
import Foundation
import GRDB
import Store
import Testing

/// A5: the trail cannot be altered unseen.
@Suite struct AuditTests {
  private func entry(_ number: Int, tenant: TenantID? = StoreBench.office) -> AuditEntry {
    AuditEntry(
      tenant: tenant, at: StoreBench.noon + .seconds(number), actor: "ana", action: "limit.changed",
      subject: "extension 10\(number)", detail: "day: 10 → \(number)")
  }

  private func filled() throws -> StoreBench {
    let bench = try StoreBench()
    try bench.database.audit((1...5).map { entry($0) } + [entry(6, tenant: nil)])
    return bench
  }

  /// Changes the file behind the program's back, the triggers taken away first.
  private func tamper(_ bench: StoreBench, _ statements: String) throws {
    try bench.sql().write { db in
      try db.execute(
        sql: """
          DROP TRIGGER audit_is_never_altered; DROP TRIGGER audit_is_never_deleted; \(statements)
          """)
    }
  }

  @Test("The trail reads back newest first, each tenant its own")
  func reading() throws {
    let bench = try filled()
    let own = try TenantScope(StoreBench.office, as: .administrator, in: bench.database).audit()
    #expect(own == (1...5).reversed().map { entry($0) })
    #expect(try TenantScope.platform(in: bench.database).audit() == [entry(6, tenant: nil)])
    #expect(try TenantScope(TenantID(2), as: .administrator, in: bench.database).audit().isEmpty)
    let user = TenantScope(StoreBench.office, as: .user(ExtensionID(7)), in: bench.database)
    #expect(try user.audit().isEmpty)
    #expect(try bench.database.verifyAudit(of: StoreBench.office) == .intact(rows: 5))
    #expect(try bench.database.verifyAudit(of: nil) == .intact(rows: 1))
  }

  @Test("The database itself refuses to alter or delete a row")
  func appendOnly() throws {
    let bench = try filled()
    for statement in ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"] {
      #expect(throws: DatabaseError.self) {
        try bench.sql().write { try $0.execute(sql: statement) }
      }
    }
  }

  @Test(
    "An altered field is found in its row",
    arguments: [
      "actor = 'eve'", "action = 'login'", "subject = 'x'", "at_ms = at_ms + 1",
      "detail = zeroblob (length (detail))", "hash = zeroblob (32)",
      "detail = (SELECT detail FROM audit WHERE tenant_id = 1 AND sequence = 4)",
    ])
  func altered(assignment: String) throws {
    let bench = try filled()
    try tamper(bench, "UPDATE audit SET \(assignment) WHERE tenant_id = 1 AND sequence = 3")
    #expect(try bench.database.verifyAudit(of: StoreBench.office) == .altered(sequence: 3))
  }

  @Test("A row that cannot be read is shown, and says so")
  func unreadable() throws {
    let bench = try filled()
    try tamper(
      bench, "UPDATE audit SET detail = zeroblob (60) WHERE tenant_id = 1 AND sequence = 3")
    let own = try TenantScope(StoreBench.office, as: .administrator, in: bench.database).audit()
    #expect(own.map(\.subject) == (1...5).reversed().map { entry($0).subject })
    #expect(
      own.filter { $0.detail.contains("martinet doctor") }.map(\.subject) == ["extension 103"])
  }

  @Test("A row taken out, from the middle or the end, is found")
  func removed() throws {
    let bench = try filled()
    try tamper(bench, "DELETE FROM audit WHERE tenant_id = 1 AND sequence = 3")
    #expect(try bench.database.verifyAudit(of: StoreBench.office) == .missing(sequence: 3))
    let other = try filled()
    try tamper(other, "DELETE FROM audit WHERE tenant_id = 1 AND sequence = 5")
    #expect(
      try other.database.verifyAudit(of: StoreBench.office) == .cut(found: 4, expected: 5))
  }

  @Test("Rows moved to another tenant's trail are found")
  func moved() throws {
    let bench = try filled()
    try tamper(
      bench,
      """
      UPDATE audit SET tenant_id = 2 WHERE tenant_id = 1;
      UPDATE audit_head SET tenant_id = 2 WHERE tenant_id = 1
      """)
    #expect(try bench.database.verifyAudit(of: TenantID(2)) == .altered(sequence: 1))
  }

  @Test("Every trail is known by its rows and by its head, and the platform's always")
  func owners() throws {
    let bench = try filled()
    #expect(try bench.database.auditedTenants() == [nil, StoreBench.office])
    try tamper(bench, "DELETE FROM audit")
    #expect(try bench.database.auditedTenants() == [nil, StoreBench.office])
    #expect(
      try bench.database.verifyAudit(of: StoreBench.office) == .cut(found: 0, expected: 5))
    #expect(try StoreBench().database.auditedTenants() == [nil])
  }

  @Test("A journal is not given up where the trail cannot say so")
  func givingUpIsTold() throws {
    let bench = try StoreBench()
    _ = try Journal(in: bench.folder, followedBy: bench.database) { _ in }
    try bench.sql().write { db in
      try db.execute(
        sql: """
          CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE (ABORT, 'disk full'); END
          """)
    }
    #expect(throws: StoreError.self) {
      try bench.database.giveUpJournal(in: bench.folder, by: "ana", at: StoreBench.noon)
    }
    #expect(DataFolder.hasJournal(in: bench.folder.path))
    try bench.sql().write { try $0.execute(sql: "DROP TRIGGER full") }
    let aside = try bench.database.giveUpJournal(in: bench.folder, by: "ana", at: StoreBench.noon)
    #expect(aside.map { FileManager.default.fileExists(atPath: $0) } == true)
    #expect(!DataFolder.hasJournal(in: bench.folder.path))
  }
}
