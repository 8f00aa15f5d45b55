package import Elements

/// Why paid calls of a subject are refused until a person unblocks it.
package struct Block: Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    case reached(Meter, WindowKind)
    /// By a person, with the words they gave.
    case manual(by: String, reason: String)
    /// What the account does is not what it usually does, in words.
    case unusual(String)
  }

  package let reason: Reason
  package let since: WallTime
  /// What the call needed that did not fit: micro-units of money, or 1 for counts.
  package let needed: Int64
  /// The account whose call was refused; nil for a block by hand.
  package let cause: AccountID?
}
