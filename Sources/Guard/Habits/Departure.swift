package import Elements

/// Why an account does not behave as it does: the numbers of it, for those who are told.
package struct Departure: Hashable, Sendable {
  package enum Kind: UInt8, Hashable, Sendable {
    /// Calls that are odd have cost more than is tolerated.
    case oddCalls = 1
    /// More was spent within a day than ever.
    case spend = 2
  }

  package let kind: Kind
  package let at: WallTime
  /// What was odd about this call, and whether at all.
  package let oddity: Oddity
  /// Odd calls within a day, this one included, and when the first of them was.
  package let calls: Int
  package let since: WallTime
  /// What is counted, by weight, and what would be tolerated; micro-units.
  package let counted: Int64
  package let tolerated: Int64
  package let usual: UsualDay
}

/// What an account usually does.
package struct UsualDay: Hashable, Sendable {
  /// Most paid calls within an hour, and most that was spent within a day, lately.
  package let callsPerHour: Int64
  package let spentPerDay: Int64
  /// Places that it calls: countries, and premium and such in them apart.
  package let destinations: Int
  /// Whether it calls in that hour of the week: 0 never to 255 always.
  package let hourWeight: Int
}

/// Where an account stands with its habits.
package struct HabitStanding: Hashable, Sendable {
  /// Its tenant is known for long enough that habits stop anybody.
  package let isGuarded: Bool
  /// Days on which it made paid calls.
  package let activeDays: Int
  package let usual: UsualDay
  /// What odd calls of late count, and what is tolerated; micro-units.
  package let counted: Int64
  package let tolerated: Int64
}
