import Elements
import Foundation
import Testing

@testable import Limits

@Suite struct HistoryTests {
  private static let zones: [TimeZoneRules] = [
    .utc, (try? TestZones.load("Europe/Madrid")) ?? .utc,
    (try? TestZones.load("America/Havana")) ?? .utc,
    (try? TestZones.load("Asia/Kathmandu")) ?? .utc,
  ]

  /// Runs seeds until one complains; how many calls were granted in all.
  private func run(
    _ seeds: ClosedRange<UInt64>, _ options: History.Options, _ fault: History.Fault = .none
  ) throws -> (complaint: String?, accepted: Int, refused: Int) {
    var (accepted, refused) = (0, 0)
    for seed in seeds {
      var history = History(seed: seed, options: options, fault: fault, zones: Self.zones)
      try history.run()
      accepted += history.accepted
      refused += history.refused
      if let complaint = history.complaints.first {
        return ("seed \(seed), \(complaint)", accepted, refused)
      }
    }
    return (nil, accepted, refused)
  }

  /// MARTINET_HISTORIES=n makes n times as many; `./test` runs one.
  private static let factor =
    UInt64(
      ProcessInfo.processInfo.environment["MARTINET_HISTORIES"] ?? "") ?? 1

  @Test(
    "I1, I3, I7: the ledger agrees with the reference after every step of random histories",
    arguments: 0..<6 * factor)
  func agreesWithReference(block: UInt64) throws {
    let result = try run(block * 10 + 1...block * 10 + 10, History.Options())
    #expect(result.complaint == nil)
    #expect(result.accepted > 30)
    #expect(result.refused > 10)
  }

  @Test(
    "F27: with zones that change in the middle no step passes a limit", arguments: 0..<2 * factor)
  func zoneChanges(block: UInt64) throws {
    var options = History.Options()
    options.zoneChanges = true
    let result = try run(block * 10 + 5001...block * 10 + 5010, options)
    #expect(result.complaint == nil)
  }

  @Test(
    "A planted bug is caught by the same histories",
    arguments: History.Fault.allCases.filter { $0 != .none })
  func catchesPlantedBug(fault: History.Fault) throws {
    #expect(try run(1...300, History.Options(), fault).complaint != nil)
  }

  @Test(
    "F23: killed at every entry, the ledger comes back and has counted what the carrier may take",
    arguments: UInt64(1)...3)
  func killedAtEveryEntry(seed: UInt64) throws {
    var options = History.Options(crashes: false, clockSteps: false)
    options.steps = 40
    var history = History(seed: seed, options: options, zones: Self.zones)
    try history.run()
    #expect(history.complaints == [])
    let entries = history.bench.entries
    let basis = history.bench.book.lines.first { $0.subject == .platform }?.limits.basis
    for count in 0...entries.count {
      var reborn = Ledger()
      for entry in entries[..<count] { try reborn.replay(entry) }
      var copy = Ledger()
      for entry in reborn.checkpoint() { try copy.replay(entry) }
      #expect(copy.checkpoint().elementsEqual(reborn.checkpoint()))
      guard let worst = history.worst.last(where: { $0.entries == count }) else { continue }
      var (written, notices): ([LedgerEntry], [LedgerNotice]) = ([], [])
      for hold in reborn.openHolds {
        let charge = reborn.finish(
          hold, .unknown, at: history.bench.now, into: &written, notices: &notices)
        #expect(charge?.isAssumed == true)
      }
      let standing = try #require(reborn.standing(of: .platform, at: history.bench.now))
      let counted = try #require(
        standing.windows.first { $0.meter == Meter(.money, per: .month) && $0.kind == .rolling })
      if basis != .sell { #expect(counted.posted >= worst.cost, "after \(count) entries") }
      #expect(standing.openCalls == 0 && standing.reserved.micros == 0)
    }
  }
}
