import Dispatch
import Elements
import Foundation
import Simulator
import Synchronization

/// Eleven companies over months, as many at a time as there are processors.
struct HabitTrials {
  let seeds: Range<UInt64>
  let months: Int

  func run() -> HabitTrialReport {
    let kinds = CompanyKind.allCases
    let trials = seeds.flatMap { seed in kinds.map { (seed, $0) } }
    let results = Mutex<[Int: (HabitTrial.Peace, [HabitTrial.Raid])]>([:])
    DispatchQueue.concurrentPerform(iterations: trials.count) { index in
      let (seed, kind) = trials[index]
      let peace = HabitTrial(seed: seed, months: months).peace(kind)
      // Thieves come when the company is known for long.
      let raids = HabitTrial(seed: seed, months: min(months, 4)).raids(kind)
      results.withLock { $0[index] = (peace, raids) }
    }
    var figures = HabitFigures()
    results.withLock { results in
      for index in results.keys.sorted() {
        if let (peace, raids) = results[index] { figures.add(peace, raids) }
      }
    }
    return HabitTrialReport(figures, seeds: seeds.count, months: months)
  }
}

/// What they came to, for people and for machines.
struct HabitTrialReport: Encodable {
  let seeds: Int
  let months: Int
  let companies: [Company]
  let thefts: [Theft]
  let isAnnoying: Bool

  struct Company: Encodable {
    let kind: String
    let accounts: Int
    let calls: Int
    let falseStops: Int
    let falseStopsAYear: Double
    let most: Int

    enum CodingKeys: String, CodingKey {
      case kind, accounts, calls
      case falseStops = "false_stops"
      case falseStopsAYear = "false_stops_per_year"
      case most = "most_in_one_company"
    }
  }

  struct Theft: Encodable {
    let theft: String
    let companies: Int
    let stopped: Int
    let delay: Int
    let longestDelay: Int
    let calls: Int
    let cost: String
    let highestCost: String
    let costWithout: String
    let highestCostWithout: String

    enum CodingKeys: String, CodingKey {
      case theft, companies, stopped, calls, cost
      case delay = "delay_s"
      case longestDelay = "longest_delay_s"
      case highestCost = "highest_cost"
      case costWithout = "cost_without"
      case highestCostWithout = "highest_cost_without"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case seeds, months, companies, thefts
  }

  init(_ figures: HabitFigures, seeds: Int, months: Int) {
    (self.seeds, self.months, isAnnoying) = (seeds, months, figures.isAnnoying)
    companies = figures.companies.map {
      Company(
        kind: $0.kind.rawValue, accounts: $0.accounts, calls: $0.calls,
        falseStops: $0.stops.count, falseStopsAYear: Double($0.hundredthsAYear) / 100,
        most: $0.mostStops)
    }
    func money(_ micros: Int64?) -> String {
      Money(micros: (micros ?? 0) / 10_000 * 10_000, .eur).description
    }
    thefts = figures.thefts.map {
      Theft(
        theft: $0.theft.rawValue, companies: $0.raids.count, stopped: $0.stopped,
        delay: $0.delays.middle, longestDelay: $0.delays.last ?? 0, calls: $0.calls.middle,
        cost: money($0.losses.middle), highestCost: money($0.losses.last),
        costWithout: money($0.lossesWithout.middle),
        highestCostWithout: money($0.lossesWithout.last))
    }
  }

  func show() {
    print("\(seeds) of each kind of company, \(months) months, everybody honest:\n")
    print(
      TextTable(
        rows: companies,
        columns: [
          ("COMPANY", { $0.kind }), ("ACCOUNTS", { "\($0.accounts)" }),
          ("PAID CALLS", { "\($0.calls)" }), ("FALSE STOPS", { "\($0.falseStops)" }),
          ("A YEAR", { String(format: "%.2f", $0.falseStopsAYear) }),
          ("MOST IN ONE", { "\($0.most)" }),
        ]))
    print("\nOne account stolen, the thief stays under its limits:\n")
    print(
      TextTable(
        rows: thefts,
        columns: [
          ("THEFT", { $0.theft }), ("STOPPED", { "\($0.stopped) of \($0.companies)" }),
          ("AFTER", { Self.span($0.delay) }), ("LONGEST", { Self.span($0.longestDelay) }),
          ("CALLS", { "\($0.calls)" }), ("COST", { $0.cost }), ("HIGHEST", { $0.highestCost }),
          ("WITHOUT HABITS", { $0.costWithout }), ("HIGHEST", { $0.highestCostWithout }),
        ]))
    print(
      "\nOf each theft what is in the middle, and the highest; the time is from the first call.")
  }

  private static func span(_ seconds: Int) -> String {
    seconds < 5_400 ? "\(seconds / 60) min" : String(format: "%.1f h", Double(seconds) / 3_600)
  }
}
