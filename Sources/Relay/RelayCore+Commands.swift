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
      guard let row = rows[id] else { return }
      effects.append(.tell(.report(id, qualities(of: row))))
    case .close(let id): close(id, at: now, into: &effects)
    case .spare(_, let leg):
      for case let pair? in leg.streams { ports.spare(pair.rtp, on: leg.local) }
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
    guard let row = rows[id] else { return }
    var failure: RelayFailure?
    if number < 0 || sessions[row].legIndex(number) != nil {
      failure = .numberInUse
    } else if sessions[row].legs.count >= configuration.maximumLegs {
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
    var leg = MediaSession.Leg(number: number, local: plan.local, streams: [])
    leg.streams.reserveCapacity(plan.streams.count)
    for index in plan.streams.indices {
      guard plan.streams[index].kind != .rejected else {
        leg.streams.append(nil)
        continue
      }
      do throws(RelayFailure) {
        leg.streams.append(
          try addStream(index, of: plan, leg: number, session: row, at: now, into: &effects))
      } catch {
        for added in leg.streams.compactMap({ $0 }) {
          removeStream(added, local: plan.local, at: now, into: &effects)
        }
        return error
      }
    }
    if let last = sessions[row].legs.last, last.number > number {
      let place = sessions[row].legs.firstIndex { $0.number > number }
      sessions[row].legs.insert(leg, at: place ?? 0)
    } else {
      sessions[row].legs.append(leg)
    }
    return nil
  }

  private mutating func update(
    _ id: MediaSessionID, leg number: Int, _ plan: LegPlan, at now: Instant,
    into effects: inout [RelayEffect]
  ) {
    guard let row = rows[id], let index = sessions[row].legIndex(number) else { return }
    var plan = plan
    plan.local = sessions[row].legs[index].local  // Sockets stay where they are.
    guard plan.streams.count <= configuration.maximumStreams else {
      effects.append(
        .tell(.legFailed(id, leg: number, .tooManyStreams(limit: configuration.maximumStreams))))
      return
    }
    var failure: RelayFailure?
    for position in plan.streams.indices {
      if position >= sessions[row].legs[index].streams.count {
        sessions[row].legs[index].streams.append(nil)
      }
      if let existing = sessions[row].legs[index].streams[position] {
        failure = adopt(position, of: plan, in: existing, at: now, into: &effects) ?? failure
      } else if plan.streams[position].kind != .rejected {
        do throws(RelayFailure) {
          let added = try addStream(
            position, of: plan, leg: number, session: row, at: now, into: &effects)
          sessions[row].legs[index].streams[position] = added
          sessions[row].legs[index].isAnnounced = false
        } catch {
          failure = error
        }
      }
    }
    listenAnew(row, at: now)
    if let failure { effects.append(.tell(.legFailed(id, leg: number, failure))) }
    connect(row)
    schedule(row)
    announce(row, into: &effects)
  }

  /// Takes new signalling into a stream; a rejected one keeps its sockets and falls mute.
  private mutating func adopt(
    _ position: Int, of plan: LegPlan, in stream: Int, at now: Instant,
    into effects: inout [RelayEffect]
  ) -> RelayFailure? {
    // New signalling may bring a new source, which must be heard to be learned.
    if streams[stream].widen(at: now) { effects.append(.narrow(streams[stream].rtp, to: nil)) }
    var wanted = plan.streams[position]
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
    guard let row = rows[id], let index = sessions[row].legIndex(number) else { return }
    effects.append(.tell(.report(id, [quality(of: index, in: row)])))
    removeLeg(at: index, from: row, at: now, into: &effects)
    announce(row, into: &effects)
  }

  /// Closes what belongs to a leg and forgets it.
  mutating func removeLeg(
    at index: Int, from row: Int, at now: Instant, into effects: inout [RelayEffect]
  ) {
    stopPlaying(
      sessions[row].id, leg: sessions[row].legs[index].number, at: now, into: &effects)
    let leg = sessions[row].legs.remove(at: index)
    for case let stream? in leg.streams {
      removeStream(stream, local: leg.local, at: now, into: &effects)
    }
    if let pair = sessions[row].bridge, pair.first == leg.number || pair.second == leg.number {
      sessions[row].bridge = nil
    }
    connect(row)
  }

  private mutating func bridge(_ id: MediaSessionID, _ pair: LegPair?, at now: Instant) {
    guard let row = rows[id] else { return }
    sessions[row].bridge = pair
    listenAnew(row, at: now)
    connect(row)
    schedule(row)
  }

  private mutating func renew(_ id: MediaSessionID, until: Instant, at now: Instant) {
    guard let row = rows[id] else { return }
    sessions[row].until = until
    if until > now { sessions[row].isExpired = false }
    connect(row)
    schedule(row)
  }

  /// Writes into the streams who hears whom, and until when.
  mutating func connect(_ row: Int) {
    let until = sessions[row].until ?? .never
    for leg in sessions[row].legs.indices {
      for case let stream? in sessions[row].legs[leg].streams {
        streams[stream].peer = nil
        streams[stream].until = until
      }
    }
    guard let pair = sessions[row].bridge, pair.first != pair.second,
      let first = sessions[row].legIndex(pair.first),
      let second = sessions[row].legIndex(pair.second)
    else { return }
    for (one, other) in zip(sessions[row].legs[first].streams, sessions[row].legs[second].streams) {
      guard let one, let other,
        streams[one].kind == streams[other].kind
      else { continue }
      (streams[one].peer, streams[other].peer) = (other, one)
    }
  }

  private mutating func close(
    _ id: MediaSessionID, at now: Instant, into effects: inout [RelayEffect]
  ) {
    var numbers: [LegQuality] = []
    if let row = rows[id] {
      numbers = qualities(of: row)
      drop(row, at: now, into: &effects)
    }
    effects.append(.tell(.closed(id, numbers)))
  }

  /// Frees everything a session has; whoever calls tells the switch.
  mutating func drop(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    let id = sessions[row].id
    for leg in sessions[row].legs.indices {
      let local = sessions[row].legs[leg].local
      for case let stream? in sessions[row].legs[leg].streams {
        removeStream(stream, local: local, at: now, into: &effects)
      }
    }
    rows[id] = nil
    sessions[row] = MediaSession(id: id, at: now)
    freeSessions.append(row)
  }

  private func qualities(of row: Int) -> [LegQuality] {
    sessions[row].legs.indices.map { quality(of: $0, in: row) }
  }

  private func quality(of leg: Int, in row: Int) -> LegQuality {
    LegQuality(
      leg: sessions[row].legs[leg].number,
      streams: sessions[row].legs[leg].streams.map { stream in
        stream.map { streams[$0].quality() } ?? StreamQuality(kind: .rejected)
      })
  }
}
