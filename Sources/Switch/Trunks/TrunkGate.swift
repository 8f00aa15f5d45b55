import Elements
import Limits
import SIP
import SIPSyntax

/// An address of a carrier.
///
/// Only the gate can read where it leads, so nothing else can send there.
struct TrunkHop: Hashable, Sendable {
  fileprivate let hop: NextHop

  init(_ hop: NextHop) {
    self.hop = hop
  }

  var remote: Endpoint { hop.remote }
  /// Our address on the path: for the session description.
  var local: Endpoint { hop.local }
  var transport: Transport { hop.transport }

  func isSameAddress(as other: TrunkHop) -> Bool {
    remote == other.remote && transport == other.transport
  }
}

/// The right to send one INVITE to one trunk: the money for it is reserved and on disk, or the call
/// is to an emergency number.
///
/// There is no other way to make one and no other use for it than ``TrunkGate/invite(_:_:hop:using:at:into:)``;
/// being noncopyable it serves once.
struct TrunkPermit: ~Copyable, Sendable {
  let trunk: TrunkID
  /// Who pays; nil for an emergency call.
  let payer: AccountID?
  let hold: HoldID?
  /// Until when the relay may pass media of the unanswered call.
  let until: Instant?

  fileprivate init(trunk: TrunkID, payer: AccountID?, hold: HoldID?, until: Instant?) {
    (self.trunk, self.payer, self.hold, self.until) = (trunk, payer, hold, until)
  }
}

/// What may be sent to a carrier without a permit, because it can cost nothing.
enum TrunkQuestion: Hashable, Sendable {
  case options, register

  var method: Method { self == .options ? .options : .register }
}

/// The one door to the carriers (guard rule 1).
enum TrunkGate {
  /// Gives a permit when the batch with the hold's entry is durable; nil while it is not.
  static func permit(
    for money: PaidLeg, over trunk: TrunkID, durableThrough: UInt64
  ) -> TrunkPermit? {
    guard money.batch <= durableThrough, money.trunk == trunk else { return nil }
    return TrunkPermit(
      trunk: trunk, payer: money.account, hold: money.reservation.hold,
      until: money.reservation.ringUntil)
  }

  /// Emergency calls pass over limits and journal (guard rule 5); the route is proof of the number.
  static func permit(for route: EmergencyRoute, over trunk: TrunkID) -> TrunkPermit {
    TrunkPermit(trunk: trunk, payer: nil, hold: nil, until: nil)
  }

  /// Sends the INVITE; the only function that can, since only it can open a ``TrunkHop`` for one.
  static func invite(
    _ permit: consuming TrunkPermit, _ draft: RequestDraft, hop: TrunkHop,
    using sip: inout SIPCore, at now: Now, into effects: inout [Transmission]
  ) -> ClientTransactionID {
    invariant(draft.method == .invite, "a permit is for an INVITE, not for \(draft.method)")
    return sip.send(draft, to: .open(hop.hop), at: now, effects: &effects)
  }

  /// Leads the requests of a running call over a new connection, since its own is gone.
  ///
  /// They can cost nothing: no INVITE that begins a call goes this way.
  static func reconnect(_ id: DialogID, hops: [TrunkHop], using sip: inout SIPCore) {
    guard let dialog = sip.dialog(id) else { return }
    let flow = dialog.flow
    let known = (hops.first { $0.remote.address == flow.remote.address } ?? hops.first)?.hop
    guard
      let listener = flow.listener(routes: dialog.routeSet.routes, target: dialog.remoteTarget)
    else {
      if let known { sip.move(id, to: known) }
      return
    }
    sip.move(
      id,
      to: NextHop(
        transport: flow.transport, remote: listener, local: flow.local,
        serverName: known?.serverName, certificate: known?.certificate))
  }

  static func ask(
    _ question: TrunkQuestion, _ draft: RequestDraft, hop: TrunkHop, using sip: inout SIPCore,
    at now: Now, into effects: inout [Transmission]
  ) -> ClientTransactionID {
    var draft = draft
    draft.method = question.method
    return sip.send(draft, to: .open(hop.hop), at: now, effects: &effects)
  }
}
