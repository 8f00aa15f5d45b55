import Directory
import Elements
import Guard
import Numbering
import SDP
import SIP
import SIPSyntax

// What comes in from outside: who it is, and what shall be done.

extension SwitchCore {
  mutating func handle(_ event: SIPEvent, at now: Now) {
    switch event {
    case .stateless(let request): register(request, at: now)
    case .request(let server, let message, let flow, nil):
      request(server, message, flow, at: now)
    case .request(let server, let message, let flow, let dialog?):
      // A phone may go on over another connection (RFC 3261 §18.1.1); from then on the dialog is there.
      if let connection = flow.connection { trust(connection) }
      inDialog(server, message, flow, dialog, at: now)
    case .stranger(let server, let message, let flow, let dialog):
      stranger(server, message, flow, dialog, at: now)
    case .cancelled(let server, let message): cancelled(server, message, at: now)
    case .acknowledged(let dialog, let message): acknowledged(dialog, message, at: now)
    case .response(let client, let message, let flow, let dialog):
      response(client, message, on: flow, dialog: dialog, at: now)
    case .strayAnswer(let message, let flow): answeredLate(message, flow, at: now)
    case .clientFailed(let client, let failure): failed(client, failure, at: now)
    case .unacknowledged(let dialog): unacknowledged(dialog, at: now)
    case .provisionalUnacknowledged(let server): provisionalUnacknowledged(server, at: now)
    case .keepAlive(let flow, let request):
      guard let request, bindings.isRegistered(on: flow) else { return }
      output.wire.append(
        Transmission(bytes: request.answer(to: flow.remote), destination: .flow(flow)))
    case .malformed(let flow, let status):
      noteMalformed(on: flow, at: now)
      log(
        .debug, "malformed message", Alert.Fact("from", "\(flow.remote)"),
        Alert.Fact("status", status.map { "\($0.number)" } ?? "none"))
    }
  }

  /// Not told yet whom we serve: 403 would make phones give up.
  static var tooEarly: ResponseDraft {
    ResponseDraft(503, headers: [HeaderDraft(.retryAfter, "5")])
  }

  private mutating func request(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    guard !rules.directory.tenants.isEmpty else {
      return refuse(server, Self.tooEarly.status, Self.tooEarly.headers, at: now)
    }
    switch message.method {
    case .invite: invited(server, message, flow, at: now)
    case .options:
      noteOptions(message, on: flow, at: now)
      sip.respondStatelessly(to: server, sip.optionsAnswer(), at: now, effects: &output.wire)
    case .bye, .prack, .update, .info, .ack, .cancel, .register:
      refuse(server, 481, at: now)
    case .refer, .subscribe, .notify, .publish, .message, .other:
      unsupported(server, message, flow, at: now)
    }
  }

  /// What we do not offer is refused only to those we know; strangers are asked who they are (A27).
  private mutating func unsupported(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    switch identify(message, flow, at: now) {
    case .phone: break
    case .unknown(let stranger):
      return challenge(server, message, flow, Stranger(tenant: stranger.tenant), at: now)
    case .trunk, .refused, .misnamed:
      let stranger = Stranger(tenant: tenant(of: message, on: flow))
      return challenge(server, message, flow, stranger, at: now)
    }
    switch message.method {
    case .refer: refuse(server, 403, at: now)
    // Without event packages the method is none of ours: a 489 must name one in Allow-Events (RFC 6665 §8.4).
    case .subscribe, .publish, .notify, .message, .invite, .ack, .bye, .cancel, .register, .options,
      .prack, .info, .update, .other:
      refuse(server, 405, [HeaderDraft(.allow, Self.allow)], at: now)
    }
  }

  /// Answers without keeping anything: for refusals that may come in floods.
  mutating func refuse(
    _ server: ServerTransactionID, _ status: StatusCode, _ headers: [HeaderDraft] = [], at now: Now
  ) {
    sip.respondStatelessly(
      to: server, ResponseDraft(status, headers: headers), at: now, effects: &output.wire)
  }

  // MARK: - INVITE

  private mutating func invited(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    let caller: CallerKind
    switch identify(message, flow, at: now) {
    case .phone(_, let line):
      let dialled = dialled(message, by: line)
      guard dialled.isEmergency || admission.mayCall(line.account, at: now.instant) else {
        callFlood(line, flow, at: now)
        return refuse(server, 503, [HeaderDraft(.retryAfter, "10")], at: now)
      }
      caller = .phone(dialled)
    case .trunk(let trunk): caller = .trunk(trunk)
    case .unknown(let stranger):
      return challenge(server, message, flow, stranger, at: now)
    case .refused: return refuse(server, 403, at: now)
    case .misnamed(let line): return refuse(server, misnamed: line, message, flow, at: now)
    }
    let offer = sdp(of: message)
    if let refusal = objection(to: message, offer, on: flow) {
      let (record, leg) = begun(message, caller, at: now)
      return refuse(server, refusal, record, leg, message, flow, at: now)
    }
    accept(server, message, flow, caller, offer, at: now)
  }

  /// Somebody has proven who he is, and names another one.
  private mutating func refuse(
    _ server: ServerTransactionID, misnamed line: Extension?, _ message: Message, _ flow: Flow,
    at now: Now
  ) {
    guard let line else { return refuse(server, 403, at: now) }
    let words = "From is not an extension of this account"
    var refusal = RouteRefusal(.forbidden, words)
    refusal.words = words
    let (record, leg) = begun(message, .phone(dialled(message, by: line)), at: now)
    refuse(server, refusal, record, leg, message, flow, at: now)
  }

  /// Who calls, once that is proven.
  enum CallerKind {
    case phone(Router.Dialled)
    case trunk(Trunk)
  }

  private mutating func accept(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ kind: CallerKind,
    _ offer: SessionDescription?, at now: Now
  ) {
    var (record, leg) = begun(message, kind, at: now)
    do throws(RouteRefusal) {
      let plan: CallPlan
      switch kind {
      case .phone(let dialled):
        plan = try router.plan(dialled, at: now.wall)
        record.payer = dialled.line.account
      case .trunk(let trunk):
        plan = try inboundPlan(message, trunk, &record, at: now)
        guard (trunks[trunk.id]?.channelsInUse ?? 0) < trunk.channels else {
          throw RouteRefusal(
            .noChannel, "all \(trunk.channels) channels of \(trunk.name) are taken")
        }
      }
      try start(server, message, flow, &leg, plan, offer, &record, at: now)
    } catch {
      refuse(server, error, record, leg, message, flow, at: now)
    }
  }

  private mutating func start(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ leg: inout Leg,
    _ plan: CallPlan, _ offer: SessionDescription?, _ record: inout CallDetailRecord, at now: Now
  ) throws(RouteRefusal) {
    leg.serverInvite = server
    leg.timerPolicy = timerPolicy(of: leg.party)
    leg.flow = flow
    leg.note(message)
    leg.media.address = mediaAddress(for: offer, on: flow)
    leg.media.signallingSource = flow.remote.address
    leg.media.signallingIsSecret = flow.transport.isSecret
    setMediaRules(of: &leg)
    if offer != nil { leg.media.securesOffers = false }
    leg.media.trustsNamedAddress = leg.party.trunk != nil
    leg.media.origin = OriginKeeper(id: dice.next())
    guard let terms = agreeTimer(&leg, server, message, at: now) else { return }
    leg.terms = terms.value
    if let offer {
      let isSecured = offer.media.allSatisfy { $0.relayKind == nil || $0.profile.isSecure }
      guard isSecured || !leg.mustSecure, leg.media.takeOffer(offer, using: &dice) else {
        throw RouteRefusal(.incompatible, "media that cannot be taken, or may not")
      }
    }
    if let trunk = leg.party.trunk {
      leg.holdsChannel = true
      changeTrunk(trunk) { $0.takeChannel() }
      trunkHeard(trunk, from: flow.remote, at: now)
    }
    (record.tenant, record.direction) = (plan.tenant, plan.direction)
    record.normalised = plan.normalised
    record.shown = plan.shown.isAnonymous ? CallDetailRecord.anonymous : plan.shown.number
    (record.destinationClass, record.country) = (plan.destinationClass, plan.country)
    if plan.direction != .outbound { record.payer = nil }
    let invitation = Invitation(
      offer: leg.media.said, budget: HopBudget(message),
      passing: passing(message),
      supportsReliable: message.supported.contains("100rel"),
      requiresReliable: message.require.contains("100rel"),
      isSecure: message.requestURI?.scheme == .sips)
    if plan.direction == .emergency { emergencyAlert(record, flow, at: now) }
    if logs(.info) {
      log(
        .info, "call routed", tenant: plan.tenant, Alert.Fact("call", "\(record.call)"),
        Alert.Fact("direction", plan.direction.rawValue),
        Alert.Fact("from", masked(record.caller)), Alert.Fact("to", masked(plan.normalised)))
    }
    begin(plan, invitation: invitation, caller: leg, record: record, at: now)
  }
}
