import Directory
import Elements
import Foundation
import GRDB
import Store
import Testing

@Suite struct ConfigurationTests {
  @Test("A document comes back as it was, rate tables and identities too")
  func roundTrip() throws {
    let bench = try StoreBench()
    #expect(try bench.database.configuration() == nil)
    let document = StoreBench.document()
    #expect(try bench.database.adopt(document, by: "ana", at: StoreBench.noon) == 1)
    let stored = try #require(try bench.database.configuration())
    #expect(stored.document == document)
    #expect((stored.revision, stored.appliedBy) == (1, "ana"))
    #expect(try bench.database.adopt(document, by: "ana", at: StoreBench.noon) == 2)
  }

  @Test("E6: no secret stands in the files, in the database or its log")
  func sealed() throws {
    let bench = try StoreBench()
    try bench.database.adopt(StoreBench.document(), by: "ana", at: StoreBench.noon)
    let secret = Data("a very secret key here".utf8)
    let hexadecimal = Data(Array(secret).hexadecimal.utf8)
    for name in try bench.temporary.files() where name.hasPrefix("martinet.db") {
      let bytes = Data(try bench.temporary.bytes(name))
      #expect(bytes.range(of: secret) == nil && bytes.range(of: hexadecimal) == nil, "\(name)")
    }
  }

  @Test("What changed is in the trail of the tenant concerned, without secrets")
  func changes() throws {
    let bench = try StoreBench()
    var document = StoreBench.document()
    try bench.database.adopt(document, by: "ana", at: StoreBench.noon)
    document.tenants[0].timezone = "Europe/Madrid"
    document.tenants[0].notices.webhooks[0] = WebhookEntry(
      url: "https://hooks.example/a", secret: SecretText(Secret("another secret of length")))
    document.platform.currency = "USD"
    try bench.database.adopt(document, by: "eva", at: StoreBench.noon)
    let own = try TenantScope(StoreBench.office, as: .administrator, in: bench.database).audit()
    let last = try #require(own.first)
    #expect(last.actor == "eva" && own.count == 2)
    #expect(
      last.detail == """
        tenants[office].notices.webhooks[https://hooks.example/a].secret: (secret) → (secret)
        tenants[office].timezone: UTC → Europe/Madrid
        """)
    let platform = try TenantScope.platform(in: bench.database).audit()
    #expect(platform.first?.detail == "platform.currency: EUR → USD")
  }

  @Test("What is told of a change is in the transaction of the change, and rings the outbox")
  func told() throws {
    let bench = try StoreBench()
    let rings = bench.database.alertBell.withLock { $0 }
    let alert = Alert(
      .forwardAbroad, .warning, tenant: StoreBench.office, at: StoreBench.noon, key: "forward-1",
      facts: [.init("subject", "office"), .init("extension 101", "+442079460000")])
    try bench.database.adopt(
      StoreBench.document(), by: "ana", at: StoreBench.noon, telling: [alert])
    #expect(try bench.database.unaddressedAlerts(limit: 10).map(\.key) == [alert.key])
    let scope = TenantScope(StoreBench.office, as: .operator, in: bench.database)
    #expect(try scope.alerts().map(\.alert) == [alert])
    #expect(bench.database.alertBell.withLock { $0 } == rings + 1)
  }

  @Test("A removed extension keeps its number, and one with another number is refused")
  func identities() throws {
    let bench = try StoreBench()
    var document = StoreBench.document()
    try bench.database.adopt(document, by: "ana", at: StoreBench.noon)
    let before = try bench.database.subjects()
    document.tenants[0].extensions = []
    try bench.database.adopt(document, by: "ana", at: StoreBench.noon)
    #expect(try bench.database.subjects() == before)
    // A document whose identities were lost would give the account of 101 to somebody else.
    var strange = StoreBench.document()
    var identities = IdentityMap()
    let office = identities.tenant("office")
    _ = identities.line("100", of: office)
    _ = identities.line("101", of: office)
    strange.identities = identities
    #expect(throws: StoreError.self) {
      try bench.database.adopt(strange, by: "ana", at: StoreBench.noon)
    }
    #expect(try bench.database.configuration()?.revision == 2)
  }

  @Test("Extensions that people call the same are two in the trail, each by its number")
  func namesakes() throws {
    let bench = try StoreBench()
    var document = StoreBench.document()
    document.tenants[0].extensions = ["101", "102"].map {
      ExtensionEntry(number: $0, name: "Sales")
    }
    try bench.database.adopt(document, by: "ana", at: StoreBench.noon)
    document.tenants[0].extensions[0].forwards.always = "+881612345678"
    try bench.database.adopt(document, by: "eva", at: StoreBench.noon)
    let own = try TenantScope(StoreBench.office, as: .administrator, in: bench.database).audit()
    #expect(own.first?.detail == "tenants[office].extensions[101].forwards.always: +881612345678")
  }

  @Test("However much changes at once, all of it is in the trail")
  func manyChanges() throws {
    let bench = try StoreBench()
    var document = StoreBench.document()
    document.tenants[0].extensions = (100..<350).map { ExtensionEntry(number: "\($0)", name: "a") }
    try bench.database.adopt(document, by: "ana", at: StoreBench.noon)
    let scope = TenantScope(StoreBench.office, as: .administrator, in: bench.database)
    let before = try scope.audit().count
    for index in document.tenants[0].extensions.indices {
      document.tenants[0].extensions[index].name = "b"
    }
    try bench.database.adopt(document, by: "eva", at: StoreBench.noon)
    let lines = try scope.audit().dropLast(before).flatMap { $0.detail.split(separator: "\n") }
    #expect(lines.count == 250)
    #expect(lines.contains("tenants[office].extensions[349].name: a → b"))
  }
}
