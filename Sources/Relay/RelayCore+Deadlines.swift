package import Elements

extension RelayCore {
  /// Does what is due: tones, silence, expiry, sockets that need hear nobody else any more.
  package mutating func handleDeadline(at now: Instant, into effects: inout [RelayEffect]) {
    narrowLocked(into: &effects)
    while let id = deadlines.popDue(at: now) {
      // An entry that was overtaken by an earlier one is left to the entry that counts.
      guard let row = rows[id], let scheduled = sessions[row].scheduledAt, scheduled <= now
      else { continue }
      sessions[row].scheduledAt = nil
      expire(row, at: now, into: &effects)
      listen(row, at: now, into: &effects)
      playOn(row, at: now, into: &effects)
      schedule(row, notBefore: now)
    }
  }

  /// Puts the session into the queue for the next moment it waits for, unless it is there already.
  mutating func schedule(_ row: Int, notBefore: Instant = .start) {
    guard let next = nextDeadline(of: row) else { return }
    // Never twice at one moment: what is due now was done now.
    let moment = max(next, notBefore + Self.tick)
    if let scheduled = sessions[row].scheduledAt, scheduled <= moment { return }
    sessions[row].scheduledAt = moment
    deadlines.schedule(sessions[row].id, at: moment)
  }

  private static let tick = Duration.milliseconds(1)

  private func nextDeadline(of row: Int) -> Instant? {
    var next: Instant?
    func consider(_ moment: Instant) { next = min(next ?? .never, moment) }
    if let until = sessions[row].until, until < .never, !sessions[row].isExpired {
      consider(until)
    }
    for player in sessions[row].players { consider(player.nextFrameAt) }
    if let check = sessions[row].silenceCheckAt { consider(check) }
    return next
  }

  private mutating func expire(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    guard let until = sessions[row].until, until <= now, !sessions[row].isExpired else { return }
    sessions[row].isExpired = true
    effects.append(.tell(.expired(sessions[row].id)))
  }

  private mutating func narrowLocked(into effects: inout [RelayEffect]) {
    for row in lockedStreams where streams[row].wantsNarrowing {
      guard let source = streams[row].narrow() else { continue }
      effects.append(.narrow(streams[row].rtp, to: source))
    }
    lockedStreams.removeAll(keepingCapacity: true)
  }

  /// Where the bridged legs are that should send audio or video.
  private func expectedLegs(of row: Int) -> [Int] {
    guard let pair = sessions[row].bridge else { return [] }
    return [pair.first, pair.second].compactMap { sessions[row].legIndex($0) }
      .filter { isExpected($0, of: row) }
  }

  private func isExpected(_ leg: Int, of row: Int) -> Bool {
    for case let stream? in sessions[row].legs[leg].streams where streams[stream].legSends {
      if streams[stream].kind == .audio || streams[stream].kind == .video { return true }
    }
    return false
  }

  private func lastHeard(of leg: Int, in row: Int) -> Instant {
    sessions[row].legs[leg].streams.compactMap { $0.flatMap { streams[$0].lastHeard } }
      .reduce(sessions[row].listeningSince, max)
  }

  /// Silence counts from now: somebody else is bridged, or may send again.
  ///
  /// It is told anew, too: silence on hold, which the switch has heard of, ends no call.
  mutating func listenAnew(_ row: Int, at now: Instant) {
    sessions[row].silence = .none
    sessions[row].listeningSince = now
    sessions[row].silenceCheckAt = nil
    guard let pair = sessions[row].bridge, let patience = sessions[row].silenceAfter else { return }
    for number in [pair.first, pair.second] {
      guard let leg = sessions[row].legIndex(number), isExpected(leg, of: row) else { continue }
      sessions[row].silenceCheckAt = now + patience
      return
    }
  }

  /// Finds out who has fallen silent, and tells what is new.
  private mutating func listen(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    guard let patience = sessions[row].silenceAfter, let check = sessions[row].silenceCheckAt,
      check <= now
    else { return }
    let expected = expectedLegs(of: row).map { leg in
      (number: sessions[row].legs[leg].number, heard: lastHeard(of: leg, in: row))
    }
    let silent = expected.filter { $0.heard + patience <= now }
    let state: MediaSession.Silence =
      silent.isEmpty
      ? .none : silent.count == expected.count ? .both : .leg(silent[0].number)
    // Before it is told: when it can be true. Afterwards: whether it went away.
    let first = expected.map { $0.heard + patience }.min()
    let again = now + max(patience / 4, .milliseconds(250))
    sessions[row].silenceCheckAt = state == .none ? first : again
    guard state != sessions[row].silence else { return }
    sessions[row].silence = state
    let id = sessions[row].id
    switch state {
    case .none: break
    case .both:
      let since = silent.map(\.heard).reduce(sessions[row].listeningSince, max)
      effects.append(.tell(.silent(id, since: since)))
    case .leg(let number):
      effects.append(.tell(.oneWay(id, leg: number, since: silent[0].heard)))
    }
  }
}
