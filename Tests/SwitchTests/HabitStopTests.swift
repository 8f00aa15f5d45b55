import Directory
import Elements
import Guard
import Limits
import Numbering
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What the switch does where an account departs from its habits.
@Suite struct HabitStopTests {
  private struct Stage {
    let bench: Bench
    let phone: UserAgent
    let carrier: UserAgent
    let account: AccountID

    /// Extension 101 has called at home between eight and eleven for two months; now it is afternoon.
    init(
      _ rule: HabitRule?, history: Int64 = 60, hours: Range<Int64> = 8..<11
    ) throws {
      var town = Town()
      town.office("101") {
        var limits = $0.limits ?? .account
        limits.habits = rule
        $0.limits = limits
      }
      bench = try Bench(town)
      let line = try #require(
        bench.core.rules.directory.extensions.first { $0.digits.description == "101" })
      account = line.account
      phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
      carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
      carrier.manner = .answers(after: .seconds(1))
      phone.register()
      let today = bench.now.wall.unixSeconds / 86_400 * 86_400
      for day in (1...history).reversed() {
        for hour in hours {
          let call = PaidCall(
            account: account, tenant: line.tenant.id,
            at: WallTime(unixSeconds: today - day * 86_400 + hour * 3_600), zoneOffset: 0,
            destination: PaidCall.Destination(country: try #require(Region("ES")).code),
            origin: .network(try #require(IPAddress("198.51.100.0"))), pricePerMinute: 20_000,
            worth: 40_000)
          bench.core.take(
            .called(call, bench.core.habits.judge(call, limitPerDay: nil).oddity))
        }
      }
      bench.command(.status)
      bench.run(for: .milliseconds(5))
    }

    func call(_ number: String) {
      phone.call(number)
      bench.run(for: .seconds(3))
      phone.hangUp()
      bench.run(for: .seconds(1))
    }

    /// Calls abroad, for the first time and in the afternoon, until one does not come through.
    func callAbroad(most: Int = 9) -> Int {
      for count in 0..<most {
        let before = carrier.received(.invite).count
        call("+442079460000")
        if carrier.received(.invite).count == before { return count }
      }
      return most
    }

    func told(_ kind: Alert.Kind) -> [Alert] { bench.alerts.filter { $0.kind == kind } }
    var block: Block? { bench.core.ledger.block(of: .account(account)) }
    var habits: [HabitChange] { Array(bench.core.habits.checkpoint()) }
  }

  @Test(
    "F41: the call that departs from the habits is refused, and the block and its alert are one entry"
  )
  func stops() throws {
    let stage = try Stage(nil)
    let calls = stage.callAbroad()
    #expect((2..<8).contains(calls))
    guard case .unusual(let words) = try #require(stage.block).reason else {
      Issue.record("blocked by a limit")
      return
    }
    #expect(words.hasPrefix("\(calls + 1) calls since Monday 14:1"), "\(words)")
    #expect(words.contains("to where nobody calls, in an hour in which nobody calls"))
    #expect(words.contains("usual are up to 2 paid calls an hour"), "\(words)")
    #expect(words.contains("to 1 destination, never on Monday at 14"), "\(words)")
    let alert = try #require(stage.told(.accountBlocked).first)
    #expect(alert.facts.contains(Alert.Fact("subject", "office 101")))
    #expect(alert.facts.contains { $0.name == "reason" && $0.value.contains(words) })
    let batch = try #require(
      stage.bench.journal.first { batch in
        batch.entries.contains { if case .ledger(.blocked) = $0 { true } else { false } }
      })
    #expect(batch.entries.contains { if case .alert(alert) = $0 { true } else { false } })
    #expect(stage.bench.records.last?.cause == .limitReached)
  }

  @Test("F41: while it is blocked, internal and emergency calls of the account go on")
  func others() throws {
    let stage = try Stage(nil)
    _ = stage.callAbroad()
    let colleague = UserAgent(stage.bench, user: "102", address: "198.51.100.8:5062")
    colleague.register()
    stage.call("102")
    #expect(colleague.received(.invite).count == 1)
    let before = stage.carrier.received(.invite).count
    stage.call("112")
    #expect(stage.carrier.received(.invite).count == before + 1)
  }

  @Test("F44: unblocking teaches, so that the next such call is not stopped again")
  func teaches() throws {
    let stage = try Stage(nil)
    let calls = stage.callAbroad()
    let order = SwitchCommand.unblock(.account(stage.account), by: "anna", reason: "a new customer")
    guard case .done? = stage.bench.ask(order) else {
      Issue.record("not unblocked")
      return
    }
    let before = stage.carrier.received(.invite).count
    stage.call("+442079460000")
    #expect(stage.carrier.received(.invite).count == before + 1 && calls > 0)
    #expect(stage.block == nil)
    let entries = stage.bench.journal.flatMap(\.entries)
    #expect(entries.contains { if case .habit(.accepted) = $0 { true } else { false } })
  }

  @Test("A call that the next trunk takes is one call, and counts what it costs there")
  func failover() throws {
    let stage = try Stage(nil)
    let spare = UserAgent(
      stage.bench, user: "", address: "192.0.2.51:5060", domain: "spare.example")
    spare.manner = .answers(after: .seconds(1))
    stage.bench.deaf.insert(stage.carrier.endpoint)
    func learned() -> Int {
      stage.bench.journal.flatMap(\.entries).count {
        if case .habit(.called) = $0 { true } else { false }
      }
    }
    let before = learned()
    stage.phone.call("+442079460000")
    stage.bench.run(for: .seconds(60))
    #expect(spare.received(.invite).count == 1)
    stage.phone.hangUp()
    stage.bench.run(for: .seconds(60))
    let core = stage.bench.core
    let cost = try #require(stage.bench.records.last?.sell).micros
    let standing = try #require(core.habitStanding(of: stage.account, at: stage.bench.now))
    #expect(cost > 100_000 && standing.counted > cost)
    #expect(learned() == before + 1)
  }

  @Test("F45: after a theft nothing is taught: the next such call is odd as the first was")
  func theft() throws {
    let stage = try Stage(nil)
    let calls = stage.callAbroad()
    let order = SwitchCommand.unblock(
      .account(stage.account), by: "anna", reason: "new password", isTheft: true)
    guard case .done? = stage.bench.ask(order) else {
      Issue.record("not unblocked")
      return
    }
    #expect(stage.callAbroad() == calls)
    let entries = stage.bench.journal.flatMap(\.entries)
    #expect(entries.contains { if case .habit(.disowned) = $0 { true } else { false } })
  }

  @Test(
    "F44: a usual call that runs when its account is stopped goes on, an odd one ends with its slice"
  )
  func runningCalls() throws {
    let stage = try Stage(nil, hours: 8..<18)
    let other = UserAgent(stage.bench, user: "101", address: "198.51.100.7:5064")
    other.call("976210007")
    stage.bench.run(for: .seconds(3))
    for _ in 0..<6 where stage.block == nil {
      stage.phone.call("+442079460000")
      stage.bench.run(for: .seconds(120))
      stage.phone.hangUp()
      stage.bench.run(for: .seconds(1))
    }
    guard case .unusual? = stage.block?.reason else {
      Issue.record("\(String(describing: stage.block))")
      return
    }
    stage.bench.run(for: .seconds(600))
    #expect(stage.bench.core.calls.count == 1)
    other.hangUp()
    stage.bench.run(for: .seconds(2))
    #expect(stage.bench.records.last?.cause == .normal)
  }

  @Test(
    "Where the owner is only to be told, the calls go on, and it is told once a day; off is off")
  func rules() throws {
    let told = try Stage(.tell)
    #expect(told.callAbroad() == 9 && told.block == nil)
    let alert = try #require(told.told(.unusualCalls).first)
    #expect(told.told(.unusualCalls).count == 1)
    #expect(alert.facts.contains { $0.name == "unusual" && $0.value.contains("nobody calls") })
    let off = try Stage(.off)
    #expect(off.callAbroad() == 9 && off.block == nil && off.told(.unusualCalls).isEmpty)
  }

  @Test("Another rule is told, as a changed limit is")
  func changedRule() throws {
    let stage = try Stage(nil)
    #expect(stage.told(.limitChanged).isEmpty)
    stage.bench.town.document.tenants[0].limits.habits = .off
    try stage.bench.adopt(revision: 2)
    let alerts = stage.told(.limitChanged)
    #expect(alerts.count == 4)
    #expect(alerts.first?.facts.contains(Alert.Fact("habits", "stop -> off")) == true)
    #expect(stage.callAbroad() == 9)
  }

  @Test("An account whose tenant is new is stopped by nobody but its limits")
  func young() throws {
    let stage = try Stage(nil, history: 5)
    #expect(stage.callAbroad() == 9 && stage.block == nil)
  }

  @Test("F43: a call that goes on and on ends with its slice when it departs from the habits")
  func longCall() throws {
    let stage = try Stage(nil)
    stage.phone.call("+442079460000")
    stage.bench.run(for: .seconds(15 * 60))
    #expect(stage.bench.records.last?.cause == .cutAtLimit)
    if case .unusual? = stage.block?.reason {
    } else {
      Issue.record("\(String(describing: stage.block))")
    }
  }

  @Test(
    "F23: a theft that was under way goes on where it was after kill -9, from the journal and a checkpoint"
  )
  func restart() throws {
    for usesCheckpoint in [false, true] {
      let whole = try Stage(nil).callAbroad()
      let stage = try Stage(nil)
      #expect(stage.callAbroad(most: whole - 1) == whole - 1)
      let before = stage.habits
      try stage.bench.restart(from: usesCheckpoint ? stage.bench.core.checkpoint() : nil)
      #expect(stage.habits == before)
      stage.phone.register()
      #expect(stage.callAbroad() == 1)
    }
  }
}
