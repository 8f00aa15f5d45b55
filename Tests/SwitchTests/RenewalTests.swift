import Directory
import Elements
import Limits
import Relay
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// The next slice of a call that goes on.
@Suite struct RenewalTests {
  /// A call that has been answered at a price of the deck: fee, price per minute, minimum, increment, and rounding.
  private func talking(
    at price: String, paidIn: Int64 = 0, _ change: (inout Town) -> Void = { _ in }
  ) throws -> (bench: Bench, phone: UserAgent, carrier: UserAgent) {
    var town = Town()
    town.retail = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s,rounding
      34,Spain,\(price)

      """
    change(&town)
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    if paidIn > 0 {
      let account = LimitSubject.account(try payer(bench))
      bench.command(.deposit(Money(micros: paidIn, .eur), account, reference: "7", by: "anna"))
    }
    phone.call("976333444")
    bench.run(for: .seconds(3))
    #expect(phone.lastStatus == 200)
    return (bench, phone, carrier)
  }

  @Test(
    "A slice that costs no more than what is held is there at once: the call goes on, and the relay with it",
    arguments: [("0,0,0,1,", Int64(0)), ("0.10,0,0,1,", 100_000), ("0,0.006,0,1,0.01", 20_000)])
  func nothingToWrite(price: String, cost: Int64) throws {
    let (bench, phone, carrier) = try talking(at: price)
    bench.run(for: .seconds(120))
    #expect(carrier.received(.bye).isEmpty && phone.received(.bye).isEmpty)
    #expect(bench.records.isEmpty && bench.core.calls.count == 1)
    let until = bench.commands.compactMap {
      if case .renew(_, let until) = $0 { until } else { nil }
    }.max()
    #expect(try #require(until) > bench.now.instant)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.cause) == [.normal])
    #expect(bench.records.first?.sell?.micros == cost)
    #expect(bench.loadAtRest().isAtRest)
  }

  /// What makes room again.
  enum Rescue: CaseIterable {
    case limit, deposit, unblock, disk
  }

  /// A call with room for half a minute, in whose last two seconds something happens; nil: nothing.
  private func lastSlice(rescue: Rescue?) throws -> (bench: Bench, carrier: UserAgent) {
    var limits = LimitEntry.account
    limits.spend.dayMicros = rescue == .disk ? 10_000_000 : 30_000
    limits.isPrepaid = rescue == .deposit
    if rescue == .deposit { limits.spend = SpendEntry() }
    // One that blocks nobody.
    if rescue == .limit { limits.spend = SpendEntry(callMicros: 30_000) }
    let (bench, _, carrier) = try talking(at: "0,0.06,0,1,", paidIn: 30_000) { town in
      town.office("101") { $0.limits = limits }
    }
    bench.diskWorks = rescue != .disk
    if rescue == .disk { bench.happen(.journalFailed("no space left on device")) }
    for _ in 0..<400 where !isLast(bench) { bench.run(for: .milliseconds(100)) }
    #expect(isLast(bench) && carrier.received(.bye).isEmpty)
    bench.run(for: .milliseconds(1_500))
    let subject = LimitSubject.account(try payer(bench))
    switch rescue {
    case .limit:
      bench.town.office("101") { $0.limits?.spend.callMicros = 1_000_000 }
      try bench.adopt(revision: 2)
    case .deposit:
      bench.command(.deposit(Money(micros: 900_000, .eur), subject, reference: "8", by: "anna"))
    case .unblock: bench.command(.unblock(subject, by: "anna", reason: "more money"))
    case .disk:
      bench.diskWorks = true
      bench.confirmJournal()
    case nil: break
    }
    return (bench, carrier)
  }

  private func payer(_ bench: Bench, _ number: String = "101") throws -> AccountID {
    let line = bench.core.rules.directory.extensions.first { "\($0.digits)" == number }
    return try #require(line).account
  }

  private func isLast(_ bench: Bench) -> Bool {
    bench.core.calls.values.contains { $0.value.legs.contains { $0.paid?.isLastSlice ?? false } }
  }

  @Test(
    "Money, a larger limit, or a disk that is back in the last seconds: the call goes on",
    arguments: Rescue.allCases)
  func inTime(rescue: Rescue) throws {
    let (bench, carrier) = try lastSlice(rescue: rescue)
    bench.run(for: .seconds(20))
    #expect(carrier.received(.bye).isEmpty && bench.core.calls.count == 1)
    let account = LimitSubject.account(try payer(bench))
    let standing = try #require(bench.core.ledger.standing(of: account, at: bench.now))
    for window in standing.windows {
      #expect(window.limit.map { window.posted + window.reserved <= $0 + window.granted } ?? true)
    }
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("A slice whose batch the disk refuses first counts once it is written: the call goes on")
  func diskAgain() throws {
    let (bench, phone, carrier) = try talking(at: "0,0.06,0,1,")
    bench.diskWorks = false
    let isAsked = {
      bench.core.calls.values.contains { $0.value.legs.contains { $0.paid?.renewal != nil } }
    }
    for _ in 0..<400 where !isAsked() { bench.run(for: .milliseconds(100)) }
    #expect(isAsked())
    bench.happen(.journalFailed("no space left on device"))
    bench.run(for: .seconds(1))
    bench.diskWorks = true
    bench.confirmJournal()
    bench.run(for: .seconds(20))
    #expect(carrier.received(.bye).isEmpty && phone.received(.bye).isEmpty)
    #expect(bench.core.calls.count == 1 && bench.core.waiting.isEmpty)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("Where nothing happens, and behind the cut, the last slice is the last")
  func tooLate() throws {
    let (bench, carrier) = try lastSlice(rescue: nil)
    carrier.answersBye = false
    bench.run(for: .seconds(1))
    #expect(carrier.received(.bye).count == 1)
    let held = bench.core.calls.values.compactMap { $0.value.legs.last?.paid?.reservation.held }
    bench.command(
      .unblock(.account(try payer(bench)), by: "anna", reason: "more money"))
    bench.run(for: .seconds(5))
    let after = bench.core.calls.values.compactMap { $0.value.legs.last?.paid?.reservation.held }
    #expect(held.count == 1 && held == after)
  }

  @Test("Room for somebody else repeats neither the warning tone nor the line of the log")
  func toldOnce() throws {
    let (bench, carrier) = try lastSlice(rescue: nil)
    for reference in ["8", "9"] {
      bench.command(
        .deposit(
          Money(micros: 900_000, .eur), .account(try payer(bench, "102")), reference: reference,
          by: "anna"))
    }
    bench.run(for: .milliseconds(100))
    #expect(isLast(bench) && carrier.received(.bye).isEmpty)
    let tones = bench.commands.count {
      if case .play(_, _, .warning) = $0 { true } else { false }
    }
    let lines = bench.publications.count {
      if case .log(let line) = $0 { line.event == "last slice" } else { false }
    }
    #expect(tones == 1 && lines == 1)
  }

  @Test("Whoever deletes a stolen extension ends its paid calls with their slices, and no other")
  func deleted() throws {
    let (bench, phone, carrier) = try talking(at: "0,0.06,0,1,")
    let colleague = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    colleague.register()
    colleague.call("976333445")
    bench.run(for: .seconds(3))
    #expect(colleague.lastStatus == 200)
    try delete101(bench)
    bench.run(for: .seconds(1))
    #expect(carrier.received(.bye).isEmpty, "what is paid is paid")
    bench.run(for: .seconds(40))
    #expect(phone.received(.bye).count == 1 && carrier.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.cutAtLimit])
    #expect(colleague.received(.bye).isEmpty && bench.core.calls.count == 1)
  }
  @Test("Nor does a call of it that is being set up go to another trunk")
  func deletedInSetup() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    phone.call("976333444")
    bench.run(for: .milliseconds(500))
    try delete101(bench)
    carrier.answer(try #require(carrier.open.first).server, 503)
    bench.run(for: .seconds(5))
    #expect(spare.received(.invite).isEmpty)
    #expect(phone.lastStatus.map { $0 >= 400 } == true)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.loadAtRest().isAtRest)
  }

  private func delete101(_ bench: Bench) throws {
    bench.town.document.tenants[0].extensions.removeAll { $0.number == "101" }
    bench.town.document.tenants[0].numbers.removeAll()
    try bench.adopt(revision: 2)
  }
}
