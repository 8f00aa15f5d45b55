import Elements
import Limits

/// The money of one leg: whose, how much is held, and until when it may talk.
///
///     reserved ──answer──▶ running ──renewed and durable──▶ running
///                             └──renewal refused──▶ last slice ──expiry──▶ cut
///                                room again: running ◀─┘
struct PaidLeg: Sendable {
  let account: AccountID
  var trunk: TrunkID
  /// The digits that are called.
  let number: String
  var reservation: Reservation
  /// The batch that must be durable before the INVITE leaves.
  var batch: UInt64
  /// A renewed slice whose batch is not durable yet: it does not count before.
  var renewal: Renewal?
  /// The ledger gave no more: the call ends at the expiry, unless there is room before (`renewLastSlices`).
  var isLastSlice = false
  var slices = 1
  var isSettled = false
  /// What the habits of the account have thought of it; nil where they know nothing of it.
  var habit: HabitTicket?

  struct Renewal: Sendable {
    let reservation: Reservation
    let batch: UInt64
  }

  init(
    account: AccountID, trunk: TrunkID, number: String, reservation: Reservation, batch: UInt64
  ) {
    (self.account, self.trunk, self.number) = (account, trunk, number)
    (self.reservation, self.batch) = (reservation, batch)
  }

  /// When something must be done about it: renew, or cut.
  var deadline: Instant? {
    guard !isSettled else { return nil }
    if isLastSlice || renewal != nil { return reservation.expiry }
    guard let renewAt = reservation.renewAt, let expiry = reservation.expiry else {
      return reservation.renewAt ?? reservation.expiry
    }
    return min(renewAt, expiry)
  }
}
