import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct CommandTests {
  private func ends(_ bench: Bench) -> (phone: UserAgent, carrier: UserAgent) {
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    phone.register()
    return (phone, carrier)
  }

  private func account(_ bench: Bench) throws -> LimitSubject {
    .account(try #require(bench.core.rules.directory.extensions.first?.account))
  }

  private func refusal(_ reply: CommandReply?) -> String? {
    if case .refused(let why)? = reply { why } else { nil }
  }

  @Test("A block by hand: no paid call goes out, the owner is told, and a restart keeps it")
  func blockedByHand() throws {
    let bench = try Bench()
    let (phone, carrier) = ends(bench)
    bench.run(for: .seconds(1))
    let subject = try account(bench)
    guard case .done? = bench.ask(.block(subject, by: "anna", reason: "stolen phone")) else {
      Issue.record("not blocked")
      return
    }
    let alert = try #require(bench.alerts.last)
    #expect(alert.kind == .accountBlocked && alert.tenant != nil)
    #expect(
      alert.facts == [
        .init("subject", "office 101"), .init("reason", "by hand (anna: stolen phone)"),
      ])
    #expect(refusal(bench.ask(.block(subject, by: "anna", reason: "again")))?.isEmpty == false)
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try revived.replay(batch) }
    bench.core = revived
    try bench.adopt(revision: 9)
    bench.run(for: .seconds(1))
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(phone.lastStatus == 403 && carrier.received(.invite).isEmpty)
    guard case .done? = bench.ask(.unblock(subject, by: "anna", reason: "found")) else {
      Issue.record("not unblocked")
      return
    }
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(carrier.received(.invite).count == 1)
  }

  @Test(
    "F27: however many limits of a subject are changed at once, and by whatever way, it is told once"
  )
  func changedLimits() throws {
    let bench = try Bench()
    bench.town.office("101") { line in
      line.limits = .account
      line.limits?.spend.dayMicros = 20_000_000
      line.limits?.concurrent = nil
      line.limits?.basis = .sell
      line.limits?.releases = [.day]
    }
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(1))
    let told = bench.alerts.filter { $0.kind == .limitChanged }
    #expect(
      told.map(\.facts) == [
        [
          .init("subject", "office 101"), .init("money per day", "10.00 EUR -> 20.00 EUR"),
          .init("paid calls at a time", "10 -> none"),
          .init("price that counts", "the dearer of both -> sell"),
          .init("blocks that end by themselves", "none -> day"), .init("applied by", "anna"),
        ]
      ])
    #expect(told.first?.tenant == bench.core.rules.directory.tenants.first?.id)
    try bench.restart()
    #expect(bench.alerts.count { $0.kind == .limitChanged } == 1)
  }

  @Test("G10: nothing goes out on credit; what is paid in is, and no more; it outlives a restart")
  func deposit() throws {
    var town = Town()
    town.office("101") { line in
      line.limits = .account
      line.limits?.isPrepaid = true
    }
    let bench = try Bench(town)
    let (phone, carrier) = ends(bench)
    phone.call("+8821234567890")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403 && carrier.received(.invite).isEmpty)
    let subject = try account(bench)
    guard
      case .limits(let standing)? = bench.ask(
        .deposit(Money(micros: 3_000_000, .eur), subject, reference: "invoice 7", by: "anna"))
    else {
      Issue.record("not paid in")
      return
    }
    #expect(standing.balance == Money(micros: 3_000_000, .eur))
    bench.run(for: .seconds(1))
    phone.call("+8821234567890")
    bench.run(for: .seconds(80))
    #expect(carrier.received(.bye).count == 1, "cut when its minute is over")
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try revived.replay(batch) }
    bench.core = revived
    try bench.adopt(revision: 9)
    #expect(
      bench.core.ledger.standing(of: subject, at: bench.now)?.balance
        == Money(micros: 500_000, .eur))
    #expect(
      refusal(
        bench.ask(.deposit(Money(micros: -600_000, .eur), subject, reference: "", by: "anna")))
        != nil, "never below zero")
    #expect(
      refusal(
        bench.ask(
          .deposit(
            Money(micros: 1, try #require(Currency("USD"))), subject, reference: "", by: "anna")))
        != nil)
    bench.happen(.journalFailed("no space left on device"))
    #expect(
      refusal(bench.ask(.deposit(Money(micros: 1, .eur), subject, reference: "", by: "anna")))
        != nil)
  }

  @Test("F24: What is said to be done is on disk; where that refuses, it is said so")
  func promises() throws {
    let bench = try Bench()
    let subject = try account(bench)
    bench.diskWorks = false
    #expect(bench.ask(.block(subject, by: "anna", reason: "stolen phone")) == nil)
    bench.publications.removeAll()
    bench.confirmJournal()
    guard case .reply(_, .done)? = bench.publications.first else {
      Issue.record("not confirmed when it was durable")
      return
    }
    #expect(bench.ask(.unblock(subject, by: "anna", reason: "found")) == nil)
    bench.publications.removeAll()
    bench.happen(.journalFailed("no space left on device"))
    let replies = bench.publications.compactMap { publication in
      if case .reply(_, let reply) = publication { refusal(reply) } else { nil }
    }
    #expect(replies.count == 1)
    #expect(refusal(bench.ask(.block(subject, by: "anna", reason: "again"))) != nil)
  }

  @Test("F26: a clock that stood ahead is accepted by a person, once, and the calendar goes on")
  func acceptClock() throws {
    let bench = try Bench()
    let (phone, _) = ends(bench)
    #expect(refusal(bench.ask(.acceptClock(by: "anna"))) != nil, "nothing is ahead")
    let right = bench.now.wall
    bench.now.wall = right + .seconds(30 * 86_400)
    phone.call("976333444")
    bench.run(for: .seconds(3))
    phone.hangUp()
    bench.run(for: .seconds(1))
    bench.now.wall = right + .seconds(60)
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(bench.alerts.contains { $0.kind == .clockBehind })
    guard case .done? = bench.ask(.acceptClock(by: "anna")) else {
      Issue.record("not accepted")
      return
    }
    #expect(refusal(bench.ask(.acceptClock(by: "anna"))) != nil)
    let standing = try #require(
      bench.core.ledger.standing(of: try account(bench), at: bench.now))
    let day = standing.windows.first {
      $0.meter == Meter(.money, per: .day) && $0.kind == .calendar
    }
    #expect(try #require(day?.until) < right + .seconds(2 * 86_400))
  }

  @Test("Status counts whose paid calls are refused until somebody unblocks them")
  func blocked() throws {
    var town = Town()
    town.office("101") { line in
      line.limits = .account
      line.limits?.spend.dayMicros = 2_600_000
    }
    let bench = try Bench(town)
    let (phone, _) = ends(bench)
    func blocked() -> Int? {
      if case .status(let status)? = bench.ask(.status) { status.blocked } else { nil }
    }
    #expect(blocked() == 0)
    for count in [0, 1, 1] {
      phone.call("+8821234567890")
      bench.run(for: .seconds(3))
      #expect(blocked() == count)
    }
    bench.command(.unblock(try account(bench), by: "anna", reason: "it was us"))
    #expect(blocked() == 0)
  }

  @Test("A full trunk and a full platform are told by name, and a person lets calls out again")
  func blockedForAll() throws {
    for isTrunk in [true, false] {
      var town = Town()
      town.document.tenants[0].trunks = ["carrier"]
      if isTrunk {
        town.document.trunks[0].limits.spend.dayMicros = 2_600_000
      } else {
        town.document.platform.limits.spend.dayMicros = 2_600_000
      }
      let bench = try Bench(town)
      let (phone, carrier) = ends(bench)
      for _ in 0..<2 {
        phone.call("+8821234567890")
        bench.run(for: .seconds(3))
      }
      #expect(carrier.received(.invite).count == 1)
      let alert = try #require(bench.alerts.first { $0.kind == .accountBlocked })
      #expect(alert.tenant == nil)
      let names = alert.facts.filter { ["subject", "trunk"].contains($0.name) }
      #expect(
        names
          == (isTrunk
            ? [.init("subject", "carrier"), .init("trunk", "carrier")]
            : [.init("subject", "the platform")]))
      let trunk = try #require(bench.core.rules.directory.trunks.first { $0.name == "carrier" })
      let subject = isTrunk ? LimitSubject.trunk(trunk.id) : .platform
      guard case .done? = bench.ask(.unblock(subject, by: "anna", reason: "it was us")) else {
        Issue.record("not unblocked")
        return
      }
      phone.call("+8821234567890")
      bench.run(for: .seconds(3))
      #expect(carrier.received(.invite).count == 2)
    }
  }
}
