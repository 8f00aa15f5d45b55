package import Elements

/// Why the ledger refused: expected in operation; the text says what happened, the numbers, the way out.
package enum LimitError: Error, Hashable, Sendable {
  case unknownAccount(AccountID)
  case unknownTrunk(TrunkID)
  case unknownSubject(LimitSubject)
  /// The hold was settled before, or never was.
  case unknownHold(HoldID)
  /// The hold is from before a restart: its clock is lost, so it can only be finished.
  case interrupted(HoldID)
  /// The price of a call cannot change once it is answered.
  case alreadyAnswered(HoldID)
  case unknownRate(AccountID)
  case blocked(LimitSubject, Block)
  /// A window is full; the subject is blocked from now on.
  case reached(LimitSubject, Meter, WindowKind, Shortage)
  /// The call alone needs more than the whole limit; nothing is blocked.
  case neverFits(LimitSubject, Meter, Shortage)
  case tooManyCalls(LimitSubject, limit: Int64)
  case pricePerMinute(LimitSubject, limit: Money, price: Money)
  case connectionFee(LimitSubject, limit: Money, fee: Money)
  case costPerCall(LimitSubject, limit: Money, needed: Money)
  case balance(LimitSubject, available: Money, needed: Money)
  /// More is to be taken back than was paid in and is neither spent nor held.
  case takeBack(balance: Money, reserved: Money, wanted: Money)
  case currency(LimitSubject, counted: Currency, price: Currency)
  /// A sum beyond what can be counted.
  case outOfRange

  /// The numbers of a limit that is too small.
  package struct Shortage: Hashable, Sendable {
    /// Grants included.
    package let limit: Int64
    package let posted: Int64
    package let reserved: Int64
    package let needed: Int64
    /// Nil for counts.
    package let currency: Currency?

    package init(
      limit: Int64, posted: Int64, reserved: Int64, needed: Int64, currency: Currency?
    ) {
      (self.limit, self.posted, self.reserved) = (limit, posted, reserved)
      (self.needed, self.currency) = (needed, currency)
    }

    func text(_ amount: Int64) -> String {
      currency.map { Money(micros: amount, $0).description } ?? String(amount)
    }
  }
}

extension LimitError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknownAccount(let account):
      "Account \(account) is not in the ledger. Check that its extension and tenant are active."
    case .unknownTrunk(let trunk):
      "Trunk \(trunk) is not in the ledger. Check that it is active and apply the directory again."
    case .unknownSubject(let subject):
      "No limits are known for \(subject). Check its number and apply the directory again."
    case .unknownHold(let hold):
      "Reservation \(hold) is settled or never was. Hang up and call again."
    case .interrupted(let hold):
      "Reservation \(hold) is from before the restart and cannot be prolonged. Call again."
    case .alreadyAnswered(let hold):
      "Reservation \(hold) is of an answered call, whose price is fixed. Hang up and call again."
    case .unknownRate(let account):
      """
      No rate is known for the number that account \(account) dialled, so nobody could say what it \
      costs. Add its prefix to the rate deck and apply it.
      """
    case .blocked(let subject, let block):
      "Outgoing paid calls of \(subject) are blocked: \(block.words). \(subject.unblockHint)"
    case .reached(let subject, let meter, let kind, let shortage):
      """
      Limit of \(meter) of \(subject) reached: \(shortage.text(shortage.posted)) used and \
      \(shortage.text(shortage.reserved)) reserved \(kind.words(meter.period)), of \
      \(shortage.text(shortage.limit)); this call needs \(shortage.text(shortage.needed)). \
      Outgoing paid calls are blocked now. \(subject.unblockHint)
      """
    case .neverFits(let subject, let meter, let shortage) where shortage.limit == 0:
      "The limit of \(meter) of \(subject) is 0: such calls are closed. Raise the limit to open them."
    case .neverFits(let subject, let meter, let shortage):
      """
      This call needs \(shortage.text(shortage.needed)) at once, more than the whole limit of \
      \(meter) of \(subject), \(shortage.text(shortage.limit)). Raise the limit to allow it.
      """
    case .tooManyCalls(let subject, let limit):
      """
      \(limit) paid calls of \(subject) are up, which is its limit. End one, or raise the limit of \
      paid calls at a time.
      """
    case .pricePerMinute(let subject, let limit, let price):
      """
      This call costs \(price) a minute, and \(subject) may pay \(limit) at most. Raise its limit \
      of the price per minute to allow it.
      """
    case .connectionFee(let subject, let limit, let fee):
      """
      This call costs \(fee) to connect, and \(subject) may pay \(limit) at most. Raise its limit \
      of the connection fee to allow it.
      """
    case .costPerCall(let subject, let limit, let needed):
      """
      This call would cost \(needed) by its next moment, and \(subject) may pay \(limit) for one \
      call. Raise its limit of the cost per call to allow it.
      """
    case .balance(let subject, let available, let needed):
      """
      The balance of \(subject) is \(available) and this call needs \(needed). Pay in to go on.
      """
    case .takeBack(let balance, let reserved, let wanted):
      """
      \(wanted) cannot be taken back, and nothing was changed: the balance is \(balance), of which \
      running calls hold \(reserved). At most \(Self.free(balance, reserved)) can be taken back now.
      """
    case .currency(let subject, let counted, let price):
      """
      The price of this call is in \(price) and \(subject) is counted in \(counted). Use a rate \
      deck in \(counted), or change the currency of the limits.
      """
    case .outOfRange:
      "The price of this call is beyond what can be counted. Check its row in the rate deck."
    }
  }

  /// A balance that calls have overdrawn has nothing left to give.
  private static func free(_ balance: Money, _ reserved: Money) -> Money {
    Money(micros: max(0, balance.micros - reserved.micros), balance.currency)
  }
}

extension LimitSubject {
  /// The ledger knows numbers only; whoever reads it puts the name in.
  var unblockHint: String {
    let options =
      switch self {
      case .account: "--tenant NAME --extension NUMBER"
      case .tenant: "--tenant NAME"
      case .trunk: "--trunk NAME"
      case .platform: "--platform"
      }
    return "A person lifts it with `martinet limits unblock \(options)`."
  }
}

extension Block {
  /// "the limit of money per day was reached", "by hand (anna: stolen phone)".
  package var words: String {
    switch reason {
    case .reached(let meter, let kind):
      "the limit of \(meter) was reached \(kind == .rolling ? kind.words(meter.period) : "")"
        .trimmingTrailingSpace
    case .manual(let by, let reason):
      "by hand (\(by): \(reason))"
    case .unusual(let words): "they are not as usual: \(words)"
    }
  }
}

extension String {
  fileprivate var trimmingTrailingSpace: String { last == " " ? String(dropLast()) : self }
}
