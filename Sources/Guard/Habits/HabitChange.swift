package import Elements

/// What changes habits, and all of it: the same changes, taken again, give the same habits.
package enum HabitChange: Hashable, Sendable {
  /// A carrier is asked; the call counts as worth what was thought then.
  case called(PaidCall, Oddity)
  /// What a call cost is known, or more of it: the difference to what it counted before.
  case paid(AccountID, TenantID, Oddity, difference: Int64, at: WallTime)
  /// A person has said that what was odd of late is usual.
  case accepted(AccountID)
  /// A person has said that what was odd of late was a thief's: it teaches nothing.
  case disowned(AccountID)
  /// A habit as a checkpoint has it.
  indirect case known(HabitRecord)
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
