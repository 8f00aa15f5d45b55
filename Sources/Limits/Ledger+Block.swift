package import Elements

extension Ledger {
  /// Blocks paid calls of a subject by hand; false when it is unknown or blocked by hand already.
  ///
  /// A block by a limit becomes one by hand, which no window ends.
  @discardableResult
  package mutating func block(
    _ subject: LimitSubject, by person: String, reason: String, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) -> Bool {
    advance(to: now)
    guard let place = places[subject] else { return false }
    if case .manual = nodes[place].block?.reason { return false }
    let block = Block(
      reason: .manual(by: person.cut, reason: reason.cut),
      since: WallTime(unixMilliseconds: time.wall), needed: 0, cause: nil)
    record(.blocked(subject, block), &entries)
    notices.append(.blocked(subject, block, used: 0, limit: nil))
    return true
  }

  /// Blocks paid calls of an account that departs from its habits, which `words` say how; false where it is blocked already.
  @discardableResult
  package mutating func block(
    _ account: AccountID, unusual words: String, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) -> Bool {
    advance(to: now)
    let subject = LimitSubject.account(account)
    guard let place = places[subject], nodes[place].block == nil else { return false }
    let block = Block(
      reason: .unusual(String(words.prefix(512))), since: WallTime(unixMilliseconds: time.wall),
      needed: 0, cause: account)
    record(.blocked(subject, block), &entries)
    notices.append(.blocked(subject, block, used: 0, limit: nil))
    return true
  }

  /// Why a subject is blocked; nil where it is not.
  package func block(of subject: LimitSubject) -> Block? {
    places[subject].flatMap { nodes[$0].block }
  }

  /// What a person gives with an unblocking.
  package enum Allowance: Hashable, Sendable {
    /// One more limit in each window that is (nearly) full: calls go out again. Recorded as a grant.
    case oneMoreLimit
    /// This much more in each money window that is (nearly) full, and one more limit of the counts.
    case money(Int64)
    /// Nothing: calls go out only as far as the windows have rolled or limits were raised.
    case none
  }

  /// Ends a block, and what was counted stays counted; false when there was no block.
  ///
  /// So that calls go out again in the plainest use, a window with less than a tenth of its limit
  /// left, or less than the refused call needed, is given one more limit. It is written as a grant,
  /// leaves with its window, and is told.
  @discardableResult
  package mutating func unblock(
    _ subject: LimitSubject, by person: String, allowance: Allowance = .oneMoreLimit, at now: Now,
    into entries: inout [LedgerEntry], notices: inout [LedgerNotice]
  ) -> Bool {
    advance(to: now)
    guard let place = places[subject], let block = nodes[place].block else { return false }
    refresh(place, &entries)
    let at = WallTime(unixMilliseconds: time.wall)
    record(.unblocked(subject, by: person.cut, at: at), &entries)
    var grants: [Grant] = []
    for full in nodes[place].fullWindows(for: block) {
      guard let amount = allowance.amount(of: full.meter, limit: full.limit), amount > 0 else {
        continue
      }
      let grant = Grant(meter: full.meter, amount: amount)
      record(.granted(subject, grant, full.kind, time), &entries)
      if !grants.contains(grant) { grants.append(grant) }
    }
    notices.append(.unblocked(subject, by: person.cut, grants: grants))
    return true
  }

  /// Pays money in for a prepaid subject; negative amounts correct, never below what is held.
  package mutating func deposit(
    _ amount: Money, to subject: LimitSubject, reference: String, at now: Now,
    into entries: inout [LedgerEntry]
  ) throws(LimitError) {
    advance(to: now)
    guard let place = places[subject] else { throw .unknownSubject(subject) }
    let node = nodes[place]
    guard amount.currency == node.limits.currency else {
      throw .currency(subject, counted: node.limits.currency, price: amount.currency)
    }
    let (balance, overflow) = node.balance.addingReportingOverflow(amount.micros)
    guard !overflow else { throw .outOfRange }
    guard amount.micros >= 0 || balance >= node.reservedBalance else {
      throw .takeBack(
        balance: Money(micros: node.balance, amount.currency),
        reserved: Money(micros: node.reservedBalance, amount.currency),
        wanted: Money(micros: -amount.micros, amount.currency))
    }
    record(.deposited(subject, micros: amount.micros, reference: reference.cut), &entries)
  }
}

extension Ledger.Allowance {
  fileprivate func amount(of meter: Meter, limit: Int64) -> Int64? {
    switch self {
    case .oneMoreLimit: limit
    case .money(let micros): meter.quantity == .money ? micros : limit
    case .none: nil
    }
  }
}

extension String {
  /// The first 64 characters: words of people are kept short in the journal.
  fileprivate var cut: String { String(prefix(64)) }
}
