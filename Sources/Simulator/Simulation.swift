import Elements

/// What one seed came to.
package struct Verdict: Hashable, Sendable {
  package let seed: UInt64
  package let digest: UInt64
  package let virtualTime: Duration
  package let events: Int
  package let violations: [Violation]
  /// What the world did, so that a run which tests nothing is seen.
  package let tally: WorldTally
}

/// How much happened in a world.
package struct WorldTally: Hashable, Sendable {
  package var attempts = 0
  package var answered = 0
  package var paid = 0
  package var records = 0
  package var starts = 0
  /// Accounts that were stopped because they departed from their habits.
  package var departures = 0
  /// What the carriers billed, in micro-units.
  package var billed: Int64 = 0

  package init() {}

  package static func + (left: WorldTally, right: WorldTally) -> WorldTally {
    var sum = left
    sum.attempts += right.attempts
    sum.answered += right.answered
    sum.paid += right.paid
    sum.records += right.records
    sum.starts += right.starts
    sum.departures += right.departures
    sum.billed += right.billed
    return sum
  }
}

/// Runs worlds.
package enum Simulation {
  /// Lives one world through.
  package static func run(seed: UInt64, sabotage: Sabotage? = nil) throws -> Verdict {
    let world = try World(seed: seed, sabotage: sabotage)
    world.live()
    return world.verdict
  }

  /// The same, with a line for each event.
  package static func trace(seed: UInt64, sabotage: Sabotage? = nil) throws -> (Verdict, [String]) {
    let world = try World(seed: seed, sabotage: sabotage, keepsTrace: true)
    world.live()
    return (world.verdict, ["options   \(world.options)"] + world.trace.lines)
  }
}

extension World {
  var verdict: Verdict {
    var tally = WorldTally()
    tally.attempts = attempts.count { $0.placedAt != nil }
    tally.answered = attempts.count { $0.final == 200 }
    tally.records = batches.recordCount
    tally.starts = process + 1
    tally.departures = batches.departures
    for payer in billed.keys.sorted() {
      for (carrier, call) in billed[payer] ?? [] {
        guard let leg = carrier.legs[call] else { continue }
        tally.paid += 1
        tally.billed += leg.tariff.charge(leg.talk(at: now.instant))
      }
    }
    return Verdict(
      seed: seed, digest: trace.digest, virtualTime: now.instant - .start, events: events,
      violations: violations, tally: tally)
  }
}
