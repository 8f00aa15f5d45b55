import ArgumentParser
import Dispatch
import Foundation
import Simulator
import Synchronization

struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The real switch among simulated phones, carriers and thieves.",
    discussion: """
      Each seed decides a world: its faults, its people, its prices. The same seed gives the same world, \
      to the last byte. Ends with status 1 when a rule was broken.

      With --habits: eleven companies and their calls instead, month after month, and five thefts under the \
      limits. Shows whom habits stop by mistake, and what each theft costs with and without them. Ends with \
      status 1 when a kind of company has more than one false stop a year.
      """)

  @Option(help: "The first seed; alone: only this one.")
  var seed: UInt64?

  @Option(help: "How many seeds. (default: 100)")
  var seeds: Int?

  @Option(help: "Instead of a number of seeds: until so many days were lived in all.")
  var days: Double?

  @Option(help: "The same in hours.")
  var hours: Double?

  @Option(
    help: ArgumentHelp(
      "Plant a mistake, to see it caught.",
      discussion: Sabotage.allCases.map(\.rawValue).joined(separator: ", ")))
  var sabotage: String?

  @Flag(help: "What companies usually do, and what departs from it.")
  var habits = false

  @Option(help: "With --habits: how long each company lives. (default: 12)")
  var months: Int?

  @Flag(help: "Print a line for each event of the one --seed.")
  var trace = false

  @Flag(help: "One JSON object at the end.")
  var json = false

  func validate() throws {
    if let sabotage, Sabotage(rawValue: sabotage) == nil {
      throw ValidationError(
        "There is no mistake called \(sabotage). Known: "
          + Sabotage.allCases.map(\.rawValue).joined(separator: ", ") + ".")
    }
    if trace, seed == nil || json { throw ValidationError("--trace needs --seed, and no --json.") }
    if habits, trace || sabotage != nil || days != nil || hours != nil {
      throw ValidationError("--habits goes with --months, --seed, --seeds and --json only.")
    }
    if let months, !habits || !(2...120).contains(months) {
      throw ValidationError("--months is from 2 to 120, with --habits.")
    }
    if let seeds, seeds < 1 { throw ValidationError("--seeds must be 1 or more.") }
    for length in [days, hours] {
      if let length, length <= 0 { throw ValidationError("A time must be above 0.") }
    }
    if seeds != nil, days != nil || hours != nil {
      throw ValidationError("Say either how many seeds or how much time.")
    }
  }

  func run() throws {
    if habits {
      let first = seed ?? 1
      let report = HabitTrials(
        seeds: first..<first + UInt64(seeds ?? 1), months: months ?? 12
      ).run()
      if json { try JSONLine.print(report) } else { report.show() }
      if report.isAnnoying { throw ExitCode.failure }
      return
    }
    let mistake = sabotage.flatMap(Sabotage.init(rawValue:))
    if trace, let seed {
      let (verdict, lines) = try Simulation.trace(seed: seed, sabotage: mistake)
      for line in lines { print(line) }
      var report = SimulationReport()
      report.add(verdict)
      return try finish(report)
    }
    try finish(runAll(mistake))
  }

  /// Runs seed after seed, as many at a time as there are processors; worlds share nothing.
  private func runAll(_ mistake: Sabotage?) throws -> SimulationReport {
    let longest = (days ?? 0) * 86_400 + (hours ?? 0) * 3_600
    let isTimed = days != nil || hours != nil
    let wanted = isTimed ? Int.max : seeds ?? (seed == nil ? 100 : 1)
    var report = SimulationReport()
    var next = seed ?? 1
    while report.seeds < wanted, !isTimed || report.virtualSeconds < longest {
      let batch = min(Self.batch, wanted - report.seeds)
      for verdict in try Self.run(next..<next + UInt64(batch), mistake) {
        for violation in verdict.violations where !json {
          print("seed \(verdict.seed): \(violation)")
        }
        report.add(verdict)
        if isTimed, report.virtualSeconds >= longest { break }
      }
      next += UInt64(batch)
    }
    return report
  }
  private static let batch = 64

  private static func run(_ seeds: Range<UInt64>, _ mistake: Sabotage?) throws -> [Verdict] {
    let results = Mutex<[UInt64: Result<Verdict, any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: seeds.count) { index in
      let seed = seeds.lowerBound + UInt64(index)
      let result = Result { try Simulation.run(seed: seed, sabotage: mistake) }
      results.withLock { $0[seed] = result }
    }
    return try results.withLock { results in try seeds.compactMap { try results[$0]?.get() } }
  }

  private func finish(_ report: SimulationReport) throws {
    if json { try JSONLine.print(report) } else { print(report.words) }
    if report.violations > 0 { throw ExitCode.failure }
  }
}

/// What a run of the simulator came to.
struct SimulationReport: Encodable {
  private(set) var seeds = 0
  private(set) var virtualSeconds = 0.0
  private(set) var violations = 0
  private(set) var firstFailingSeed: UInt64?
  private var tally = WorldTally()

  private enum CodingKeys: String, CodingKey {
    case seeds, violations
    case virtualHours = "virtual_hours"
    case firstFailingSeed = "first_failing_seed"
  }

  mutating func add(_ verdict: Verdict) {
    seeds += 1
    virtualSeconds += verdict.virtualTime / .seconds(1)
    violations += verdict.violations.count
    if firstFailingSeed == nil, !verdict.violations.isEmpty { firstFailingSeed = verdict.seed }
    tally = tally + verdict.tally
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(seeds, forKey: .seeds)
    try container.encode((virtualSeconds / 36).rounded() / 100, forKey: .virtualHours)
    try container.encode(violations, forKey: .violations)
    // Said also where there is none.
    try container.encode(firstFailingSeed, forKey: .firstFailingSeed)
  }

  var words: String {
    let hours = String(format: "%.1f", virtualSeconds / 3600)
    let billed = String(format: "%.2f", Double(tally.billed) / 1_000_000)
    let outcome =
      firstFailingSeed.map {
        "\(violations) rules were broken, first by seed \($0): run it with --trace."
      } ?? "No rule was broken."
    return """
      \(seeds) seeds, \(hours) hours of their time: \(tally.attempts) calls, \(tally.answered) answered, \
      \(tally.paid) billed by carriers (\(billed) EUR), \(tally.starts) starts of the process.
      \(outcome)
      """
  }
}
