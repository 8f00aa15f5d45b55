import Directory
import Elements
import Numbering
import SIP
import SIPSyntax

// Looking after trunks: their names, their health, and our registration with them.

extension SwitchCore {
  /// Takes the trunks of a new directory; those that stay keep their state.
  mutating func adoptTrunks(_ old: Rulebook, at now: Now) {
    forgetTrunks()
    for trunk in rules.directory.trunks {
      let before = old.directory.trunk(trunk.id)
      if trunks[trunk.id] == nil {
        trunks[trunk.id] = TrunkState(id: trunk.id, at: now)
      } else if before?.address != trunk.address
        || before?.presentCertificate != trunk.presentCertificate
      {
        trunks[trunk.id]?.moved(at: now)
      } else if before?.probeEvery == nil, trunk.probeEvery != nil {
        trunks[trunk.id]?.probeAt = now.instant
      }
      let isLeft = before?.probeEvery != nil || before?.registration != nil
      if isLeft, trunk.probeEvery == nil { trunks[trunk.id]?.leaveToCalls(at: now.instant) }
      if trunk.registration == nil {
        trunks[trunk.id]?.registration = nil
      } else if before?.registration != trunk.registration || before?.address != trunk.address {
        trunks[trunk.id]?.registration = TrunkRegistration(
          number: dice.next(), seconds: UInt32(clamping: trunk.registration?.expiresSeconds ?? 600),
          at: now.instant)
      }
      handleDeadline(ofTrunk: trunk.id, at: now)
    }
  }

  /// Forgets those that are no longer in the directory.
  ///
  /// Calls over such a one go on; it takes no new ones, and is known until the last has ended and nobody waits for an answer of it.
  mutating func forgetTrunks() {
    for id in trunks.keys.sorted() where !isInUse(id) { trunks[id] = nil }
  }

  /// Whether a trunk is in the directory, has calls, or may answer an INVITE that was given up: without its address
  /// nobody would know that answer for its own, and end it.
  private func isInUse(_ id: TrunkID) -> Bool {
    rules.directory.trunk(id) != nil || trunks[id].map { $0.channelsInUse > 0 } ?? false
      || lateAnswers.values.contains { $0.isGivenUp && $0.invite.trunk == id }
  }

  mutating func handleDeadline(ofTrunk id: TrunkID, at now: Now) {
    guard let trunk = rules.directory.trunk(id), var state = trunks[id] else { return }
    if state.resolution == nil, state.resolveAt <= now.instant {
      let question = resolutionIDs.next()
      state.resolution = question
      owners.resolutions[question] = id
      output.queries.append((question, trunk.address.query))
    }
    trunks[id] = state
    if let every = trunk.probeEvery, state.probe == nil, state.probeAt <= now.instant {
      probe(trunk, every: every, at: now)
    } else if trunk.probeEvery == nil {
      trunks[id]?.probeAt = .never
    }
    if let date = trunks[id]?.registration?.deadline, date <= now.instant {
      register(with: trunk, at: now)
    }
    schedule(id, at: now)
  }

  private mutating func schedule(_ id: TrunkID, at now: Now) {
    guard let next = trunks[id]?.deadline, next < .never else { return }
    guard trunks[id]?.scheduledAt.map({ next < $0 || $0 <= now.instant }) ?? true else { return }
    trunks[id]?.scheduledAt = next
    agenda.schedule(.trunk(id), at: next)
  }

  mutating func resolved(_ question: ResolutionID, _ hops: [NextHop], at now: Now) {
    guard let id = owners.resolutions.removeValue(forKey: question),
      trunks[id]?.resolution == question
    else { return }
    let times = configuration.trunks
    let change = trunks[id]?.adopt(
      hops, showing: rules.directory.trunk(id)?.presentCertificate, times: times, at: now)
    spareCarriers(at: now)
    tell(id, change ?? nil, at: now)
    handleDeadline(ofTrunk: id, at: now)
  }

  // MARK: - Health

  private mutating func probe(_ trunk: Trunk, every: Duration, at now: Now) {
    guard let hop = trunks[trunk.id]?.hops.first else {
      trunks[trunk.id]?.probeAt = now.instant + every
      return
    }
    let host = trunk.address.signallingHost
    let target = URI(host: host, port: trunk.address.port)
    let mine = NameAddress(uri: URI(host: .address(hop.local.address)))
    let draft = RequestDraft(.options, target: target, from: mine, to: NameAddress(uri: target))
    let client = TrunkGate.ask(
      .options, draft, hop: hop, using: &sip, at: now, into: &output.wire)
    trunks[trunk.id]?.probe = client
    owners.clients[client] = .probe(trunk.id, hop)
  }

  mutating func probeAnswered(
    _ id: TrunkID, _ hop: TrunkHop, _ status: StatusCode, at now: Now
  ) {
    guard status.isFinal else { return }
    // Any answer shows that somebody is there; 503 says that it takes no calls.
    if status == 503 {
      trunks[id]?.isBusy = true
      trunkSilent(id, hop, "it answers 503", at: now)
    } else {
      trunkHeard(id, from: hop.remote, at: now)
    }
    // Last: what was heard says which address is asked next, and when.
    scheduleProbe(id, at: now)
  }

  mutating func probeFailed(
    _ id: TrunkID, _ hop: TrunkHop, _ failure: ClientFailure, at now: Now
  ) {
    trunks[id]?.isBusy = false
    trunkSilent(id, hop, "\(failure)", isUnreachable: failure != .timeout, at: now)
    scheduleProbe(id, at: now)
  }

  private mutating func scheduleProbe(_ id: TrunkID, at now: Now) {
    let times = configuration.trunks
    let every = rules.directory.trunk(id)?.probeEvery ?? times.probe
    trunks[id]?.scheduleProbe(every: every, times: times, at: now.instant)
    schedule(id, at: now)
  }

  mutating func trunkHeard(_ id: TrunkID, from remote: Endpoint, at now: Now) {
    let heard = changeTrunk(id) { state in
      let wasUp = state.health == .up
      return (wasUp: wasUp, change: state.heard(from: remote, at: now))
    }
    guard let heard, !heard.wasUp else { return }
    tell(id, heard.change, at: now)
    schedule(id, at: now)
  }

  /// Whoever registered us on that connection can send us nothing there any more.
  mutating func renewRegistrations(on connection: FlowID, at now: Now) {
    for id in trunks.keys.sorted() where trunks[id]?.registration?.connection == connection {
      trunks[id]?.registration?.renew(.connectionEnded, at: now.instant)
      schedule(id, at: now)
    }
  }

  /// Changes what is known of a trunk in its place, where `trunks[id]` takes it out and puts it back; one that
  /// nobody needs any more is forgotten.
  @discardableResult
  mutating func changeTrunk<Result>(
    _ id: TrunkID, _ change: (inout TrunkState) -> Result
  ) -> Result? {
    guard let place = trunks.index(forKey: id) else { return nil }
    let result = change(&trunks.values[place])
    if !isInUse(id) { trunks.remove(at: place) }
    return result
  }

  /// An address of it has not answered: one that is no longer asked says nothing about the one that is.
  mutating func trunkSilent(
    _ id: TrunkID, _ hop: TrunkHop, _ reason: String, isUnreachable: Bool = false, at now: Now
  ) {
    guard let state = trunks[id], state.hops.first?.isSameAddress(as: hop) == true else { return }
    let isProbed = rules.directory.trunk(id)?.probeEvery != nil
    if state.health == .unknown, state.complaint != reason {
      // One that never answered does not go down: nobody else would say what is wrong with it.
      log(
        .warning, "trunk does not answer",
        Alert.Fact("trunk", rules.directory.trunk(id)?.name ?? "\(id)"),
        Alert.Fact("why", reason))
    }
    let times = configuration.trunks
    let change = trunks[id]?.silent(
      reason, isUnreachable: isUnreachable, isProbed: isProbed, times: times, at: now)
    tell(id, change ?? nil, at: now)
    schedule(id, at: now)
    guard trunks[id]?.isAtNewAddress == true, let next = trunks[id]?.hops.first else { return }
    // While none answers that would be said for ever.
    if state.health == .up {
      log(
        .warning, "trunk is asked at its next address",
        Alert.Fact("trunk", rules.directory.trunk(id)?.name ?? "\(id)"),
        Alert.Fact("silent", "\(hop.remote)"), Alert.Fact("next", "\(next.remote)"),
        Alert.Fact("why", reason))
    }
    handleDeadline(ofTrunk: id, at: now)
  }

  /// Tells people of a change that matters to them: down, and up again.
  private mutating func tell(_ id: TrunkID, _ change: TrunkState.Health?, at now: Now) {
    guard let change, let name = rules.directory.trunk(id)?.name else { return }
    let key = "trunk-\(id)-\(now.wall.unixMilliseconds)"
    switch change {
    case .down(let reason):
      trunks[id]?.isReportedDown = true
      alert(
        .trunkDown, .critical, tenant: nil, key: key, at: now,
        [Alert.Fact("trunk", name), Alert.Fact("why", reason)])
      log(.warning, "trunk down", Alert.Fact("trunk", name), Alert.Fact("why", reason))
    case .up:
      log(.info, "trunk up", Alert.Fact("trunk", name))
      guard trunks[id]?.isReportedDown == true else { return }
      trunks[id]?.isReportedDown = false
      alert(.trunkUp, .information, tenant: nil, key: key, at: now, [Alert.Fact("trunk", name)])
    case .unknown: break
    }
  }

  // MARK: - Registering with a carrier

  private mutating func register(
    with trunk: Trunk, answering: (response: Message, header: HeaderDraft)? = nil, at now: Now
  ) {
    guard let entry = trunk.registration, let hop = trunks[trunk.id]?.hops.first,
      var registration = trunks[trunk.id]?.registration
    else {
      trunks[trunk.id]?.registration?.wait(until: now.instant + .seconds(1))
      return
    }
    let host = trunk.address.signallingHost
    let user = entry.credentials.username
    let own = entry.addressOfRecord.flatMap { try? URI($0) } ?? URI(user: user, host: host)
    let target = URI(host: host, port: trunk.address.port)
    let address = NameAddress(uri: own)
    var draft = RequestDraft(.register, target: target, from: address, to: address)
    draft.callID = registration.callID
    draft.fromTag = registration.tag
    draft.cseq = registration.nextSequence()
    draft.contact = .automatic(user: user)
    draft.headers = [HeaderDraft(.expires, "\(registration.seconds)")]
    if let answering { draft.headers.append(answering.header) }
    let client = TrunkGate.ask(
      .register, draft, hop: hop, using: &sip, at: now, into: &output.wire)
    registration.asked(client, answered: answering != nil, at: now.instant)
    trunks[trunk.id]?.registration = registration
    owners.clients[client] = .register(trunk.id, hop)
  }

  mutating func registerAnswered(
    _ id: TrunkID, _ hop: TrunkHop, _ client: ClientTransactionID, _ message: Message,
    on flow: Flow, at now: Now
  ) {
    guard let trunk = rules.directory.trunk(id), let status = message.status, status.isFinal,
      let registration = trunks[id]?.registration, registration.isAsking(client)
    else { return }
    let next = trunks[id]?.hops.first
    let isNext = next?.isSameAddress(as: hop) ?? true
    guard isNext || status.isSuccess else {
      // What it says means nothing where another one is asked by now.
      trunks[id]?.registration?.wait(until: now.instant)
      return handleDeadline(ofTrunk: id, at: now)
    }
    switch status.number {
    case 200...299:
      let seconds = granted(message, on: flow) ?? registration.seconds
      trunks[id]?.registration?.accepted(seconds: seconds, on: flow, at: now.instant)
      if let next, !isNext {
        trunks[id]?.registration?.renew(.nextAddress(next.remote), at: now.instant)
      }
      if trunks[id]?.isBusy == false { trunkHeard(id, from: hop.remote, at: now) }
    case 401, 407:
      let target = URI(host: trunk.address.signallingHost, port: trunk.address.port)
      guard registration.mayAnswer(client),
        let header = authorization(
          of: id, for: message, method: .register, uri: target, realm: message.challengedRealm)
      else { return registerRefused(id, hop, status.number, at: now) }
      changeTrunk(id) { $0.realm = message.challengedRealm }
      register(with: trunk, answering: (message, header), at: now)
    case 423:
      let minimum = message.number(.minExpires) ?? 3600
      guard trunks[id]?.registration?.tooBrief(minimumSeconds: minimum, at: now.instant) == true
      else {
        return registerRefused(id, hop, status.number, at: now)
      }
    case _: registerRefused(id, hop, status.number, at: now)
    }
    handleDeadline(ofTrunk: id, at: now)
  }

  private mutating func registerRefused(
    _ id: TrunkID, _ hop: TrunkHop, _ status: UInt16, at now: Now
  ) {
    registerFailed(
      id, "the carrier answered \(status)", by: hop.remote,
      isFinal: [401, 403, 407].contains(status), at: now)
  }

  /// No answer to a REGISTER: the next address is asked at once, and it has failed with the last of them.
  mutating func registerUnanswered(
    _ id: TrunkID, _ hop: TrunkHop, _ client: ClientTransactionID, _ failure: ClientFailure,
    at now: Now
  ) {
    guard let state = trunks[id], state.registration?.isAsking(client) == true else { return }
    // Where there is only one, calls and probes say whether it takes calls.
    if state.hops.count > 1 {
      // It has been given eight times what a call waits for.
      trunkSilent(id, hop, "\(failure)", isUnreachable: true, at: now)
    }
    let isForgotten = !state.hops.contains { $0.isSameAddress(as: hop) }
    // The end of a connection that was there before says nothing of a new one.
    let isStale = hop.transport.isReliable && failure != .timeout
    guard
      isForgotten
        || trunks[id]?.registration?.missed(of: state.hops.count + (isStale ? 1 : 0)) == true
    else { return registerFailed(id, "\(failure)", at: now) }
    trunks[id]?.registration?.wait(until: now.instant)
    handleDeadline(ofTrunk: id, at: now)
  }

  /// A registration that was there and has ended, or that the carrier will not have, makes the trunk useless.
  private mutating func registerFailed(
    _ id: TrunkID, _ reason: String, by refuser: Endpoint? = nil, isFinal: Bool = false,
    at now: Now
  ) {
    let times = configuration.trunks
    trunks[id]?.registration?.failed(reason, by: refuser, times: times, at: now.instant)
    let name = rules.directory.trunk(id)?.name ?? "\(id)"
    log(
      .warning, "trunk registration failed", Alert.Fact("trunk", name),
      Alert.Fact("reason", reason))
    if let registration = trunks[id]?.registration,
      isFinal || (registration.wasRegistered && !registration.holds(at: now.instant))
    {
      let change = trunks[id]?.refused("its registration failed: \(reason)", at: now)
      tell(id, change ?? nil, at: now)
    }
    schedule(id, at: now)
  }

  /// The shortest expiry of our contact, where the answer shows which one that is, else of all, or of the whole answer.
  private func granted(_ message: Message, on flow: Flow) -> UInt32? {
    guard case .contacts(let contacts)? = try? message.contacts() else { return message.expires }
    let ours = contacts.filter {
      if case .address(let host) = $0.uri.host { isOwn(host, on: flow) } else { false }
    }
    return (ours.isEmpty ? contacts : ours).compactMap(\.expires).min() ?? message.expires
  }

  /// The credentials of a trunk for a challenge of its own; nil for a realm that is not its (A22).
  ///
  /// Asked for requests that went to the trunk itself, and for nothing else. Without a configured realm the one
  /// that is asked for counts; within a dialog that is `realm`, for which its INVITE was repeated, or that of
  /// the registration.
  mutating func authorization(
    of id: TrunkID, for challenge: Message, method: Method, uri: URI, realm: [UInt8]?
  ) -> HeaderDraft? {
    guard let credentials = rules.directory.trunk(id)?.credentials,
      let realm = credentials.realm
        ?? (realm ?? trunks[id]?.realm).map({ String(decoding: $0, as: UTF8.self) })
    else { return nil }
    let account = DigestAccount(
      user: credentials.username, realm: realm, password: credentials.password.value)
    return account.answer(challenge, method: method, uri: uri, dice: &dice)
  }
}

extension Message {
  /// The realm that a 401 or 407 asks for first.
  var challengedRealm: [UInt8]? {
    let name: HeaderName = status == 407 ? .proxyAuthenticate : .wwwAuthenticate
    return (try? digestChallenges(name))?.first?.realm
  }
}

extension TrunkAddress {
  var query: NameQuery {
    let transport: SIP.Transport? =
      switch transport {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .tls
      case nil: nil
      }
    return NameQuery(host: host, port: port, transport: transport)
  }
}
