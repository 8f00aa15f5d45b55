package import Elements

/// What changes habits, and all of it: the same changes, taken again, give the same habits.
package enum HabitChange: Hashable, Sendable {
  /// A carrier is asked; the call counts as worth what was thought then.
  case called(PaidCall, Oddity, HabitLesson = .second)
  /// What a call cost is known, or more of it: the difference to what it counted before.
  case paid(
    AccountID, TenantID, Oddity, difference: Int64, at: WallTime, HabitLesson = .second)
  /// A person has said that what was odd of late is usual.
  case accepted(AccountID)
  /// A person has said that what was odd of late was a thief's: it teaches nothing, its tenant neither.
  ///
  /// Without a tenant as in journals of before, where it lost only what was not usual yet, and its tenant nothing.
  case disowned(AccountID, TenantID?)
  /// A habit as a checkpoint has it.
  indirect case known(HabitRecord)
}

/// How a change teaches; the journal says it of each, so that a replay learns what was learned when it was written.
package enum HabitLesson: Hashable, Sendable {
  /// As in journals of before: what the odd calls of an account came to on their day raised its tenant's peak on every day with calls.
  case first
  /// A sum teaches what is left of it.
  case second
}

/// One habit in a checkpoint.
package struct HabitRecord: Hashable, Sendable {
  let owner: Owner
  let habit: Habit

  enum Owner: Hashable, Sendable {
    case account(AccountID)
    case tenant(TenantID)
  }
}
