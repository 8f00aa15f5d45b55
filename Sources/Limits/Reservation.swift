package import Elements

/// A wish to call out for money.
package struct ReservationRequest: Sendable {
  /// Who pays, which may differ from who dialled.
  package var account: AccountID
  /// The trunk that is tried first; its limits count too.
  package var trunk: TrunkID?
  /// The dearest route that may be tried; nil where no rate is known, and then the call is refused.
  package var price: Price?
  package var isInternational: Bool
  /// How long it may ring before the switch gives up; the price is held for an answer at any moment until then.
  package var ringLimit: Duration
  /// How long the carrier may take to stop: paid in advance behind every slice.
  package var guardTime: Duration
  /// A further attempt of the same call while the hold of one before may still be charged.
  ///
  /// Nobody has asked for a second call: where it does not fit it is refused, and nothing is blocked or counted.
  package var isFailover = false

  package init(
    account: AccountID, trunk: TrunkID? = nil, price: Price?, isInternational: Bool,
    ringLimit: Duration = .seconds(180), guardTime: Duration = .seconds(2)
  ) {
    (self.account, self.trunk, self.price) = (account, trunk, price)
    self.isInternational = isInternational
    (self.ringLimit, self.guardTime) = (ringLimit, guardTime)
  }
}

/// What a call may do with the money that is held for it.
package struct Reservation: Hashable, Sendable {
  package let hold: HoldID
  /// Time from the answer that is paid for; behind it the guard is paid too.
  package let talkTime: Duration
  /// Unanswered calls end here.
  package let ringUntil: Instant
  /// Answered calls end here unless renewed: BYE leaves, the relay falls silent; nil before the answer.
  package let expiry: Instant?
  /// When to renew: the guard before `expiry`, so that a refusal still leaves time for a warning tone.
  package let renewAt: Instant?
  /// What is held and posted for this call so far, as the payer's own level counts it.
  package let held: Money
}

/// How a call ended, as far as is known.
package enum Outcome: Hashable, Sendable {
  /// The carrier gave a final failure, so it cannot charge: releases all.
  case neverAnswered
  /// The carrier stopped at this moment: the exact price is posted, the rest released.
  case ended(at: Instant)
  /// Timeout, crash, no final answer: it may have been answered, so all that is held is charged; of an answered call, what it
  /// costs until now where that is more.
  case unknown
  /// A call whose clock died with the process, and whose end the carrier has proven since, or for too long not: what a call
  /// of that length costs is charged, and all that is held if that is more.
  case outlived(Price, talk: Duration, answeredAt: WallTime)
}

/// What a call cost in the end.
package struct Charge: Hashable, Sendable {
  package let hold: HoldID
  package let account: AccountID
  package let sell: Money
  package let purchase: Money
  /// The outcome was unknown, and the dearest that it can have been is charged.
  package let isAssumed: Bool
}
