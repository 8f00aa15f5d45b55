import Elements
import SDP
import SIP
import SIPSyntax

// Offers and answers in the running call: hold, codecs, video, moved media; passed from leg to leg.

extension SwitchCore {
  /// A re-INVITE or UPDATE of a party.
  mutating func offered(
    _ call: inout Call, _ leg: Int, in dialog: DialogID, _ server: ServerTransactionID,
    _ message: Message, at now: Now
  ) throws(LegContradiction) {
    let offer = sdp(of: message)
    if offer == nil, message.hasBodyToHeed {
      guard message.isEncoded else { return respond(server, 488, at: now) }
      return respond(server, 415, [HeaderDraft(.acceptEncoding, "identity")], at: now)
    }
    if call.legs[leg].mustSecure, let offer, offer.isInTheClear {
      return respond(server, 488, [Self.securityWarning], at: now)
    }
    guard let terms = agreeTimer(&call.legs[leg], server, message, at: now) else { return }
    let isRefresh =
      offer.map { call.legs[leg].media.permitted($0) == call.legs[leg].media.said }
      ?? (message.method == .update)
    if isRefresh {
      return acceptRefresh(&call, leg, server, message, hasOffer: offer != nil, terms, at: now)
    }
    if let status = objection(toOfferOf: leg, in: call) { return respond(server, status, at: now) }
    guard let peer = call.counterpart(of: leg) else { return respond(server, 491, at: now) }
    // RFC 3311 §5.1: only who allows UPDATE gets one; to anybody else a re-INVITE says the same.
    let method = call.legs[peer].takesUpdate ? message.method : .invite
    var exchange = Exchange(kind: .passed(method), from: leg, to: peer, server: server)
    exchange.dialog = leg == 0 ? call.legs[peer].dialog : dialog
    exchange.before = [leg: call.legs[leg].media, peer: call.legs[peer].media]
    exchange.terms = terms.value
    exchange.isLate = offer == nil
    call.exchange = exchange
    if let offer {
      guard offer.isUsable || offer.endsAllMedia,
        call.legs[leg].media.takeOffer(offer, using: &dice)
      else {
        return try refuseExchange(&call, status: 488, at: now)
      }
    }
    try passOffer(&call, at: now)
  }

  /// RFC 3261 §20.43, 302: the protocol of the m= line, RTP in the clear, is not taken.
  static let securityWarning = HeaderDraft(.warning, "302 pbx \"Only SRTP is allowed here\"")

  /// Why an offer of a leg cannot be passed now (RFC 3261 §14.2, RFC 3311 §5.2).
  private func objection(toOfferOf leg: Int, in call: Call) -> StatusCode? {
    if call.phase == .ending { return 481 }
    guard call.exchange == nil, let peer = call.counterpart(of: leg) else { return 491 }
    if call.phase == .talking {
      let isFree = call.legs[leg].state == .talking && call.legs[peer].state == .talking
      return isFree ? nil : 491
    }
    // Before the answer the offer of the other side's INVITE must be settled, too, and only UPDATE
    // can make a new one (§5.1): 504 says that it cannot be asked, and 491 that it can soon.
    guard call.counterpart(of: 0) == max(leg, peer), let dialog = call.legs[peer].dialog else {
      return 491
    }
    // A caller without 100rel never acknowledges an answer before the 2xx (RFC 6337 §2.2).
    let isSettledLater = peer == 0 && !call.invitation.supportsReliable
    guard call.legs[peer].takesUpdate, !isSettledLater else { return 504 }
    return sip.isOfferSettled(in: dialog) ? nil : 491
  }

  /// Sends the offer to the other leg, once there are ports for each of its streams.
  private mutating func passOffer(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard var exchange = call.exchange, exchange.client == nil,
      case .passed(let method) = exchange.kind,
      let dialog = exchange.to == 0 ? call.caller.dialog : exchange.dialog
    else { return }
    var draft = RequestDraft(method)
    draft.headers = [HeaderDraft(.allow, Self.allow), HeaderDraft(.supported, "timer")]
    if call.phase == .talking { addTimer(of: call.legs[exchange.to], to: &draft) }
    if !exchange.isLate, let offer = call.legs[exchange.from].media.said {
      for leg in [exchange.from, exchange.to] where !call.legs[leg].media.hasPorts(for: offer) {
        growMedia(call, leg: leg, for: offer)
        exchange.waitsForPorts = true
      }
      if exchange.waitsForPorts, !hasPorts(call, exchange, offer) {
        call.exchange = exchange
        return
      }
      guard
        let body = call.legs[exchange.to].media.makeOffer(from: offer, using: &dice)
      else { return try refuseExchange(&call, status: 488, at: now) }
      draft.body = .sdp(body.serialized())
    }
    do throws(DialogError) {
      let client = try send(draft, in: dialog, to: call.legs[exchange.to].carrier, at: now)
      exchange.client = client
      if method == .invite { exchange.until = now.instant + configuration.calls.ringTime }
      owners.clients[client] = .exchange(call.id)
      call.exchange = exchange
    } catch {
      if case .pending = error { return try refuseExchange(&call, status: 491, at: now) }
      try refuseExchange(&call, status: 481, at: now)
    }
  }

  private func hasPorts(
    _ call: Call, _ exchange: Exchange, _ offer: SessionDescription
  ) -> Bool {
    call.legs[exchange.from].media.hasPorts(for: offer)
      && call.legs[exchange.to].media.hasPorts(for: offer)
  }

  /// Ports have come.
  mutating func resumeExchange(_ call: inout Call, at now: Now) throws(LegContradiction) {
    guard let exchange = call.exchange else { return }
    if exchange.waitsForPorts, exchange.client == nil {
      guard let offer = call.legs[exchange.from].media.said, hasPorts(call, exchange, offer) else {
        return
      }
      return try passOffer(&call, at: now)
    }
    if exchange.waitsToAnswer { try answerLateOffer(&call, at: now) }
  }

  // MARK: - The answer

  /// The response to what we passed on, or to a refresh of ours.
  mutating func exchangeAnswered(
    _ call: inout Call, _ client: ClientTransactionID, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    guard let exchange = call.exchange, exchange.client == client, let status = message.status,
      status.isFinal
    else { return }
    call.legs[exchange.to].note(message)
    if exchange.isWithdrawn { return try withdrawnAnswered(&call, exchange, message, at: now) }
    if case .refresh = exchange.kind {
      return try refreshAnswered(&call, exchange, message, at: now)
    }
    guard status.isSuccess else {
      if status == 481 || status == 408 {
        try refuseExchange(&call, status: status, at: now)
        guard call.phase == .talking else { return }  // Its INVITE decides.
        return try end(&call, .sessionExpired, by: .system, at: now)
      }
      let retry = ((try? message.retryAfter()) ?? nil)?.seconds
      return try refuseExchange(&call, status: status, retryAfterSeconds: retry, at: now)
    }
    startTimer(&call.legs[exchange.to], after: message, at: now)
    guard case .passed(let method) = exchange.kind else { return }
    let body = sdp(of: message)
    if exchange.isLate {
      // The 200 of a re-INVITE without offer brings one: it waits for the ACK of the other side.
      guard !message.body.isEmpty else {
        acknowledgeExchange(call, exchange, body: nil, at: now)
        return try refuseExchange(&call, status: 488, at: now)
      }
      guard let body, call.legs[exchange.to].media.takeOffer(body, using: &dice),
        !(call.legs[exchange.to].mustSecure && body.isInTheClear)
      else {
        return try refuseLateOffer(&call, .incompatible, at: now)
      }
      return try answerLateOffer(&call, at: now)
    }
    if method == .invite { acknowledgeExchange(call, exchange, body: nil, at: now) }
    guard let body, let taken = try? call.legs[exchange.to].media.takeAnswer(body),
      let answer = call.legs[exchange.from].media.makeAnswer(from: taken)
    else { return try dropAnswer(&call, at: now) }
    respondToExchange(&call, exchange, body: answer, at: now)
    call.exchange = nil
    updateMedia(call, leg: exchange.from)
    updateMedia(call, leg: exchange.to)
    if call.phase != .talking { keepNewOffer(&call, exchange) }
  }

  /// What was agreed on before the answer outlives the leg: the next one must fit it, too.
  private func keepNewOffer(_ call: inout Call, _ exchange: Exchange) {
    let leg = exchange.called
    guard let dialog = exchange.dialog,
      let before = call.legs[leg].newOffer?.value.before ?? exchange.before[leg]
    else { return }
    call.legs[leg].newOffer = Boxed(Leg.NewOffer(dialog: dialog, before: before))
    guard let said = call.caller.media.said, let offer = call.invitation.offer else { return }
    // What the caller answered to an offer says less than its own, and is offered only in its place.
    if exchange.from == 0 || said.media.map(\.kind) != offer.media.map(\.kind) {
      call.invitation.offer = said
    }
  }

  /// Makes the other side's offer ours, for the side that asked without one.
  private mutating func answerLateOffer(
    _ call: inout Call, at now: Now
  ) throws(LegContradiction) {
    guard var exchange = call.exchange, let offer = call.legs[exchange.to].media.said else {
      return
    }
    guard hasPorts(call, exchange, offer) else {
      growMedia(call, leg: exchange.from, for: offer)
      growMedia(call, leg: exchange.to, for: offer)
      exchange.waitsToAnswer = true
      call.exchange = exchange
      return
    }
    exchange.waitsToAnswer = false
    guard
      let body = call.legs[exchange.from].media.makeOffer(from: offer, using: &dice)
    else { return try refuseLateOffer(&call, .incompatible, at: now) }
    exchange.waitsForAcknowledgement = true
    respondToExchange(&call, exchange, body: body, at: now)
    exchange.server = nil
    call.exchange = exchange
  }

  /// The ACK that brings the answer to a late offer.
  mutating func exchangeAcknowledged(
    _ call: inout Call, _ leg: Int, _ message: Message, at now: Now
  ) throws(LegContradiction) {
    guard let exchange = call.exchange, exchange.waitsForAcknowledgement, exchange.from == leg
    else { return }
    call.exchange = nil
    guard let said = sdp(of: message),
      let answer = try? call.legs[exchange.from].media.takeAnswer(said),
      let body = call.legs[exchange.to].media.makeAnswer(from: answer)
    else {
      let refusal = call.legs[exchange.to].media.makeRefusal()
      acknowledgeExchange(call, exchange, body: refusal, at: now)
      return try end(&call, .incompatible, by: .system, at: now)
    }
    acknowledgeExchange(call, exchange, body: body, at: now)
    updateMedia(call, leg: exchange.from)
    updateMedia(call, leg: exchange.to)
  }

  /// An offer in the 2xx of our re-INVITE that we cannot take: the side that made it has left what was
  /// agreed on before, so that it gets an answer that takes nothing, and BYE (RFC 3261 §13.2.2.4).
  mutating func refuseLateOffer(
    _ call: inout Call, _ cause: HangupCause, at now: Now
  ) throws(LegContradiction) {
    guard let exchange = call.exchange else { return }
    let refusal = call.legs[exchange.to].media.makeRefusal()
    acknowledgeExchange(call, exchange, body: refusal, at: now)
    try refuseExchange(&call, status: 488, at: now)
    try end(&call, cause, by: .system, at: now)
  }

  /// A 2xx to an offer that cannot be passed back.
  ///
  /// The side that sent it has left what was agreed on before, so that it gets BYE (RFC 3261 §13.2.2.4). Before the answer to
  /// its INVITE that decides.
  private mutating func dropAnswer(_ call: inout Call, at now: Now) throws(LegContradiction) {
    try refuseExchange(&call, status: 488, at: now)
    guard call.phase == .talking else { return }
    try end(&call, .incompatible, by: .system, at: now)
  }

  /// Nothing came of it: both legs are as before, and the one who asked is told.
  mutating func refuseExchange(
    _ call: inout Call, status: StatusCode, retryAfterSeconds: UInt32? = nil, at now: Now
  ) throws(LegContradiction) {
    guard let exchange = call.exchange else { return }
    call.exchange = nil
    goBack(&call, from: exchange)
    guard let server = exchange.server else { return }
    let retry = retryAfterSeconds.map { HeaderDraft(.retryAfter, "\(min($0, 3600))") }
    respond(server, status.passedBack, [retry].compactMap { $0 }, at: now)
  }

  /// What was agreed on before it is in force again.
  mutating func goBack(_ call: inout Call, from exchange: Exchange) {
    for leg in exchange.before.keys.sorted() {
      guard let before = exchange.before[leg] else { continue }
      call.legs[leg].media.goBack(to: before)
      updateMedia(call, leg: leg)
    }
  }

  private mutating func respondToExchange(
    _ call: inout Call, _ exchange: Exchange, body: SessionDescription, at now: Now
  ) {
    guard let server = exchange.server else { return }
    var draft = ResponseDraft(200, body: .sdp(body.serialized()))
    draft.headers = [HeaderDraft(.allow, Self.allow), HeaderDraft(.supported, "timer")]
    addTimer(exchange.terms, of: &call.legs[exchange.from], to: &draft, at: now)
    respond(server, draft, at: now)
  }

  mutating func acknowledgeExchange(
    _ call: Call, _ exchange: Exchange, body: SessionDescription?, at now: Now
  ) {
    guard exchange.kind == .passed(.invite), let dialog = call.legs[exchange.to].dialog else {
      return
    }
    acknowledge(dialog, body: body, at: now)
  }
}

extension StatusCode {
  /// What the side that asked is told of the other side's refusal: its status, unless that asks our own user
  /// agent for something (credentials, another address, an extension, a longer timer), or would say that the
  /// asking side's own dialog is gone (RFC 3261 §12.2.1.2) or that we take no requests (§16.7).
  var passedBack: StatusCode {
    switch number {
    case 408, 481, 503: 500
    case 300...399, 401, 402, 405, 407, 416, 420...439, 487, 489, 493, 494: 488
    case _: self
    }
  }
}
