package import Elements
import SIPSyntax

/// An INVITE of ours that rings somewhere, so far as it takes to take it back after a death: a CANCEL repeats its
/// Request-URI, Via, From, To, Call-ID and number, and goes where it went (RFC 3261 §9.1).
package struct SentInvite: Hashable, Sendable {
  package let target: [UInt8]
  /// The values of From and To; the first with our tag.
  package let from: [UInt8]
  package let to: [UInt8]
  package let cseq: UInt32
  package let branch: [UInt8]
  package let hop: NextHop

  package init(
    target: [UInt8], from: [UInt8], to: [UInt8], cseq: UInt32, branch: [UInt8], hop: NextHop
  ) {
    (self.target, self.from, self.to) = (target, from, to)
    (self.cseq, self.branch, self.hop) = (cseq, branch, hop)
  }
}

extension SIPCore {
  /// What is to be kept of an INVITE outside of dialogs that has a provisional response and no final one; nil for any
  /// other.
  package func sentInvite(_ id: ClientTransactionID) -> SentInvite? {
    guard let invite = clients[id], invite.isProceeding, invite.dialog == nil,
      case .open(let hop) = invite.destination
    else { return nil }
    let plan = invite.plan
    return SentInvite(
      target: plan.target.bytes, from: plan.from, to: plan.to, cseq: plan.cseq,
      branch: invite.branch, hop: hop)
  }

  /// Takes back an INVITE of a dead process.
  ///
  /// Its transaction is there again from then on: it acknowledges the 487, and delivers that or a 2xx that crosses the
  /// CANCEL. Nil where there is one already, or the INVITE cannot be read.
  package mutating func cancel(
    _ invite: SentInvite, callID: [UInt8], headers: [HeaderDraft] = [], at now: Now,
    effects: inout [Transmission]
  ) -> ClientTransactionID? {
    let key = names.clientTransaction(branch: invite.branch.span, method: .invite)
    guard clients.find(key) == nil, let target = try? URI(parsing: invite.target.span),
      let tag = try? NameAddress(parsing: invite.from.span).tag
    else { return nil }
    let plan = RequestPlan(
      method: .invite, target: target, from: invite.from, to: invite.to, localTag: tag,
      callID: callID, cseq: invite.cseq, maxForwards: 70)
    var transaction = ClientTransaction(
      plan, bytes: [], branch: invite.branch, destination: .open(invite.hop), key: key,
      fallback: nil, timers: configuration.timers, at: now.instant)
    // It had a provisional response, or it would not have been kept: nothing is sent again.
    _ = transaction.turn(.response(180), at: now.instant)
    let id = clients.nextID()
    add(transaction, id)
    cancel(id, headers: headers, at: now, effects: &effects)
    return id
  }
}
