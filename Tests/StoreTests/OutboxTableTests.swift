import Elements
import Store
import Testing

@Suite struct OutboxTableTests {
  private let mail = Recipient(.mail, "admin@office.example")

  private func addressed() throws -> StoreBench {
    let bench = try StoreBench()
    try bench.database.raise(StoreBench.alert("a"))
    let alerts = try bench.database.unaddressedAlerts(limit: 10)
    try bench.database.address(alerts.map { ($0, [mail]) }, at: StoreBench.noon)
    return bench
  }

  private func due(_ bench: StoreBench, after seconds: Int64) throws -> [OutboxItem] {
    try bench.database.dueItems(
      at: StoreBench.noon + .seconds(seconds), horizon: .seconds(900), share: 4, limit: 10)
  }

  @Test("The same key is the same alert, however often it is raised")
  func oneAlert() throws {
    let bench = try addressed()
    try bench.database.raise(StoreBench.alert("a"))
    #expect(try bench.database.unaddressedAlerts(limit: 10).isEmpty)
    try bench.database.raise(StoreBench.alert("a", tenant: TenantID(2)))
    #expect(try bench.database.unaddressedAlerts(limit: 10).count == 1, "keys are per tenant")
  }

  @Test("A copy is due at once, later after a failure, and never again after it was taken")
  func life() throws {
    let bench = try addressed()
    let item = try #require(try due(bench, after: 0).first)
    #expect(item.alert == StoreBench.alert("a") && item.attempts == 0)
    #expect(try bench.database.alertComplaint() == nil)
    try bench.database.postpone(
      item.key, until: StoreBench.noon + .seconds(30), error: "connection refused")
    #expect(try due(bench, after: 29).isEmpty)
    #expect(try bench.database.nextDue(after: StoreBench.noon) == StoreBench.noon + .seconds(30))
    #expect(try due(bench, after: 30).first?.attempts == 1)
    #expect(try bench.database.alertsWaiting() == 1)
    #expect(
      try bench.database.alertComplaint() == "mail to admin@office.example: connection refused")
    try bench.database.acknowledge(item.key, at: StoreBench.noon + .seconds(31))
    #expect(try bench.database.alertsWaiting() == 0)
    #expect(try bench.database.alertComplaint() == nil)
    #expect(try due(bench, after: 100_000).isEmpty)
    #expect(try bench.database.nextDue(after: StoreBench.noon) == nil)
    let standing = try TenantScope(StoreBench.office, as: .operator, in: bench.database).alerts()
    #expect(standing.first?.recipients == 1 && standing.first?.acknowledged == 1)
  }

  @Test("F26: after the clock was put back a copy is due now, not in a day")
  func clockPutBack() throws {
    let bench = try addressed()
    let item = try #require(try due(bench, after: 0).first)
    try bench.database.postpone(
      item.key, until: StoreBench.noon + .seconds(30), error: "refused")
    #expect(try due(bench, after: -86_400).count == 1)
  }

  @Test("However many copies wait for one recipient, those for others are due beside them")
  func crowded() throws {
    let bench = try StoreBench()
    let hook = Recipient(.webhook, "https://hook.example/")
    for (count, recipient, time) in [
      (500, hook, StoreBench.noon), (1, mail, StoreBench.noon + .seconds(60)),
    ] {
      for number in 0..<count {
        try bench.database.raise(StoreBench.alert("\(recipient) \(number)"))
      }
      let alerts = try bench.database.unaddressedAlerts(limit: count)
      try bench.database.address(alerts.map { ($0, [recipient]) }, at: time)
    }
    let first = try #require(try due(bench, after: 60).first { $0.recipient == hook })
    #expect(try due(bench, after: 60).map(\.recipient) == [hook, mail, hook, hook, hook])
    // One that was refused waits behind those that were never tried.
    try bench.database.postpone(first.key, until: StoreBench.noon, error: "refused")
    let later = try due(bench, after: 60)
    #expect(later.count == 5 && later.allSatisfy { $0.attempts == 0 })
    let two = try bench.database.dueItems(
      at: StoreBench.noon + .seconds(60), horizon: .seconds(900), share: 4, limit: 2)
    #expect(Set(two.map(\.recipient)) == [hook, mail], "the first of each come first")
  }

  @Test("Facts come back as they were, whatever a peer has put into them")
  func anyText() throws {
    let bench = try StoreBench()
    let texts = [
      "", "\"", "\\", "\\u0041", "a\r\n\tb\u{0}\u{7}\u{1F}\u{7F}", "é 日本 🦊 \u{2028}", "/],[\"",
    ]
    for (number, facts) in [[], texts.map { Alert.Fact($0, $0 + "!") }].enumerated() {
      let alert = Alert(
        .unknownRate, .warning, tenant: StoreBench.office,
        at: StoreBench.noon + .seconds(Int64(number)), key: "\(number)", facts: facts)
      try bench.database.raise(alert)
      let scope = TenantScope(StoreBench.office, as: .operator, in: bench.database)
      #expect(try scope.alerts().first?.alert == alert)
    }
  }

  @Test("An alert that nobody is to hear is addressed all the same")
  func nobody() throws {
    let bench = try StoreBench()
    try bench.database.raise(StoreBench.alert("a"))
    let alerts = try bench.database.unaddressedAlerts(limit: 10)
    try bench.database.address(alerts.map { ($0, []) }, at: StoreBench.noon)
    #expect(try bench.database.unaddressedAlerts(limit: 10).isEmpty)
    let standing = try TenantScope(StoreBench.office, as: .operator, in: bench.database).alerts()
    #expect(standing.first?.recipients == 0)
  }
}
