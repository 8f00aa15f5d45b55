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
    arguments: 0..<10 * factor)
  func agreesWithReference(block: UInt64) throws {
    let result = try run(block * 20 + 1...block * 20 + 20, History.Options())
    #expect(result.complaint == nil)
    #expect(result.accepted > 30)
    #expect(result.refused > 15)
  }

  @Test(
    "F27: with zones that change in the middle no step passes a limit", arguments: 0..<3 * factor)
  func zoneChanges(block: UInt64) throws {
    var options = History.Options()
    options.zoneChanges = true
    let result = try run(block * 20 + 5001...block * 20 + 5020, options)
    #expect(result.complaint == nil)
  }

  @Test(
    "A planted bug is caught by the same histories",
    arguments: History.Fault.allCases.filter { $0 != .none })
  func catchesPlantedBug(fault: History.Fault) throws {
    #expect(try run(1...300, History.Options(), fault).complaint != nil)
  }
}
