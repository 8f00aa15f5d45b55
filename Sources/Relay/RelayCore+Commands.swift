package import Elements
import SRTP

extension RelayCore {
  /// Does what the switch asks.
  package mutating func handle(
    _ command: RelayCommand, at now: Instant, into effects: inout [RelayEffect]
  ) {
    switch command {
    case .open(let id, let plan): open(id, plan, at: now, into: &effects)
    case .attach(let id, let leg, let plan):
      attach(id, leg: leg, plan, at: now, into: &effects)
    case .update(let id, let leg, let plan):
      update(id, leg: leg, plan, at: now, into: &effects)
    case .detach(let id, let leg): detach(id, leg: leg, at: now, into: &effects)
    case .bridge(let id, let pair): bridge(id, pair, at: now)
    case .unbridge(let id): bridge(id, nil, at: now)
    case .renew(let id, let until): renew(id, until: until, at: now)
    case .play(let id, let leg, let tone): play(id, leg: leg, tone, at: now, into: &effects)
    case .stopPlaying(let id, let leg): stopPlaying(id, leg: leg, at: now, into: &effects)
    case .inspect(let id):
      guard let row = rows[id], let session = sessions[row] else { return }
      effects.append(.tell(.report(id, qualities(of: session))))
    case .close(let id): close(id, at: now, into: &effects)
    }
  }

  private mutating func open(
    _ id: MediaSessionID, _ plan: MediaPlan, at now: Instant, into effects: inout [RelayEffect]
  ) {
    func refuse(_ failure: RelayFailure) { effects.append(.tell(.failed(id, failure))) }
    guard rows[id] == nil else { return refuse(.numberInUse) }
    guard rows.count < configuration.maximumSessions else {
      return refuse(.tooManySessions(limit: configuration.maximumSessions))
    }
    guard plan.legs.count <= configuration.maximumLegs else {
      return refuse(.tooManyLegs(limit: configuration.maximumLegs))
    }
    var session = MediaSession(id: id, at: now)
    (session.bridge, session.until) = (plan.bridge, plan.until)
    session.silenceAfter = plan.silenceAfter
    let row = freeSessions.popLast() ?? sessions.count
    if row == sessions.count { sessions.append(session) } else { sessions[row] = session }
    rows[id] = row
    for (number, leg) in plan.legs.enumerated() {
      if let failure = addLeg(leg, number: number, to: row, at: now, into: &effects) {
        drop(row, at: now, into: &effects)
        return refuse(failure)
      }
    }
    connect(row)
    listenAnew(row, at: now)
    schedule(row)
    announce(row, into: &effects)
  }

  private mutating func attach(
    _ id: MediaSessionID, leg number: Int, _ plan: LegPlan, at now: Instant,
    into effects: inout [RelayEffect]
  ) {
    guard let row = rows[id], let session = sessions[row] else { return }
    var failure: RelayFailure?
    if number < 0 || session.leg(number) != nil {
      failure = .numberInUse
    } else if session.legs.count >= configuration.maximumLegs {
      failure = .tooManyLegs(limit: configuration.maximumLegs)
    } else {
      failure = addLeg(plan, number: number, to: row, at: now, into: &effects)
    }
    if let failure {
      effects.append(.tell(.legFailed(id, leg: number, failure)))
      return
    }
    connect(row)
    announce(row, into: &effects)
  }

  /// Adds a leg and asks for its sockets; nil: done.
  ///
  /// On a failure the leg is not there.
  private mutating func addLeg(
    _ plan: LegPlan, number: Int, to row: Int, at now: Instant, into effects: inout [RelayEffect]
  ) -> RelayFailure? {
    guard plan.streams.count <= configuration.maximumStreams else {
      return .tooManyStreams(limit: configuration.maximumStreams)
    }
    var leg = MediaSession.Leg(number: number, plan: plan, streams: [])
    for (index, stream) in plan.streams.enumerated() {
      guard stream.kind != .rejected else {
        leg.streams.append(nil)
        continue
      }
      do throws(RelayFailure) {
        let added = try addStream(
          stream, number: index, of: plan, leg: number, session: row, at: now, into: &effects)
        leg.streams.append(added)
      } catch {
        for added in leg.streams.compactMap({ $0 }) {
          removeStream(added, local: plan.local, at: now, into: &effects)
        }
        return error
      }
    }
    let place = sessions[row]?.legs.firstIndex { $0.number > number } ?? sessions[row]?.legs.count
    sessions[row]?.legs.insert(leg, at: place ?? 0)
    return nil
  }

  private mutating func update(
    _ id: MediaSessionID, leg number: Int, _ plan: LegPlan, at now: Instant,
    into effects: inout [RelayEffect]
  ) {
    guard let row = rows[id], let session = sessions[row], let index = session.legIndex(number)
    else { return }
    var plan = plan
    plan.local = session.legs[index].plan.local  // Sockets stay where they are.
    var leg = session.legs[index]
    guard plan.streams.count <= configuration.maximumStreams else {
      effects.append(
        .tell(.legFailed(id, leg: number, .tooManyStreams(limit: configuration.maximumStreams))))
      return
    }
    var failure: RelayFailure?
    leg.plan = plan
    for (position, wanted) in plan.streams.enumerated() {
      if position >= leg.streams.count { leg.streams.append(nil) }
      if let existing = leg.streams[position] {
        failure = adopt(wanted, of: plan, in: existing, at: now, into: &effects) ?? failure
      } else if wanted.kind != .rejected {
        do throws(RelayFailure) {
          let added = try addStream(
            wanted, number: position, of: plan, leg: number, session: row, at: now, into: &effects)
          leg.streams[position] = added
          leg.isAnnounced = false
        } catch {
          failure = error
        }
      }
    }
    sessions[row]?.legs[index] = leg
    listenAnew(row, at: now)
    if let failure { effects.append(.tell(.legFailed(id, leg: number, failure))) }
    connect(row)
    schedule(row)
    announce(row, into: &effects)
  }

  /// Takes new signalling into a stream; a rejected one keeps its sockets and falls mute.
  private mutating func adopt(
    _ wanted: StreamPlan, of plan: LegPlan, in stream: Int, at now: Instant,
    into effects: inout [RelayEffect]
  ) -> RelayFailure? {
    // New signalling may bring a new source, which must be heard to be learned.
    if streams[stream].widen(at: now) { effects.append(.narrow(streams[stream].rtp, to: nil)) }
    var wanted = wanted
    if wanted.kind == .rejected {
      wanted = StreamPlan(streams[stream].kind, legSends: false, legReceives: false)
    }
    do throws(SRTPError) {
      try streams[stream].adopt(wanted, of: plan)
      return nil
    } catch {
      return .keyRefused
    }
  }

  private mutating func detach(
    _ id: MediaSessionID, leg number: Int, at now: Instant, into effects: inout [RelayEffect]
  ) {
    guard let row = rows[id], let session = sessions[row], let index = session.legIndex(number)
    else { return }
    effects.append(.tell(.report(id, [quality(of: session.legs[index])])))
    removeLeg(at: index, from: row, at: now, into: &effects)
    announce(row, into: &effects)
  }

  /// Closes what belongs to a leg and forgets it.
  mutating func removeLeg(
    at index: Int, from row: Int, at now: Instant, into effects: inout [RelayEffect]
  ) {
    guard let session = sessions[row] else { return }
    let leg = session.legs[index]
    stopPlaying(session.id, leg: leg.number, at: now, into: &effects)
    for case let stream? in leg.streams {
      removeStream(stream, local: leg.plan.local, at: now, into: &effects)
    }
    sessions[row]?.legs.remove(at: index)
    if let pair = session.bridge, pair.first == leg.number || pair.second == leg.number {
      sessions[row]?.bridge = nil
    }
    connect(row)
  }

  private mutating func bridge(_ id: MediaSessionID, _ pair: LegPair?, at now: Instant) {
    guard let row = rows[id] else { return }
    sessions[row]?.bridge = pair
    sessions[row]?.silence = .none
    listenAnew(row, at: now)
    connect(row)
    schedule(row)
  }

  private mutating func renew(_ id: MediaSessionID, until: Instant, at now: Instant) {
    guard let row = rows[id] else { return }
    sessions[row]?.until = until
    if until > now { sessions[row]?.isExpired = false }
    connect(row)
    schedule(row)
  }

  /// Writes into the streams who hears whom, and until when.
  mutating func connect(_ row: Int) {
    guard let session = sessions[row] else { return }
    let until = session.until ?? .never
    for leg in session.legs {
      for case let stream? in leg.streams {
        streams[stream].peer = nil
        streams[stream].until = until
      }
    }
    guard let pair = session.bridge, pair.first != pair.second, let first = session.leg(pair.first),
      let second = session.leg(pair.second)
    else { return }
    for index in 0..<min(first.streams.count, second.streams.count) {
      guard let one = first.streams[index], let other = second.streams[index],
        streams[one].kind == streams[other].kind
      else { continue }
      (streams[one].peer, streams[other].peer) = (other, one)
    }
  }

  private mutating func close(
    _ id: MediaSessionID, at now: Instant, into effects: inout [RelayEffect]
  ) {
    let row = rows[id]
    let session = row.flatMap { sessions[$0] }
    let numbers = session.map { qualities(of: $0) } ?? []
    if let row { drop(row, at: now, into: &effects) }
    effects.append(.tell(.closed(id, numbers)))
  }

  /// Frees everything a session has; whoever calls tells the switch.
  mutating func drop(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    guard let session = sessions[row] else { return }
    for leg in session.legs {
      for case let stream? in leg.streams {
        removeStream(stream, local: leg.plan.local, at: now, into: &effects)
      }
    }
    rows[session.id] = nil
    sessions[row] = nil
    freeSessions.append(row)
  }

  private func qualities(of session: MediaSession) -> [LegQuality] {
    session.legs.map { quality(of: $0) }
  }

  private func quality(of leg: MediaSession.Leg) -> LegQuality {
    LegQuality(
      leg: leg.number,
      streams: leg.streams.map { row in
        row.map { streams[$0].quality() } ?? StreamQuality(kind: .rejected)
      })
  }
}
