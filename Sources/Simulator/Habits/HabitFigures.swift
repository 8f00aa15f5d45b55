/// What eleven companies came to: false stops of each kind, and what each theft got away with.
package struct HabitFigures: Sendable {
  /// One kind of company over all seeds.
  package struct Company: Sendable {
    package let kind: CompanyKind
    package var accounts = 0
    package var calls = 0
    package var months = 0
    package var stops: [HabitTrial.FalseStop] = []
    /// Most in one company.
    package var mostStops = 0

    /// False stops of one company in a year, in hundredths.
    package var hundredthsAYear: Int { months == 0 ? 0 : stops.count * 1_200 / months }
  }

  /// One way of stealing, in all companies.
  package struct Theft: Sendable {
    package let theft: Simulator.Theft
    package private(set) var raids: [HabitTrial.Raid] = []

    package var stopped: Int { raids.count { $0.delay != nil } }
    /// Seconds from the thief's first call until the stop, of those that were stopped.
    package var delays: [Int] { raids.compactMap(\.delay).sorted() }
    package var calls: [Int] { raids.map(\.calls).sorted() }
    package var losses: [Int64] { raids.map(\.micros).sorted() }
    package var lossesWithout: [Int64] { raids.map(\.microsUnguarded).sorted() }

    fileprivate mutating func add(_ raid: HabitTrial.Raid) { raids.append(raid) }
  }

  package private(set) var companies = CompanyKind.allCases.map { Company(kind: $0) }
  package private(set) var thefts = Simulator.Theft.allCases.map { Theft(theft: $0) }

  package init() {}

  package mutating func add(_ peace: HabitTrial.Peace, _ raids: [HabitTrial.Raid]) {
    for index in companies.indices where companies[index].kind == peace.kind {
      companies[index].accounts = peace.accounts
      companies[index].calls += peace.calls
      companies[index].months += peace.months
      companies[index].stops += peace.stops
      companies[index].mostStops = max(companies[index].mostStops, peace.stops.count)
    }
    // Whoever was stopped before the thief came was not robbed.
    for raid in raids where raid.calls > 0 {
      for index in thefts.indices where thefts[index].theft == raid.theft {
        thefts[index].add(raid)
      }
    }
  }

  /// Whether a kind of company has more than one false stop a year.
  package var isAnnoying: Bool { companies.contains { $0.hundredthsAYear > 100 } }
}

extension [Int] {
  /// The one in the middle; 0 of none.
  package var middle: Int { isEmpty ? 0 : self[count / 2] }
}

extension [Int64] {
  package var middle: Int64 { isEmpty ? 0 : self[count / 2] }
}
