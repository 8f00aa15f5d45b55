import Elements
import Guard
import Sharing
import Store
import Testing

/// Two nodes, without the network between them (docs/guard.md, A48).
@Suite struct SharingServiceTests {
  private let thief: IPNetwork

  init() throws {
    thief = try #require(IPNetwork("203.0.113.7"))
  }

  /// A node that has listed these, and what it says.
  private func reporter(
    _ bench: SharingBench, _ networks: [String]
  ) async throws -> SharingService {
    let service = try bench.service()
    service.start()
    for network in networks { service.found(try #require(bench.finding(network))) }
    try #require(await service.arrives(at: UInt64(networks.count)))
    return service
  }

  private func listening(to peer: SharingSettings.Peer) -> SharingSettings {
    var settings = SharingSettings()
    settings.peers = [peer]
    return settings
  }

  /// A service that follows nobody by itself: what it hears the test says.
  private func hearer(_ bench: SharingBench, _ peer: SharingSettings.Peer) throws -> SharingService
  {
    try bench.service(listening(to: peer))
  }

  @Test("What one node has seen the other bans, until it takes it back")
  func between() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7", "203.0.113.8"])
    let second = try hearer(there, first.peer)
    #expect(try second.hear(try first.lines(), of: first.peer) == 2)
    #expect(
      second.standings(about: thief.address).map(\.bannedUntil) == [here.now.wall + .seconds(300)])
    #expect(first.listed().map { "\($0)" } == ["203.0.113.7", "203.0.113.8"])

    first.absolved(try #require(IPNetwork("203.0.113.0/24")))
    try #require(await first.arrives(at: 4))
    #expect(try second.hear(try first.lines(after: 2), of: first.peer) == 2)
    #expect(second.standings().isEmpty && first.listed().isEmpty)
    first.stop()
  }

  @Test("A48: what was heard before, and after it, does nothing; the list is heard where it was")
  func replay() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7"])
    let second = try hearer(there, first.peer)
    let old = try first.lines()
    try second.hear(old, of: first.peer)
    first.absolved(thief)
    try #require(await first.arrives(at: 2))
    try second.hear(try first.lines(after: 1), of: first.peer)
    #expect(throws: EntryRefusal.replayed(sequence: 1, last: 2)) {
      try second.hear(old, of: first.peer)
    }
    #expect(second.standings().isEmpty)
    // A process that starts anew knows where it was.
    let again = try hearer(there, first.peer)
    #expect(throws: EntryRefusal.replayed(sequence: 1, last: 2)) {
      try again.hear(old, of: first.peer)
    }
    #expect(again.standings().isEmpty)
    first.stop()
  }

  @Test(
    "A48: a line that its reporter has not signed ends the hearing, and what came before it counts")
  func forged() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7", "203.0.113.8", "203.0.113.9"])
    let second = try hearer(there, first.peer)
    var lines = try first.lines().split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    lines[1] = lines[1].replacing("203.0.113.8", with: "203.0.113.88")
    #expect(throws: (any Error).self) {
      try second.hear(Array(lines.joined(separator: "\n").utf8), of: first.peer)
    }
    #expect(second.standings().map { "\($0.report.network)" } == ["203.0.113.7"])
    #expect(second.peers().map(\.sequence) == [1])
    // The right ones afterwards are taken.
    #expect(try second.hear(try first.lines(after: 1), of: first.peer) == 2)
    first.stop()
  }

  @Test("A48: a peer cannot pass on what another has signed as its own")
  func anotherReporter() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7"])
    let other = try SharingBench().service()
    let second = try hearer(there, other.peer)
    #expect(throws: (any Error).self) { try second.hear(try first.lines(), of: other.peer) }
    #expect(second.standings().isEmpty)
    // Nor where the other is a peer, too, who may be believed in other things.
    var settings = SharingSettings()
    settings.peers = [first.peer, other.peer]
    let elsewhere = try SharingBench()
    let third = try elsewhere.service(settings)
    #expect(throws: (any Error).self) { try third.hear(try first.lines(), of: other.peer) }
    #expect(third.standings().isEmpty)
    #expect(try third.hear(try first.lines(), of: first.peer) == 1)
    first.stop()
  }

  @Test(
    "A48: carriers that the directory knows by now are not listed, on either side; the operator sees who tried"
  )
  func carriers() async throws {
    let thief = thief
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7", "203.0.113.8"])
    let second = try there.service(listening(to: first.peer), never: { [thief] })
    try second.hear(try first.lines(), of: first.peer)
    #expect(second.standings().map { "\($0.report.network)" } == ["203.0.113.8"])
    let peer = try #require(second.peers().first)
    #expect(peer.state.ignored == 1 && peer.listings == 1 && peer.sequence == 2)
    #expect(peer.state.lastIgnored?.contains("203.0.113.7") ?? false)
    first.stop()

    let shy = try SharingBench()
    let third = try shy.service(never: { [thief] })
    third.start()
    third.found(try #require(shy.finding("203.0.113.7")))
    third.found(try #require(shy.finding("203.0.113.8")))
    try #require(await third.arrives(at: 1))
    #expect(third.listed().map { "\($0)" } == ["203.0.113.8"])
    third.stop()
  }

  @Test("What the switch brings and what readers ask waits for nobody who judges a list")
  func lane() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7"])
    let toll = Toll()
    let second = try there.service(listening(to: first.peer), never: { toll.pass() })
    let lines = try first.lines()
    let finding = try #require(here.finding("203.0.113.9"))
    toll.close()
    ServiceThread.start("hears") { _ = try? second.hear(lines, of: first.peer) }
    try #require(toll.isAwaited())
    let brought = Monitor(false)
    ServiceThread.start("lane") { [thief] in
      second.found(finding)
      second.absolved(thief)
      _ = (second.listed(), second.peers(), second.standings())
      brought.change {
        $0 = true
        return true
      }
    }
    let isBrought = brought.wait(for: .seconds(10), until: { $0 }) { $0 }
    toll.open()
    #expect(isBrought)
    first.stop()
  }

  @Test("A restart bans what holds yet, before anything is heard, and goes on with its own list")
  func restart() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7"])
    let second = try hearer(there, first.peer)
    try second.hear(try first.lines(), of: first.peer)
    first.stop()
    let again = try hearer(there, first.peer)
    #expect(again.restored == [.list(Listed(thief, until: here.now.wall + .seconds(300)))])
    let reporter = try here.service()
    #expect(reporter.identity == first.identity && reporter.listed() == [thief])
    reporter.start()
    reporter.found(try #require(here.finding("203.0.113.9")))
    try #require(await reporter.arrives(at: 2))
    #expect(try again.hear(try reporter.lines(after: 1), of: first.peer) == 1)
    reporter.stop()
    there.wait(.seconds(300))
    #expect(try hearer(there, first.peer).restored.isEmpty)
  }

  @Test("The switch is told of everything, in order, and of a list of thousands in pieces")
  func telling() throws {
    let bench = try SharingBench()
    let service = try bench.service()
    service.start()
    let until = bench.now.wall + .seconds(3_600)
    let text = (0..<5_000).map { "203.\($0 / 250).\($0 % 250).7\n" }.joined()
    let list = try service.importList(Array(text.utf8), name: "big", until: until, by: "anna")
    #expect(list.networks.count == 5_000)
    let changes = bench.changes(5_000)
    #expect(changes.map(\.network) == list.networks)
    _ = try service.importList([], name: "big", until: until, by: "anna")
    #expect(bench.changes(10_000).suffix(5_000) == list.networks.map { .unlist($0) }[...])
    service.stop()
  }

  @Test(
    "A file with a mistake changes nothing; one that is read again replaces itself, over a restart too"
  )
  func files() throws {
    let bench = try SharingBench()
    let service = try bench.service()
    let until = bench.now.wall + .seconds(3_600)
    func read(_ text: String) throws {
      _ = try service.importList(Array(text.utf8), name: "drop", until: until, by: "anna")
    }
    try read("203.0.113.7\n10.0.0.0/8\n198.51.100.0/24 ; SBL1\n")
    #expect(throws: PlainList.Mistake.self) { try read("203.0.113.9\nnobody\n") }
    #expect(
      service.standings().map { "\($0.report.network) \($0.origin)" }
        == ["198.51.100.0/24 drop", "203.0.113.7 drop"])
    try read("203.0.113.7\n")
    #expect(try bench.service().restored == [.list(Listed(thief, until: until))])
  }

  @Test(
    "What a person has lifted stays lifted over a restart, and a list that is forgotten is heard anew"
  )
  func lifted() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7"])
    let second = try hearer(there, first.peer)
    try second.hear(try first.lines(), of: first.peer)
    #expect(try second.dismiss([thief]) == 1)
    #expect(second.standings().isEmpty)
    #expect(try hearer(there, first.peer).restored.isEmpty)
    try second.forget("first", by: "anna")
    #expect(throws: SharingService.Refusal.self) { try second.forget("nobody", by: "anna") }
    #expect(try second.hear(try first.lines(), of: first.peer) == 1)
    #expect(second.standings().count == 1)
    first.stop()
  }

  @Test(
    "Who was away for too long goes on with the oldest entry there is; one who is ahead of us is told so"
  )
  func pruned() async throws {
    let (here, there) = (try SharingBench(), try SharingBench())
    let first = try await reporter(here, ["203.0.113.7", "203.0.113.8"])
    here.wait(.seconds(31 * 86_400))
    first.found(try #require(here.finding("203.0.113.9")))
    try #require(await first.arrives(at: 3))
    try first.prune()
    #expect(try first.page(after: 0) == .gone(oldest: 3))
    #expect(try first.page(after: 4) == .ahead(last: 3))
    let second = try hearer(there, first.peer)
    there.wait(.seconds(31 * 86_400))
    try second.skip(first.peer, to: 2)
    #expect(try second.hear(try first.lines(after: 2), of: first.peer) == 1)
    #expect(second.standings().map { "\($0.report.network)" } == ["203.0.113.9"])
    #expect(throws: EntryRefusal.self) {
      try second.hear(try first.lines(after: 2), of: first.peer)
    }
    first.stop()
  }

  @Test("So many readers may wait, and so many requests of one")
  func waiting() async throws {
    let service = try SharingBench().service()
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<5 {
        group.addTask { await service.bell.wait(behind: 0, for: .milliseconds(300), as: "one") }
      }
      var answers: [Bool] = []
      for await answer in group { answers.append(answer) }
      #expect(answers.count { $0 } == 4)
    }
    #expect(await service.bell.wait(behind: 0, for: .milliseconds(1), as: "one"))
    // A server that stops waits for nobody.
    async let waiting = service.bell.wait(behind: 0, for: .seconds(60), as: "one")
    service.bell.close()
    #expect(await waiting)
  }
}
