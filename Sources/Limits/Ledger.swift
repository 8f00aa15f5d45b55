package import Elements

/// The one truth about money: what every subject has spent, what is held for running calls, who is blocked.
///
/// Every change is an entry: the caller writes `entries` to the journal before it acts on the result,
/// also when a method throws (an attempt and a block are entries too). Replaying the entries gives
/// the same ledger.
package struct Ledger: Sendable {
  package init() {}

  /// Takes over limits, zones and who belongs to whom; never shrinks what was counted.
  package mutating func adopt(
    _ book: LimitBook, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) {}

  /// Holds the price of the first slice of a call in every limit at once, or in none.
  package mutating func reserve(
    _ request: ReservationRequest, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation { throw .unknownAccount(request.account) }

  /// The called party answered: talk time counts from here, and a second answer changes nothing.
  package mutating func answered(
    _ hold: HoldID, at now: Now, into entries: inout [LedgerEntry]
  ) throws(LimitError) -> Reservation { throw .unknownHold(hold) }

  /// Posts what was used and holds the price of a further slice; refused, the call ends at its expiry.
  package mutating func renew(
    _ hold: HoldID, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation { throw .unknownHold(hold) }

  /// Holds the price of another route before its INVITE leaves; a cheaper one keeps the dearer hold.
  package mutating func reprice(
    _ hold: HoldID, to price: Price?, over trunk: TrunkID?, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) throws(LimitError) -> Reservation { throw .unknownHold(hold) }

  /// Settles a call; nil when it was settled before, and then nothing changed.
  package mutating func finish(
    _ hold: HoldID, _ outcome: Outcome, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) -> Charge? { nil }

  /// Blocks paid calls of a subject by hand; false when it is unknown or blocked already.
  @discardableResult
  package mutating func block(
    _ subject: LimitSubject, by person: String, reason: String, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) -> Bool { false }

  /// What a person gives with an unblocking.
  package enum Allowance: Hashable, Sendable {
    /// One more limit in each window that is (nearly) full: calls go out again. Recorded as a grant.
    case oneMoreLimit
    /// This much more money in each money window that is (nearly) full, and one more limit of the counts.
    case money(Int64)
    /// Nothing: calls go out only as far as the windows have rolled or limits were raised.
    case none
  }

  /// Ends a block, and what was counted stays counted; false when there was no block.
  @discardableResult
  package mutating func unblock(
    _ subject: LimitSubject, by person: String, allowance: Allowance = .oneMoreLimit, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) -> Bool { false }

  /// Pays money in for a prepaid subject; negative amounts correct, never below what is held.
  package mutating func deposit(
    _ amount: Money, to subject: LimitSubject, reference: String, at now: Now,
    into entries: inout [LedgerEntry]
  ) throws(LimitError) { throw .outOfRange }

  /// Does again what a journal entry says.
  package mutating func replay(_ entry: LedgerEntry) throws(LedgerReplayError) {}

  /// Entries that recreate this ledger in an empty one.
  package func checkpoint() -> [LedgerEntry] { [] }

  /// Where a subject stands; nil when it is unknown.
  package func standing(of subject: LimitSubject, at now: Now) -> Standing? { nil }

  /// The holds that are open, ascending: after a restart each is finished with `.unknown`.
  package var openHolds: [HoldID] { [] }
}

/// A journal entry that does not fit the state before it: the journal is damaged or incomplete.
package struct LedgerReplayError: Error, Hashable, CustomStringConvertible {
  package let reason: String

  package var description: String {
    "The journal does not fit together: \(reason). Restore the newest checkpoint."
  }
}
