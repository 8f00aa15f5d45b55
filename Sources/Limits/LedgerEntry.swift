package import Elements

/// One change of the ledger, complete in itself.
///
/// Effects and not questions, so that a replay needs no clock, no zone and no rate deck. Under 100
/// bytes, but for the words of a person.
package enum LedgerEntry: Hashable, Sendable {
  /// Clock and counter of holds; in checkpoints, and where a person accepts a clock that went back.
  case clock(LedgerTime, lastHold: HoldID)
  /// The terms of a subject, new or changed; `tenant` for accounts.
  case terms(LimitSubject, tenant: TenantID?, LimitSet)
  /// The subject is not in the directory any more.
  case withdrawn(LimitSubject)
  /// A calendar window began, or is restored from a checkpoint.
  case window(LimitSubject, Period, CalendarWindow, WindowChange)
  /// A bucket of a rolling window, in checkpoints.
  case bucket(LimitSubject, Period, index: Int64, used: Tally, granted: Tally)
  case opened(OpenedHold)
  case answered(HoldID)
  /// A slice more: what is posted and held for the call in all.
  case raised(HoldID, posted: Cost, total: Cost, LedgerTime)
  /// Another route before the answer.
  case rerouted(HoldID, trunk: TrunkID?, terms: HoldTerms, total: Cost, LedgerTime)
  case finished(HoldID, charged: Cost, givesBack: Bool, LedgerTime)
  /// A try that was refused, counted at each level.
  case attempted(AccountID, trunk: TrunkID?, LedgerTime)
  case blocked(LimitSubject, Block)
  case unblocked(LimitSubject, by: String?, at: WallTime)
  case granted(LimitSubject, Grant, WindowKind, LedgerTime)
  case deposited(LimitSubject, micros: Int64, reference: String)
}

/// What becomes of the window that was there.
package enum WindowChange: UInt8, Hashable, Sendable {
  /// It is over.
  case replaces
  /// The zone changed: it stays in force beside the new one until its end.
  case retires
  /// The new one is itself such a window, from a checkpoint.
  case isRetired
}

/// A hold as the journal has it.
package struct OpenedHold: Hashable, Sendable {
  package let id: HoldID
  package let account: AccountID
  package let trunk: TrunkID?
  /// How each level counts it.
  let terms: HoldTerms
  let sellCurrency: Currency
  let purchaseCurrency: Currency
  package let total: Cost
  package let posted: Cost
  /// Of a debt: what was charged for the same INVITE before.
  var credit = Cost.zero
  package let isInternational: Bool
  package let isAnswered: Bool
  /// From a checkpoint: its call is in the counters already.
  let isRestored: Bool
  let time: LedgerTime
  /// When the present trunk counted it; `time` but for calls that changed their route.
  let trunkSince: LedgerTime

  /// No limit was asked: its carrier had answered already (``Ledger/owe(_:credit:at:into:)``).
  package var isDebt: Bool { isAnswered && !isRestored }
}
