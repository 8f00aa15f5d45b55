import Elements
import SDP
import SIP
import SIPSyntax

// Offers in the running call that are taken back before their answer: by who made them, or by us where it does not come.

extension SwitchCore {
  /// CANCEL of a re-INVITE: ours to the other side is cancelled, too.
  mutating func offerCancelled(_ server: ServerTransactionID, at now: Now) {
    guard let dialog = sip.dialog(of: server), let owner = owners.dialogs[dialog] else {
      return respond(server, 487, at: now)
    }
    withCall(owner.call, at: now) { (core, call) throws(LegContradiction) in
      guard let exchange = call.exchange, exchange.server == server else {
        return core.respond(server, 487, at: now)
      }
      // The other side has answered, and so shall we as soon as there are ports: the CANCEL came too late.
      guard !exchange.waitsToAnswer else { return }
      core.withdrawExchange(&call, status: 487, at: now)
    }
  }

  /// The other side has been asked for long, and may be asking its user: others have to wait no longer.
  ///
  /// A refresh of ours is no offer that would have to be undone: its answer counts, however it has come.
  mutating func exchangeTimedOut(_ call: inout Call, at now: Now) {
    guard let exchange = call.exchange, let client = exchange.client else { return }
    call.exchange?.until = nil
    // One that was not even heard is repeated until that shows that the other side is gone.
    guard sip.isProceeding(client) else { return }
    log(.info, "offer has no answer", call: call, Alert.Fact("leg", "\(exchange.to)"))
    guard exchange.kind == .refresh else {
      return withdrawExchange(&call, status: StatusCode(408).passedBack, at: now)
    }
    sip.cancel(client, at: now, effects: &output.wire)
  }

  /// Both legs are as before, and the one who asked is told; what was passed on is cancelled.
  ///
  /// The exchange stays until that has ended, since a 2xx may cross the CANCEL.
  private mutating func withdrawExchange(_ call: inout Call, status: StatusCode, at now: Now) {
    guard var exchange = call.exchange else { return }
    if let server = exchange.server { respond(server, status, at: now) }
    goBack(&call, from: exchange)
    guard let client = exchange.client, sip.isPending(client) else { return call.exchange = nil }
    (exchange.server, exchange.before, exchange.until) = (nil, [:], nil)
    exchange.isWithdrawn = true
    call.exchange = exchange
    sip.cancel(client, at: now, effects: &output.wire)
  }

  /// What an offer that we have taken back is answered all the same.
  mutating func withdrawnAnswered(
    _ call: inout Call, _ exchange: Exchange, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    call.exchange = nil
    guard let status = message.status, status.isSuccess else {
      guard message.status == 481, call.phase == .talking else { return }
      return try end(&call, .sessionExpired, by: .system, at: now)
    }
    startTimer(&call.legs[exchange.to], after: message, at: now)
    guard exchange.isLate, let offer = sdp(of: message) else {
      acknowledgeExchange(call, exchange, body: nil, at: now)
      // It has taken what nobody wants any more.
      call.legs[exchange.to].mustReturn = !exchange.isLate
      return exchange.isLate ? () : refresh(&call, exchange.to, at: now)
    }
    // Its own offer has nobody to answer it.
    _ = call.legs[exchange.to].media.takeOffer(offer, using: &dice)
    let refusal = call.legs[exchange.to].media.makeRefusal()
    acknowledgeExchange(call, exchange, body: refusal, at: now)
    try end(&call, .incompatible, by: .system, at: now)
  }
}
