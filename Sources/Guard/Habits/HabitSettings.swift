/// What habits go by; measured on generated companies (Simulator/Habits).
package struct HabitSettings: Hashable, Sendable {
  // MARK: What is known

  /// A tenant is known from this many days with paid calls on, the first of them so long ago: before, the limits alone protect it.
  package var activeDaysToKnow = 10
  package var daysToKnow: Int32 = 28
  /// The same of an account: before, its tenant's habits stand for its own.
  package var activeDaysOfAccount = 10
  /// A place is usual after this many days on which it was there, the first so long ago.
  package var daysToSettle = 3
  package var ageToSettle: Int32 = 5
  /// The same of a network that calls come from.
  package var daysOfOrigin = 3
  package var ageOfOrigin: Int32 = 7
  /// Whoever came from more new networks than this within a fortnight is on the move, and a further one says nothing.
  package var roaming: Int64 = 3
  /// So long a theft goes on at the most until somebody finds it, as in the bill of a month: what odd calls have made usual
  /// since then is forgotten with them.
  package var daysOfTheft: Int32 = 42

  // MARK: What is odd

  /// Weights of hours (``UsualHours``) from which they are usual, and rare.
  package var usualHour = 48
  package var rareHour = 12
  /// So many times the price of the tenant's usual minute is dear.
  package var dear: Int64 = 24

  // MARK: What is tolerated

  /// Fewer odd calls than this stop nobody, but one call that goes on and on.
  package var leastOddCalls = 3
  /// Minutes at the tenant's usual price that odd calls may cost at the least.
  package var toleratedMinutes: Int64 = 240
  /// The part of the account's limit per day that they may cost at the least.
  package var partOfLimit: Int64 = 3
  /// So many times the most that was spent within a day is more than ever.
  package var spendFactor: Int64 = 4

  // MARK: Bounds of memory

  package var destinationsOfAccount = 32
  package var destinationsOfTenant = 96
  package var originsOfAccount = 12
  package var originsOfTenant = 48
  package var oddCallsKept = 16

  package init() {}
}
