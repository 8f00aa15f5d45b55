import Elements
import Relay
import SDP
import SIP
import SIPSyntax

// Everything that a call asks of the relay and hears from it.

extension SwitchCore {
  /// Opens the session for the caller and the legs that are to ring, or attaches new legs to it.
  mutating func openMedia(_ call: inout Call, at now: Now) {
    guard call.media.state != .closing, call.media.state != .closed else { return }
    let offer = call.invitation.offer
    if call.media.state == .none {
      var plans: [LegPlan] = []
      for index in call.legs.indices {
        let plan =
          index == 0 ? call.legs[0].media.plan() : call.legs[index].media.plan(toReceive: offer)
        guard let plan else { continue }
        call.legs[index].media.isAttached = true
        plans.append(plan)
      }
      call.media.state = .opening
      output.relay.append(
        .open(
          call.media.session,
          MediaPlan(legs: plans, until: nil, silenceAfter: configuration.calls.silence)))
      return
    }
    for index in call.legs.indices
    where !call.legs[index].media.isAttached && call.legs[index].isAlive {
      guard let plan = call.legs[index].media.plan(toReceive: offer) else { continue }
      call.legs[index].media.isAttached = true
      output.relay.append(.attach(call.media.session, leg: index, plan))
    }
  }

  /// Where we receive for a caller: where its signalling came in, but of the family that its offer names.
  ///
  /// A phone may well signal by IPv6 and talk by IPv4.
  func mediaAddress(for offer: SessionDescription?, on flow: Flow) -> IPAddress {
    let local = flow.local.address
    guard let wanted = offer?.firstAddress, wanted.isV4 != local.isV4 else { return local }
    let ours = configuration.mediaAddresses.sorted().filter { $0.isV4 == wanted.isV4 }
    return ours.first { $0.isLoopback == wanted.isLoopback } ?? ours.first ?? local
  }

  /// Tells the relay what a leg has agreed to by now.
  mutating func updateMedia(_ call: Call, leg: Int) {
    guard call.legs[leg].media.isAttached, let plan = agreedPlan(of: leg, in: call) else { return }
    output.relay.append(.update(call.media.session, leg: leg, plan))
  }

  /// While an offer waits for its answer, what was agreed on before is in force: it may be refused, and keys that were
  /// changed meanwhile would have cost the running streams their counters.
  private func agreedPlan(of leg: Int, in call: Call) -> LegPlan? {
    let media = call.legs[leg].media
    var plan = (call.exchange?.before[leg] ?? media).plan()
    plan?.signallingSource = media.signallingSource
    return plan
  }

  /// Asks for ports for streams that the leg has none for yet; they are mute until an answer agrees on them.
  mutating func growMedia(_ call: Call, leg: Int, for offer: SessionDescription) {
    guard var plan = agreedPlan(of: leg, in: call) else { return }
    for index in offer.media.indices {
      let kind = offer.media[index].relayKind
      let stream =
        kind.map { StreamPlan($0, legSends: false, legReceives: false) } ?? .rejected
      if index >= plan.streams.count {
        plan.streams.append(stream)
      } else if plan.streams[index].kind == .rejected {
        plan.streams[index] = stream
      }
    }
    output.relay.append(.update(call.media.session, leg: leg, plan))
  }

  mutating func bridge(_ call: inout Call, with leg: Int) {
    guard call.media.bridged != leg else { return }
    call.media.bridged = leg
    output.relay.append(.bridge(call.media.session, LegPair(0, leg)))
  }

  mutating func renewMedia(_ call: inout Call, until: Instant) {
    // While several paid legs ring, the latest of their moments counts.
    let latest = max(until, call.phase == .talking ? until : call.media.until ?? until)
    guard call.media.until != latest else { return }
    call.media.until = latest
    output.relay.append(.renew(call.media.session, until: latest))
  }

  mutating func closeMedia(_ call: inout Call) {
    switch call.media.state {
    case .none: call.media.state = .closed
    case .opening, .open:
      call.media.state = .closing
      output.relay.append(.close(call.media.session))
    case .closing, .closed: break
    }
  }

  // MARK: - What the relay says

  mutating func handle(_ event: RelayEvent, at now: Now) {
    guard let id = owners.sessions[event.session] else { return }
    withCall(id, at: now) { (core, call) throws(LegContradiction) in
      switch event {
      case .opened(_, let ports): try core.opened(&call, ports, at: now)
      case .failed(_, let reason):
        call.media.state = .closed
        core.log(.error, "media failed", call: call, Alert.Fact("reason", "\(reason)"))
        try core.end(&call, .mediaUnavailable, by: .system, at: now)
      case .legFailed(_, let leg, let reason):
        core.log(.error, "media failed", call: call, Alert.Fact("reason", "\(reason)"))
        try core.legMediaFailed(&call, leg, at: now)
      case .silent(_, let since): try core.silent(&call, since: since, at: now)
      case .oneWay(_, let leg, _):
        core.log(.warning, "one-way audio", call: call, Alert.Fact("leg", "\(leg)"))
        if call.legs.indices.contains(leg) { call.legs[leg].wasUnheard = true }
      case .expired: try core.mediaExpired(&call, at: now)
      case .played: break
      case .report(_, let quality): core.note(quality, in: &call, at: now)
      case .closed(_, let quality):
        core.note(quality, in: &call, at: now)
        core.logUnnamedMedia(quality, of: call)
        call.media.state = .closed
      }
    }
  }

  /// Says once a call that a leg was not heard, although somebody sent: its media came from elsewhere.
  private mutating func logUnnamedMedia(_ quality: [LegQuality], of call: Call) {
    for leg in quality {
      let packets = leg.streams.filter { $0.source == nil }.reduce(0) { $0 &+ $1.strangers }
      guard packets > 0 else { continue }
      log(
        .warning, "media from an address that neither SDP nor signalling names", call: call,
        Alert.Fact("leg", "\(leg.leg)"), Alert.Fact("packets", "\(packets)"))
    }
  }

  private mutating func opened(
    _ call: inout Call, _ ports: [LegPorts], at now: Now
  ) throws(LegContradiction) {
    if call.media.state == .opening { call.media.state = .open }
    for leg in ports where call.legs.indices.contains(leg.leg) {
      call.legs[leg.leg].media.ports = leg
    }
    guard call.phase != .ending else { return }
    try inviteReadyLegs(&call, at: now)
    try resumeExchange(&call, at: now)
    try resumeAnswer(&call, at: now)
  }

  private mutating func legMediaFailed(
    _ call: inout Call, _ leg: Int, at now: Now
  ) throws(LegContradiction) {
    guard call.legs.indices.contains(leg) else { return }
    if call.legs[leg].state == .preparing {
      return try legFailed(&call, leg, LegFailure(.mediaUnavailable), at: now)
    }
    if call.answerWaits, leg == 0 || leg == call.answered {
      return try end(&call, .mediaUnavailable, by: .system, at: now)
    }
    guard let exchange = call.exchange, exchange.from == leg || exchange.to == leg else { return }
    if exchange.waitsToAnswer { return try refuseLateOffer(&call, .mediaUnavailable, at: now) }
    // One that has been passed on has all the ports that it needs.
    if exchange.client == nil { try refuseExchange(&call, status: 488, at: now) }
  }

  /// Neither side has sent anything for long: the call has died, unless somebody is on hold.
  private mutating func silent(
    _ call: inout Call, since: Instant, at now: Now
  ) throws(LegContradiction) {
    guard call.phase == .talking, let peer = call.answered,
      !call.legs[0].media.isOnHold, !call.legs[peer].media.isOnHold
    else { return }
    log(.info, "media silent", call: call)
    try end(&call, .mediaSilent, by: .system, at: now)
  }

  private mutating func note(_ quality: [LegQuality], in call: inout Call, at now: Now) {
    for leg in quality where call.legs.indices.contains(leg.leg) {
      call.legs[leg.leg].quality = leg
      for stream in leg.streams {
        guard let last = stream.lastPacketAt else { continue }
        let wall = now.wall + (last - now.instant)
        call.record.lastMediaAt = max(call.record.lastMediaAt ?? wall, wall)
      }
    }
  }
}

extension RelayEvent {
  var session: MediaSessionID {
    switch self {
    case .opened(let id, _), .failed(let id, _), .legFailed(let id, _, _), .silent(let id, _),
      .oneWay(let id, _, _), .expired(let id), .played(let id, _, _), .report(let id, _),
      .closed(let id, _):
      id
    }
  }
}
