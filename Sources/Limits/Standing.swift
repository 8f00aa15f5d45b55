package import Elements

/// Where a subject stands with its limits: for `martinet limits show` and the panel.
package struct Standing: Hashable, Sendable {
  /// One limit or counter in one window.
  package struct Window: Hashable, Sendable {
    package let meter: Meter
    package let kind: WindowKind
    /// From when on the calendar window counts; for the rolling one its length before now.
    package let from: WallTime
    /// Nil for the rolling window.
    package let until: WallTime?
    /// Spent, or counted.
    package let posted: Int64
    /// Held for calls that run or ring; only money is reserved.
    package let reserved: Int64
    package let limit: Int64?
    /// Allowances given at unblocking, on top of the limit.
    package let granted: Int64

    /// What is left; nil without a limit.
    package var remaining: Int64? { limit.map { max(0, $0 + granted - posted - reserved) } }
  }

  package let subject: LimitSubject
  package let limits: LimitSet
  package let windows: [Window]
  package let openCalls: Int
  package let reserved: Money
  /// Prepaid money that is not reserved; nil for those who pay later.
  package let balance: Money?
  package let block: Block?
}
