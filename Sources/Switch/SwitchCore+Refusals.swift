import Directory
import Elements
import Numbering
import SDP
import SIP
import SIPSyntax

// Calls of those we know that go nowhere: each has its answer, its cause and its record.

extension SwitchCore {
  /// Why an INVITE of somebody we know is refused before it is asked where it leads.
  func objection(
    to message: Message, _ offer: SessionDescription?, on flow: Flow
  ) -> RouteRefusal? {
    let budget = HopBudget(message)
    guard budget.maxForwards > 0 else {
      return RouteRefusal(.loop, "no hop is left", status: 483)
    }
    guard budget.maxBreadth > 0 else {
      return RouteRefusal(.loop, "no breadth is left", status: 440)
    }
    if isClosed(for: message, on: flow) {
      return isDraining
        ? RouteRefusal(.draining, "draining", status: 503, HeaderDraft(.retryAfter, "30"))
        : RouteRefusal(.noChannel, "too many calls", status: 503, HeaderDraft(.retryAfter, "5"))
    }
    guard !message.has(.replaces), !message.has(.join) else {
      return RouteRefusal(.forbidden, "Replaces or Join")
    }
    guard isOurs(message, on: flow), hasOnlyOurRoutes(message, on: flow) else {
      return RouteRefusal(.forbidden, "for another server")
    }
    if !flow.transport.isSecret, message.requestURI?.scheme == .sips,
      !isEmergency(message, on: flow)
    {
      // RFC 3261 §26.2.2: what is asked for did not begin here, and must not go on in the clear.
      return RouteRefusal(.forbidden, "sips over a transport that is not TLS")
    }
    if offer == nil, message.hasBodyToHeed {
      if message.isEncoded {
        return RouteRefusal(
          .incompatible, "an encoded body", status: 415, HeaderDraft(.acceptEncoding, "identity"))
      }
      let isText = message.text(.contentType)?.lowercased().contains("sdp") ?? false
      return RouteRefusal(
        .incompatible, "a body that is no session description", status: isText ? 400 : 415,
        HeaderDraft(.accept, "application/sdp"))
    }
    if let offer, !offer.isUsable { return RouteRefusal(.incompatible, "no media to use") }
    return nil
  }

  /// Whether no new call is taken; emergency calls are, whatever happens.
  private func isClosed(for message: Message, on flow: Flow) -> Bool {
    (isDraining || calls.count >= configuration.calls.calls)
      && !isEmergency(message, on: flow)
  }

  func isEmergency(_ message: Message, on flow: Flow) -> Bool {
    guard let uri = message.requestURI else { return false }
    if uri.isEmergencyService { return true }
    guard let tenant = tenant(of: message, on: flow) else { return false }
    if case .emergency = tenant.dialPlan.resolve(uri.dialled.span) { return true }
    return false
  }

  /// The record and the caller's leg of a call that has just come in.
  mutating func begun(
    _ message: Message, _ caller: CallerKind, at now: Now
  ) -> (record: CallDetailRecord, leg: Leg) {
    var record = CallDetailRecord(call: callIDs.next(), direction: .internal, startedAt: now.wall)
    record.dialled = (message.requestURI?.dialled).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let party: Leg.Party
    switch caller {
    case .phone(let dialled):
      let line = dialled.line
      party = .phone(line.id)
      (record.caller, record.tenant) = (line.digits.description, line.tenant.id)
    case .trunk(let trunk):
      party = .trunk(trunk.id)
      (record.direction, record.trunk) = (.inbound, trunk.id)
    }
    let leg = Leg(
      index: 0, party: party, state: .inviting, branch: nil, timerPolicy: SessionTimerPolicy())
    return (record, leg)
  }

  /// A call that goes nowhere is a call all the same: it has its answer and its record.
  mutating func refuse(
    _ server: ServerTransactionID, _ refusal: RouteRefusal, _ filled: CallDetailRecord,
    _ caller: Leg, _ message: Message, _ flow: Flow, at now: Now
  ) {
    var (record, leg) = (filled, caller)
    leg.flow = flow
    leg.note(message)
    let failure = LegFailure(refusal.cause)
    var status = StatusCode(exactly: Int(failure.statusForCaller)) ?? 500
    if leg.party.trunk != nil, refusal.cause == .noChannel { status = 486 }
    status = refusal.status ?? status
    (record.cause, record.status, record.payer) = (refusal.cause, status.number, nil)
    if let line = leg.party.extension.flatMap({ rules.directory.line($0) }) {
      record.direction = router.direction(of: dialled(message, by: line))
    }
    record.normalised = record.normalised.isEmpty ? record.dialled : record.normalised
    record.legs = [leg.recorded(at: .caller)]
    journal.write(.record(record))
    self.status.callsTotal += 1
    log(
      .info, "call refused", tenant: record.tenant, Alert.Fact("call", "\(record.call)"),
      Alert.Fact("cause", refusal.cause.rawValue), Alert.Fact("why", refusal.detail))
    let words = refusal.words ?? refusal.cause.phrase
    var headers = [HeaderDraft(.reason, failure.reasonValue(saying: words))]
    if failure.hasWarning { headers.append(HeaderDraft(.warning, "399 pbx \"\(words)\"")) }
    headers += refusal.headers
    var draft = ResponseDraft(status, headers: headers)
    if failure.hasWarning { draft.reasonPhrase = words }
    respond(server, draft, at: now)
  }
}
