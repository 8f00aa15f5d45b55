package import Elements
package import Guard

/// Months of eleven companies, honest but for what is stolen on purpose: what habits stop, and what they cost and save.
package struct HabitTrial: Sendable {
  /// A company without a thief.
  package struct Peace: Sendable {
    package let kind: CompanyKind
    package let months: Int
    package let accounts: Int
    package let calls: Int
    package let stops: [FalseStop]
  }

  /// A stop that nobody deserved.
  package struct FalseStop: Sendable {
    package let account: AccountID
    /// Since the system was new.
    package let day: Int
    package let country: String
    package let departure: Departure
  }

  /// One theft in one company, and the same without habits.
  package struct Raid: Sendable {
    package let kind: CompanyKind
    package let theft: Theft
    /// From the thief's first call; nil: habits did not stop it.
    package let delay: Int?
    package let calls: Int
    package let micros: Int64
    package let callsUnguarded: Int
    package let microsUnguarded: Int64
    /// Whether a limit ended it where habits were off.
    package let isEndedByLimit: Bool
  }

  package let seed: UInt64
  package let months: Int

  package init(seed: UInt64, months: Int) {
    (self.seed, self.months) = (seed, months)
  }

  static let daysOfMonth = 30

  package func peace(_ kind: CompanyKind) -> Peace {
    let number = UInt64(CompanyKind.allCases.firstIndex(of: kind) ?? 0) + 1
    var company = Company(kind, number: number, seed: seed)
    var run = HabitRun(company)
    for day in 0..<months * Self.daysOfMonth {
      run.live(company.calls(of: day), until: (day + 1) * 86_400)
    }
    return Peace(
      kind: kind, months: months, accounts: company.staff.count, calls: run.calls,
      stops: run.stops.map {
        FalseStop(
          account: $0.account, day: $0.at / 86_400, country: CallPrices.letters($0.destination),
          departure: $0.departure)
      })
  }

  /// All five thefts, each of one account, after months of honest work.
  package func raids(_ kind: CompanyKind) -> [Raid] {
    let number = UInt64(CompanyKind.allCases.firstIndex(of: kind) ?? 0) + 1
    var company = Company(kind, number: number, seed: seed)
    var run = HabitRun(company)
    let first = months * Self.daysOfMonth
    for day in 0..<first {
      run.live(company.calls(of: day), until: (day + 1) * 86_400)
    }
    var dice = Fortune(seed: seed ^ number)
    return Theft.allCases.compactMap { theft in
      let there = company.staff.filter { $0.isThere(first) }
      guard !there.isEmpty else { return nil }
      let victim = dice.pick(there).account
      let stolen = theft.calls(
        on: victim, from: first, limitPerDay: company.limitPerDay, &dice)
      let guarded = raid(run, company, victim, stolen, from: first, isGuarded: true)
      let open = raid(run, company, victim, stolen, from: first, isGuarded: false)
      let delay = guarded.stoppedAt.flatMap { stop in guarded.firstCall.map { stop - $0 } }
      return Raid(
        kind: kind, theft: theft, delay: delay, calls: guarded.calls, micros: guarded.micros,
        callsUnguarded: open.calls, microsUnguarded: open.micros,
        isEndedByLimit: open.stoppedAt != nil)
    }
  }

  private func raid(
    _ before: HabitRun, _ company: Company, _ victim: AccountID, _ stolen: [GeneratedCall],
    from first: Int, isGuarded: Bool
  ) -> HabitRun.Loss {
    var (run, company) = (before, company)
    run.isGuarded = isGuarded
    run.till = Till(
      victim, limitPerDay: company.limitPerDay, at: HabitRun.now(first * 86_400))
    let last = max(first, (stolen.map(\.start).max() ?? 0) / 86_400 + 1)
    for day in first...last {
      // Only who was stolen from can be stopped for it: the others need not be lived through.
      let honest = company.calls(of: day).filter { $0.account == victim }
      let thief = stolen.filter { $0.start / 86_400 == day }
      run.live(honest + thief, until: (day + 1) * 86_400)
    }
    return run.loss
  }
}
