import Elements
import Guard
import Sharing
import Store
import Testing

/// What a peer can cost us, and what is said of it (docs/guard.md, A48).
@Suite struct SharingLimitTests {
  private let bench: SharingBench
  private var list = SignedList()
  private let thief: IPNetwork

  init() throws {
    bench = try SharingBench()
    thief = try #require(IPNetwork("203.0.113.7"))
  }

  private func service(
    _ trust: Trust = .node, never: @escaping @Sendable () -> [IPNetwork] = { [] }
  ) throws -> SharingService {
    var settings = SharingSettings()
    settings.peers = [list.peer(trust)]
    return try bench.service(settings, never: never)
  }

  @Test("A48: a page of wide networks that come and go is weighed once, beside a large import")
  mutating func churn() throws {
    let service = try service(.watch)
    let until = bench.now.wall + .seconds(3_600)
    let text = (0..<49_000).map { "198.\($0 / 62_500 + 100).\($0 / 250 % 250).\($0 % 250)\n" }
    _ = try service.importList(Array(text.joined().utf8), name: "big", until: until, by: "anna")
    var lines: [UInt8] = []
    for number in 0..<500 {
      let network = try #require(IPNetwork("203.\(number / 250).\(number % 250).0/24"))
      lines += try list.listing(network, at: bench.now.wall)
      lines += try list.next(.removal(network), at: bench.now.wall)
    }
    var heard = 0
    let took = try ContinuousClock().measure { heard = try service.hear(lines, of: list.peer()) }
    #expect(heard == 1_000)
    print("a page of 1,000 entries beside 49,000 networks took \(took)")
    #expect(took < .seconds(2))
    #expect(service.peers().map(\.listings) == [0])
  }

  @Test("A48: who lists what is not taken again and again fills no log; all of it is counted")
  mutating func suspicions() throws {
    let service = try service()
    for number in 1...100 {
      let network = try #require(IPNetwork("203.0.113.\(number)"))
      let line = try list.listing(network, at: bench.now.wall, .claimed)
      try service.hear(line, of: list.peer())
      bench.wait(.seconds(1))
    }
    let said = "what it rests on is not proven"
    #expect(
      bench.reports.withLock { $0 } == [
        .suspicious(peer: "first", said, count: 1), .suspicious(peer: "first", said, count: 60),
      ])
    #expect(service.peers().map(\.state.ignored) == [100])
    // Nor by what it has no more.
    for sequence in 1...100 { try service.skip(list.peer(), to: UInt64(1_000 + 2 * sequence)) }
    #expect(bench.reports.withLock(\.count) == 2)
  }

  @Test("A48: news that is over when it comes shows that the clocks differ")
  mutating func clocks() throws {
    let service = try service()
    let late = try list.listing(thief, at: bench.now.wall + .seconds(-600))
    let later = try list.listing(thief, at: bench.now.wall + .seconds(-500))
    // One who was away hears much that is over.
    try service.hear(late, of: list.peer())
    #expect(service.peers().map(\.state.lastIgnored) == [nil])
    try service.hear(later, of: list.peer(), asNews: true)
    let said = service.peers().first?.state.lastIgnored ?? ""
    #expect(said.contains("compare the clocks"))
    #expect(bench.reports.withLock(\.count) == 1)
  }

  @Test("The key of the server itself is no peer")
  func ownKey() throws {
    var settings = SharingSettings()
    settings.peers = [try bench.service().peer]
    #expect(throws: SharingService.Refusal.self) { try bench.service(settings) }
  }

  @Test("Where a carrier is reached now is listed by nobody, also where it was listed before")
  mutating func spared() throws {
    let service = try service()
    try service.hear(try list.listing(thief, at: bench.now.wall), of: list.peer())
    service.start()
    service.spared([thief])
    let until = bench.now.wall + .seconds(300)
    #expect(bench.changes(2) == [.list(Listed(thief, until: until)), .unlist(thief)])
    #expect(service.standings().isEmpty)
    try service.hear(try list.listing(thief, at: bench.now.wall), of: list.peer())
    #expect(service.standings().isEmpty)
    #expect(service.peers().first?.state.lastIgnored?.contains("203.0.113.7") ?? false)
    service.stop()
    #expect(try self.service().restored.isEmpty)
  }

  @Test("What a person lifts is taken back everywhere, also where more is found than can be told")
  func lifts() async throws {
    let toll = Toll()
    let service = try bench.service(never: { toll.pass() })
    let finding = try #require(bench.finding("203.0.113.7"))
    service.start()
    service.found(finding)
    try #require(await service.arrives(at: 1))
    toll.close()
    service.found(try #require(bench.finding("203.0.113.8")))
    try #require(toll.isAwaited())
    for _ in 0..<10_100 { service.found(finding) }
    service.absolved(thief)
    toll.open()
    // As many as are told in an hour, and the one that takes back.
    try #require(await service.arrives(at: 1_001))
    #expect(!service.listed().contains(thief))
    func isTold(_ reports: [SharingReport]) -> Bool {
      reports.contains { if case .untold = $0 { true } else { false } }
    }
    let untold = bench.reports.wait(for: .seconds(10), until: isTold, then: { isTold($0) })
    #expect(untold)
    service.stop()
  }
}
