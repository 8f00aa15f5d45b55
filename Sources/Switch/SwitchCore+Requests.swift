import Directory
import Elements
import Numbering
import SDP
import SIP
import SIPSyntax

// What comes in from outside: who it is, and what shall be done.

extension SwitchCore {
  mutating func handle(_ event: SIPEvent, at now: Now) {
    switch event {
    case .request(let server, let message, let flow, nil):
      request(server, message, flow, at: now)
    case .request(let server, let message, _, let dialog?):
      inDialog(server, message, dialog, at: now)
    case .stranger(let server, let message, let flow, let dialog):
      stranger(server, message, flow, dialog, at: now)
    case .cancelled(let server, let message): cancelled(server, message, at: now)
    case .acknowledged(let dialog, let message): acknowledged(dialog, message, at: now)
    case .response(let client, let message, _, let dialog):
      response(client, message, dialog: dialog, at: now)
    case .clientFailed(let client, let failure): failed(client, failure, at: now)
    case .unacknowledged(let dialog): unacknowledged(dialog, at: now)
    case .provisionalUnacknowledged(let server): provisionalUnacknowledged(server, at: now)
    case .keepAlive: break
    case .malformed(let flow, let status):
      log(
        .debug, "malformed message", Alert.Fact("from", "\(flow.remote)"),
        Alert.Fact("status", status.map { "\($0.number)" } ?? "none"))
    }
  }

  private mutating func request(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    guard !rules.directory.tenants.isEmpty else {
      // Not told yet whom we serve: 403 would make phones give up.
      return refuse(server, 503, [HeaderDraft(.retryAfter, "5")], at: now)
    }
    switch message.method {
    case .register: register(server, message, flow, at: now)
    case .invite: invited(server, message, flow, at: now)
    case .options:
      sip.respondStatelessly(to: server, sip.optionsAnswer(), at: now, effects: &output.wire)
    case .bye, .prack, .update, .info, .ack, .cancel:
      refuse(server, 481, at: now)
    case .refer, .subscribe, .notify, .publish, .message, .other:
      unsupported(server, message, flow, at: now)
    }
  }

  /// What we do not offer is refused only to those we know; strangers are asked who they are (A27).
  private mutating func unsupported(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    guard case .phone = identify(message, flow, at: now) else {
      return challenge(server, message, flow, isStale: false, at: now)
    }
    switch message.method {
    case .refer: refuse(server, 403, at: now)
    case .subscribe, .publish, .notify: refuse(server, 489, at: now)
    case .message, .invite, .ack, .bye, .cancel, .register, .options, .prack, .info, .update,
      .other:
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
    guard (message.maxForwards ?? 70) > 0 else { return refuse(server, 483, at: now) }
    let caller: CallerKind
    switch identify(message, flow, at: now) {
    case .phone(let device, let line): caller = .phone(device, line)
    case .trunk(let trunk): caller = .trunk(trunk)
    case .unknown(let isStale):
      return challenge(server, message, flow, isStale: isStale, at: now)
    case .refused: return refuse(server, 403, at: now)
    }
    if isClosed(for: message, on: flow) {
      let seconds = isDraining ? "30" : "5"
      return refuse(server, 503, [HeaderDraft(.retryAfter, seconds)], at: now)
    }
    guard !message.has(.replaces), !message.has(.join) else { return refuse(server, 403, at: now) }
    guard isOurs(message, on: flow), hasOnlyOurRoutes(message, on: flow) else {
      return refuse(server, 403, at: now)
    }
    let offer = sdp(of: message)
    if !message.body.isEmpty, offer == nil {
      let isText = message.text(.contentType)?.lowercased().contains("sdp") ?? false
      return refuse(
        server, isText ? 400 : 415, [HeaderDraft(.accept, "application/sdp")], at: now)
    }
    if let offer, !offer.isUsable { return refuse(server, 488, at: now) }
    accept(server, message, flow, caller, offer, at: now)
  }

  private enum CallerKind {
    case phone(Device, Extension)
    case trunk(Trunk)
  }

  /// Whether no new call is taken; emergency calls are, whatever happens.
  private func isClosed(for message: Message, on flow: Flow) -> Bool {
    (isDraining || calls.count >= configuration.calls.calls)
      && !isEmergency(message, on: flow)
  }

  private func isEmergency(_ message: Message, on flow: Flow) -> Bool {
    guard let uri = message.requestURI else { return false }
    if uri.isEmergencyService { return true }
    guard let tenant = tenant(of: message, on: flow) else { return false }
    if case .emergency = tenant.dialPlan.resolve(uri.dialled.span) { return true }
    return false
  }

  private mutating func accept(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ kind: CallerKind,
    _ offer: SessionDescription?, at now: Now
  ) {
    var record = CallDetailRecord(call: callIDs.next(), direction: .internal, startedAt: now.wall)
    record.dialled = (message.requestURI?.dialled).map { String(decoding: $0, as: UTF8.self) } ?? ""
    var leg = Leg(
      index: 0, party: .phone(ExtensionID(0)), state: .inviting, branch: nil,
      timerPolicy: SessionTimerPolicy())
    do throws(RouteRefusal) {
      let plan: CallPlan
      switch kind {
      case .phone(_, let line):
        (leg.party, record.caller, record.tenant) = (
          .phone(line.id), "\(line.digits)", line.tenant.id
        )
        plan = try router.plan(dialled(message, by: line), at: now.wall)
        record.payer = line.account
      case .trunk(let trunk):
        leg.party = .trunk(trunk.id)
        (record.direction, record.trunk) = (.inbound, trunk.id)
        plan = try inboundPlan(message, trunk, &record, at: now)
        guard (trunks[trunk.id]?.channelsInUse ?? 0) < trunk.channels else {
          throw RouteRefusal(
            .noChannel, "all \(trunk.channels) channels of \(trunk.name) are taken")
        }
      }
      start(server, message, flow, leg, plan, offer, record, at: now)
    } catch {
      refuse(server, error, record, leg, message, flow, at: now)
    }
  }

  private mutating func start(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ caller: Leg,
    _ plan: CallPlan, _ offer: SessionDescription?, _ filled: CallDetailRecord, at now: Now
  ) {
    var (leg, record) = (caller, filled)
    leg.serverInvite = server
    leg.timerPolicy = timerPolicy(of: leg.party)
    leg.flow = flow
    leg.note(message)
    leg.media.address = flow.local.address
    leg.media.signallingSource = flow.remote.address
    leg.media.signallingIsSecret = flow.transport == .tls
    leg.media.securesOffers = flow.transport == .tls && offer == nil
    leg.media.trustsNamedAddress = leg.party.trunk != nil
    leg.media.origin = OriginKeeper(id: dice.next())
    guard let terms = agreeTimer(&leg, server, message, at: now) else { return }
    leg.terms = terms.value
    leg.mustSecure = mustSecure(leg.party)
    if let offer {
      let isSecured = offer.media.allSatisfy { $0.isRejected || $0.profile.isSecure }
      guard isSecured || !leg.mustSecure, leg.media.takeOffer(offer, using: &dice) else {
        return refuse(server, 488, at: now)
      }
    }
    if let trunk = leg.party.trunk {
      leg.holdsChannel = true
      trunks[trunk]?.takeChannel()
      trunkHeard(trunk, at: now)
    }
    (record.tenant, record.direction) = (plan.tenant, plan.direction)
    (record.normalised, record.shown) = (plan.normalised, plan.shown.number)
    (record.destinationClass, record.country) = (plan.destinationClass, plan.country)
    if plan.direction != .outbound { record.payer = nil }
    let invitation = Invitation(
      offer: offer, maxForwards: (message.maxForwards ?? 70) - 1, passing: passing(message),
      supportsReliable: message.supported.contains("100rel"),
      requiresReliable: message.require.contains("100rel"),
      dialled: record.dialled, callerName: plan.shown.name)
    if plan.direction == .emergency { emergencyAlert(record, flow, at: now) }
    log(
      .info, "call routed", tenant: plan.tenant, Alert.Fact("call", "\(record.call)"),
      Alert.Fact("direction", plan.direction.rawValue),
      Alert.Fact("from", masked(record.caller)), Alert.Fact("to", masked(plan.normalised)))
    begin(plan, invitation: invitation, caller: leg, record: record, at: now)
  }

  private func mustSecure(_ party: Leg.Party) -> Bool {
    switch party {
    case .phone(let line): rules.directory.line(line)?.media.srtp == .required
    case .trunk(let trunk): rules.directory.trunk(trunk)?.media.srtp == .required
    }
  }

  /// A call that goes nowhere is a call all the same: it has its answer and its record.
  private mutating func refuse(
    _ server: ServerTransactionID, _ refusal: RouteRefusal, _ filled: CallDetailRecord,
    _ leg: Leg, _ message: Message, _ flow: Flow, at now: Now
  ) {
    var (record, leg) = (filled, leg)
    leg.flow = flow
    leg.note(message)
    let failure = LegFailure(refusal.cause)
    var status = StatusCode(exactly: Int(failure.statusForCaller)) ?? 500
    if leg.party.trunk != nil, refusal.cause == .noChannel { status = 486 }
    (record.cause, record.status, record.payer) = (refusal.cause, status.number, nil)
    record.normalised = record.normalised.isEmpty ? record.dialled : record.normalised
    record.legs = [leg.recorded(at: .caller)]
    journal.write(.record(record))
    self.status.callsTotal += 1
    log(
      .info, "call refused", tenant: record.tenant, Alert.Fact("call", "\(record.call)"),
      Alert.Fact("cause", refusal.cause.rawValue), Alert.Fact("why", refusal.detail))
    var headers = [HeaderDraft(.reason, failure.reasonValue)]
    if let warning = failure.warning { headers.append(HeaderDraft(.warning, warning)) }
    respond(server, ResponseDraft(status, headers: headers), at: now)
  }
}
