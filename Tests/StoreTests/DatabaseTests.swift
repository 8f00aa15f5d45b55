import Elements
import Foundation
import GRDB
import Glibc
import Store
import Testing

@Suite struct DatabaseTests {
  @Test("All migrations together make schema.sql")
  func schema() throws {
    let bench = try StoreBench()
    let made = try bench.sql().read { db in
      try String.fetchAll(
        db, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
    }
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Store/schema.sql")
    let text = try String(contentsOf: file, encoding: .utf8)
    let expected = text.split(separator: "\n\n", maxSplits: 1).last.map(String.init)
    #expect(made.map { $0 + ";\n" }.joined(separator: "\n") == expected)
  }

  @Test("Every table says whose it is and what kind of data it holds, and is STRICT")
  func declarations() throws {
    let bench = try StoreBench()
    let (tables, loose) = try bench.sql().read { db in
      (
        try String.fetchAll(
          db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"),
        try String.fetchAll(
          db,
          sql: "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
            + "AND strict = 0 AND name NOT LIKE 'sqlite_%'")
      )
    }
    #expect(tables == TableDeclaration.all.map(\.name))
    #expect(loose.isEmpty)
    for table in TableDeclaration.all where table.scope == .tenant {
      let first = try bench.sql().read { db in
        try String.fetchOne(
          db, sql: "SELECT name FROM pragma_table_info (?) WHERE pk = 1", arguments: [table.name])
      }
      #expect(first == "tenant_id", "the key of \(table.name) begins with the tenant")
    }
  }

  @Test("Every commit is flushed: synchronous is FULL and the journal mode WAL")
  func synchronous() throws {
    let bench = try StoreBench()
    #expect(try bench.database.durability() == "synchronous=2 journal_mode=wal foreign_keys=1")
  }

  @Test("Files are readable by their owner only")
  func modes() throws {
    let bench = try StoreBench()
    for name in ["martinet.db", "master.key", "lock"] {
      let facts = try FileManager.default.attributesOfItem(
        atPath: bench.folder.path + "/" + name)
      #expect((facts[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
    }
  }

  @Test("A second server on the same folder is refused by a sentence with the first one's number")
  func locked() throws {
    let bench = try StoreBench()
    #expect(throws: StoreError.locked(path: bench.folder.path, process: getpid())) {
      try DataFolder(bench.folder.path)
    }
    #expect("\(StoreError.locked(path: "/x", process: 12))".contains("process 12"))
  }

  @Test("A folder that is locked closes no file of others that is opened meanwhile")
  func closesItsOwn() throws {
    let bench = try StoreBench()
    let (isOver, lost) = (Monitor(false), Monitor(0))
    let others = Thread {
      while !isOver.withLock({ $0 }) {
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        sched_yield()
        if close(file) != 0 { lost.withLock { $0 += 1 } }
      }
    }
    others.start()
    for _ in 0..<20_000 { _ = try? DataFolder(bench.folder.path) }
    isOver.withLock { $0 = true }
    #expect(lost.withLock { $0 } == 0)
  }

  @Test("A lock left behind by a process that died does not stop the next one")
  func staleLock() throws {
    let temporary = try TemporaryFolder()
    try temporary.write(Array("999999\n".utf8), to: "lock")
    _ = try DataFolder(temporary.path)
  }

  @Test("A folder that cannot be made is named with the reason")
  func unusableFolder() throws {
    let temporary = try TemporaryFolder()
    try temporary.write([], to: "file")
    #expect(throws: StoreError.self) { try DataFolder(temporary.path + "/file/data") }
    #expect(throws: StoreError.self) { try DataFolder("/proc/nothing") }
  }

  @Test("A database of a newer program is refused")
  func newerSchema() throws {
    let bench = try StoreBench()
    bench.database.close()
    try bench.sql().write { try $0.execute(sql: "PRAGMA user_version = 99") }
    #expect(throws: StoreError.newerSchema(found: 99, known: 6)) {
      try Store.Database(
        in: bench.folder, key: try MasterKey(in: bench.folder, credentials: nil))
    }
  }

  @Test("Who only looks does not bring an older schema up, because that is one way")
  func olderSchema() throws {
    let bench = try StoreBench()
    bench.database.close()
    let key = try MasterKey(in: bench.folder, credentials: nil)
    let known = try bench.sql().read { try Int.fetchOne($0, sql: "PRAGMA user_version") } ?? 0
    try bench.sql().write { try $0.execute(sql: "PRAGMA user_version = \(known - 1)") }
    let refusal = StoreError.olderSchema(found: known - 1, known: known)
    #expect(throws: refusal) { try Store.Database(in: bench.folder, key: key, bringsUp: false) }
    #expect("\(refusal)".contains("copy the whole data folder first"))
    let found = try bench.sql().read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
    #expect(found == known - 1)
  }

  @Test("A file that is no database is refused by a sentence with the way out")
  func noDatabase() throws {
    let temporary = try TemporaryFolder()
    let folder = try DataFolder(temporary.path)
    let key = try MasterKey(in: folder, credentials: nil)
    try temporary.write(Array(repeating: 65, count: 5000), to: "martinet.db")
    let error = #expect(throws: StoreError.self) { try Store.Database(in: folder, key: key) }
    guard case .databaseDamaged = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect("\(error as Any)".contains("one backup"))
  }

  @Test("A journal whose database is gone, or empty, is no place for a new installation")
  func lostDatabase() throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    _ = try Journal(in: try DataFolder(path)) { _ in }
    try FileManager.default.removeItem(atPath: path + "/lock")
    for bytes in [nil, Array("x".utf8), []] as [[UInt8]?] {
      let isEmpty = bytes != nil
      if let bytes { try temporary.write(bytes, to: "martinet.db") }
      let refusal = StoreError.databaseLost(path: path, isEmpty: isEmpty)
      #expect(throws: refusal) { try DataFolder(path) }
      #expect(throws: refusal) { try DataFolder(existing: path) }
      #expect(throws: refusal) { try DataFolder.checkDatabase(in: path) }
      #expect(try temporary.files() == (isEmpty ? ["journal", "martinet.db"] : ["journal"]))
    }
    // An empty database alone is what a first start leaves that was cut short.
    try FileManager.default.removeItem(atPath: path + "/journal")
    _ = try DataFolder(path)
  }

  @Test("Looking makes nothing")
  func noInstallation() throws {
    let temporary = try TemporaryFolder()
    for path in [temporary.path, temporary.path + "/typo/data"] {
      #expect(throws: StoreError.noInstallation(path: path)) { try DataFolder(existing: path) }
    }
    #expect(try temporary.files().isEmpty)
    #expect("\(StoreError.noInstallation(path: "/typo"))".contains("/typo"))
  }
}
