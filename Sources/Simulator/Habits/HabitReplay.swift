import Elements
package import Guard

/// Recorded calls through the habits, as if those had stood at the door then.
///
/// Whoever was stopped is taken for honest and let out again at once, so that the rest counts, too.
package struct HabitReplay: Sendable {
  /// A paid call as a record has it.
  package struct Call: Sendable {
    package let paid: PaidCall
    package let talk: Duration
    package let cost: Int64

    package init(_ paid: PaidCall, talk: Duration, cost: Int64) {
      (self.paid, self.talk, self.cost) = (paid, talk, cost)
    }
  }

  /// A call that habits would have refused or ended.
  package struct Stop: Sendable {
    package let call: PaidCall
    package let departure: Departure
  }

  package private(set) var book = HabitBook()
  package private(set) var stops: [Stop] = []
  private let limitPerDay: Int64?

  package init(limitPerDay: Int64?) {
    self.limitPerDay = limitPerDay
  }

  private struct Step {
    let at: WallTime
    let index: Int
    /// Thousandths of the call that are over; nil: it begins.
    let part: Int64?
  }

  /// How often a call that goes on is looked at.
  private static let interval: Duration = .seconds(120)

  /// Takes all calls, in whatever order they come.
  package mutating func run(_ calls: [Call]) {
    var steps: [Step] = []
    for (index, call) in calls.enumerated() {
      steps.append(Step(at: call.paid.at, index: index, part: nil))
      let talk = call.talk.wholeMilliseconds
      for time in stride(from: Self.interval.wholeMilliseconds, to: talk, by: 120_000) {
        steps.append(
          Step(at: call.paid.at + .milliseconds(time), index: index, part: time * 1000 / talk))
      }
      steps.append(Step(at: call.paid.at + call.talk, index: index, part: 1000))
    }
    steps.sort { ($0.at, $0.index, $0.part ?? -1) < ($1.at, $1.index, $1.part ?? -1) }
    var up: [Int: (oddity: Oddity, counted: Int64)] = [:]
    for step in steps {
      let call = calls[step.index]
      if let part = step.part {
        guard let state = up[step.index] else { continue }
        up[step.index]?.counted = goOn(call, state.oddity, state.counted, part, at: step.at)
      } else {
        up[step.index] = (begin(call.paid), call.paid.worth)
      }
    }
  }

  private mutating func begin(_ call: PaidCall) -> Oddity {
    var judgement = book.judge(call, limitPerDay: limitPerDay)
    if let departure = judgement.departure {
      stop(call, departure)
      judgement = book.judge(call, limitPerDay: limitPerDay)
    }
    book.take(.called(call, judgement.oddity))
    return judgement.oddity
  }

  /// - Returns: What the call counts as from now on.
  private mutating func goOn(
    _ call: Call, _ oddity: Oddity, _ counted: Int64, _ part: Int64, at: WallTime
  ) -> Int64 {
    let cost = call.cost / 1000 * part + call.cost % 1000 * part / 1000
    guard part == 1000 ? cost != counted : cost > counted else { return counted }
    let (account, tenant) = (call.paid.account, call.paid.tenant)
    book.take(.paid(account, tenant, oddity, difference: cost - counted, at: at))
    if part < 1000,
      let departure = book.judgeRunning(
        account, tenant, oddity, limitPerDay: limitPerDay, at: at,
        zoneOffset: call.paid.zoneOffset)
    {
      stop(call.paid, departure)
    }
    return cost
  }

  private mutating func stop(_ call: PaidCall, _ departure: Departure) {
    stops.append(Stop(call: call, departure: departure))
    book.take(.accepted(call.account))
  }
}
