package import Elements

extension RelayCore {
  /// Does what is due: tones, silence, expiry, sockets that need hear nobody else any more.
  package mutating func handleDeadline(at now: Instant, into effects: inout [RelayEffect]) {
    narrowLocked(into: &effects)
    while let id = deadlines.popDue(at: now) {
      // An entry that was overtaken by an earlier one is left to the entry that counts.
      guard let row = rows[id], let scheduled = sessions[row]?.scheduledAt, scheduled <= now
      else { continue }
      sessions[row]?.scheduledAt = nil
      expire(row, at: now, into: &effects)
      listen(row, at: now, into: &effects)
      playOn(row, at: now, into: &effects)
      schedule(row, notBefore: now)
    }
  }

  /// Puts the session into the queue for the next moment it waits for, unless it is there already.
  mutating func schedule(_ row: Int, notBefore: Instant = .start) {
    guard let session = sessions[row], let next = nextDeadline(of: session) else { return }
    // Never twice at one moment: what is due now was done now.
    let moment = max(next, notBefore + .milliseconds(1))
    if let scheduled = session.scheduledAt, scheduled <= moment { return }
    sessions[row]?.scheduledAt = moment
    deadlines.schedule(session.id, at: moment)
  }

  private func nextDeadline(of session: MediaSession) -> Instant? {
    var next: Instant?
    func consider(_ moment: Instant) { next = min(next ?? .never, moment) }
    if let until = session.until, until < .never, !session.isExpired { consider(until) }
    for player in session.players { consider(player.nextFrameAt) }
    if let check = session.silenceCheckAt { consider(check) }
    return next
  }

  private mutating func expire(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    guard let session = sessions[row], let until = session.until, until <= now, !session.isExpired
    else { return }
    sessions[row]?.isExpired = true
    effects.append(.tell(.expired(session.id)))
  }

  private mutating func narrowLocked(into effects: inout [RelayEffect]) {
    for row in lockedStreams where streams[row].wantsNarrowing {
      guard let source = streams[row].narrow() else { continue }
      effects.append(.narrow(streams[row].rtp, to: source))
    }
    lockedStreams.removeAll(keepingCapacity: true)
  }

  /// The bridged legs that should send audio or video.
  private func expectedLegs(of session: MediaSession) -> [MediaSession.Leg] {
    guard let pair = session.bridge else { return [] }
    return [pair.first, pair.second].compactMap(session.leg).filter { isExpected($0) }
  }

  private func isExpected(_ leg: MediaSession.Leg) -> Bool {
    for case let row? in leg.streams where streams[row].legSends {
      if streams[row].kind == .audio || streams[row].kind == .video { return true }
    }
    return false
  }

  private func lastHeard(of leg: MediaSession.Leg, in session: MediaSession) -> Instant {
    leg.streams.compactMap { $0.flatMap { streams[$0].lastHeard } }
      .reduce(session.listeningSince, max)
  }

  /// Silence counts from now: somebody else is bridged, or may send again.
  mutating func listenAnew(_ row: Int, at now: Instant) {
    guard let session = sessions[row] else { return }
    sessions[row]?.listeningSince = now
    sessions[row]?.silenceCheckAt = nil
    guard let pair = session.bridge, let patience = session.silenceAfter else { return }
    for leg in session.legs where leg.number == pair.first || leg.number == pair.second {
      if isExpected(leg) { sessions[row]?.silenceCheckAt = now + patience }
    }
  }

  /// Finds out who has fallen silent, and tells what is new.
  private mutating func listen(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    guard let session = sessions[row], let patience = session.silenceAfter,
      let check = session.silenceCheckAt, check <= now
    else { return }
    let expected = expectedLegs(of: session).map { leg in
      (number: leg.number, heard: lastHeard(of: leg, in: session))
    }
    let silent = expected.filter { $0.heard + patience <= now }
    let state: MediaSession.Silence =
      silent.isEmpty
      ? .none : silent.count == expected.count ? .both : .leg(silent[0].number)
    // Before it is told: when it can be true. Afterwards: whether it went away.
    let first = expected.map { $0.heard + patience }.min()
    let again = now + max(patience / 4, .milliseconds(250))
    sessions[row]?.silenceCheckAt = state == .none ? first : again
    guard state != session.silence else { return }
    sessions[row]?.silence = state
    switch state {
    case .none: break
    case .both:
      let since = silent.map(\.heard).reduce(session.listeningSince, max)
      effects.append(.tell(.silent(session.id, since: since)))
    case .leg(let number):
      effects.append(.tell(.oneWay(session.id, leg: number, since: silent[0].heard)))
    }
  }
}
