package import Elements
import SRTP

extension RelayCore {
  /// The lane bound the socket of a `.bind`; one that is no longer wanted is closed again.
  package mutating func bound(
    _ socket: SocketID, at now: Instant, into effects: inout [RelayEffect]
  ) {
    guard let stream = stream(of: socket) else {
      effects.append(.close(socket))
      return
    }
    streams[stream].boundSockets += 1
    announce(streams[stream].session, into: &effects)
  }

  /// The lane could not bind the socket of a `.bind`; it needs no `.close`.
  package mutating func bindFailed(
    _ socket: SocketID, reason: String, at now: Instant, into effects: inout [RelayEffect]
  ) {
    guard let row = stream(of: socket) else { return }
    let stream = streams[row]
    guard let leg = sessions[stream.session].legIndex(stream.leg) else { return }
    let local = sessions[stream.session].legs[leg].local
    // The other one of the pair may be bound or on its way.
    effects.append(.close(socket == stream.rtp ? stream.rtcp : stream.rtp))
    freeSocket(stream.rtp)
    freeSocket(stream.rtcp)
    ports.restClosed(stream.port, on: local, at: now)
    forgetSockets(of: row)
    streams[row].bindAttempts += 1
    if stream.bindAttempts < configuration.bindAttempts,
      house(row, on: local, at: now, into: &effects)
    {
      return announce(stream.session, into: &effects)
    }
    let failed = Endpoint(local, socket == stream.rtp ? stream.port : stream.port + 1)
    giveUp(row, .bindFailed(failed, reason), at: now, into: &effects)
  }

  /// A stream got no sockets: the opening session, the attached leg or the new stream fails.
  private mutating func giveUp(
    _ row: Int, _ failure: RelayFailure, at now: Instant, into effects: inout [RelayEffect]
  ) {
    let (sessionRow, number) = (streams[row].session, streams[row].leg)
    guard let index = sessions[sessionRow].legIndex(number) else { return }
    let id = sessions[sessionRow].id
    guard sessions[sessionRow].isOpen else {
      drop(sessionRow, at: now, into: &effects)
      effects.append(.tell(.failed(id, failure)))
      return
    }
    if sessions[sessionRow].legs[index].streams.contains(where: { $0 != row && isBound($0) }) {
      sessions[sessionRow].legs[index].streams[streams[row].number] = nil
      let local = sessions[sessionRow].legs[index].local
      removeStream(row, local: local, at: now, into: &effects)
      connect(sessionRow)
    } else {
      removeLeg(at: index, from: sessionRow, at: now, into: &effects)
    }
    effects.append(.tell(.legFailed(id, leg: number, failure)))
    announce(sessionRow, into: &effects)
  }

  private func isBound(_ row: Int?) -> Bool { row.map { streams[$0].boundSockets == 2 } ?? false }

  /// Tells the ports that are all bound now and were not told yet.
  mutating func announce(_ row: Int, into effects: inout [RelayEffect]) {
    var ready = 0
    for leg in sessions[row].legs.indices where isReady(leg, of: row) { ready += 1 }
    // The answer to `open` waits for every leg; later legs are told one by one.
    guard sessions[row].isOpen ? ready > 0 : ready == sessions[row].legs.count else { return }
    var ports: [LegPorts] = []
    ports.reserveCapacity(ready)
    for leg in sessions[row].legs.indices where isReady(leg, of: row) {
      ports.append(self.ports(of: leg, in: row))
      sessions[row].legs[leg].isAnnounced = true
    }
    sessions[row].isOpen = true
    effects.append(.tell(.opened(sessions[row].id, ports)))
  }

  /// Whether the ports of a leg are bound and not told yet.
  private func isReady(_ leg: Int, of row: Int) -> Bool {
    guard !sessions[row].legs[leg].isAnnounced else { return false }
    for case let stream? in sessions[row].legs[leg].streams where !isBound(stream) { return false }
    return true
  }

  private func ports(of leg: Int, in row: Int) -> LegPorts {
    LegPorts(
      leg: sessions[row].legs[leg].number, local: sessions[row].legs[leg].local,
      streams: sessions[row].legs[leg].streams.map { stream in
        stream.map { LegPorts.Pair(rtp: streams[$0].port, rtcp: streams[$0].port + 1) }
      })
  }

  /// Makes a stream with a pair of ports, whose sockets are there or asked for.
  mutating func addStream(
    _ number: Int, of plan: LegPlan, leg: Int, session: Int, at now: Instant,
    into effects: inout [RelayEffect]
  ) throws(RelayFailure) -> Int {
    let row = freeStreams.popLast() ?? streams.count
    if row == streams.count { streams.append(.free) }
    streams[row] = MediaStream(
      session: session, leg: leg, number: number, kind: plan.streams[number].kind)
    do throws(SRTPError) {
      try streams[row].adopt(plan.streams[number], of: plan)
    } catch {
      freeStream(row)
      throw .keyRefused
    }
    guard house(row, on: plan.local, at: now, into: &effects) else {
      freeStream(row)
      throw .portsExhausted(plan.local)
    }
    return row
  }

  /// Gives a stream a pair of ports: one that rested, with its open sockets, or one to be bound.
  ///
  /// False: none is left.
  private mutating func house(
    _ row: Int, on local: IPAddress, at now: Instant, into effects: inout [RelayEffect]
  ) -> Bool {
    switch ports.take(on: local, at: now, using: &dice) {
    case .rested(let pair):
      streams[row].takeOver(pair, memory: configuration.memory)
      for socket in [pair.rtp, pair.rtcp] { sockets[Int(socket.index)].use = .stream(row) }
    case .fresh(let port):
      streams[row].port = port
      streams[row].rtp = takeSocket(for: row, isControl: false)
      streams[row].rtcp = takeSocket(for: row, isControl: true)
      effects.append(.bind(streams[row].rtp, Endpoint(local, port)))
      effects.append(.bind(streams[row].rtcp, Endpoint(local, port + 1)))
    case nil: return false
    }
    return true
  }

  /// Frees the row of a stream; its ports rest.
  mutating func removeStream(
    _ row: Int, local: IPAddress, at now: Instant, into effects: inout [RelayEffect]
  ) {
    if streams[row].boundSockets == 2 {
      if streams[row].widen(at: now) { effects.append(.narrow(streams[row].rtp, to: nil)) }
      let pair = RestingPair(streams[row], at: now, memory: configuration.memory)
      rest(pair, on: local, at: now, into: &effects)
    } else if streams[row].port != 0 {
      close(streams[row].rtp, streams[row].rtcp, into: &effects)
      ports.restClosed(streams[row].port, on: local, at: now)
    }
    freeStream(row)
  }

  private mutating func freeStream(_ row: Int) {
    // Lets go of its keys now, not when the row is used again.
    streams[row] = .free
    freeStreams.append(row)
  }

  private mutating func rest(
    _ pair: RestingPair, on local: IPAddress, at now: Instant, into effects: inout [RelayEffect]
  ) {
    if let place = ports.rest(pair, on: local, at: now) {
      for socket in [pair.rtp, pair.rtcp] { sockets[Int(socket.index)].use = .resting(place) }
    } else {
      close(pair.rtp, pair.rtcp, into: &effects)
      ports.restClosed(pair.port, on: local, at: now)
    }
    if let surplus = ports.takeSurplus(on: local, at: now) {
      close(surplus.rtp, surplus.rtcp, into: &effects)
    }
  }

  private mutating func close(
    _ rtp: SocketID, _ rtcp: SocketID, into effects: inout [RelayEffect]
  ) {
    for socket in [rtp, rtcp] {
      effects.append(.close(socket))
      freeSocket(socket)
    }
  }

  private mutating func forgetSockets(of row: Int) {
    let nobody = SocketID(index: .max, generation: 0)
    (streams[row].rtp, streams[row].rtcp, streams[row].port) = (nobody, nobody, 0)
    streams[row].boundSockets = 0
  }

  private mutating func takeSocket(for row: Int, isControl: Bool) -> SocketID {
    guard let index = freeSockets.popLast() else {
      sockets.append(SocketRow(generation: 1, use: .stream(row), isControl: isControl))
      return SocketID(index: UInt32(sockets.count - 1), generation: 1)
    }
    sockets[Int(index)].use = .stream(row)
    sockets[Int(index)].isControl = isControl
    return SocketID(index: index, generation: sockets[Int(index)].generation)
  }

  private mutating func freeSocket(_ socket: SocketID) {
    let index = Int(socket.index)
    guard index < sockets.count, sockets[index].generation == socket.generation else { return }
    sockets[index].use = .none
    sockets[index].generation &+= 1
    freeSockets.append(socket.index)
  }

  /// The row of the stream a socket belongs to; nil for one that was closed.
  func stream(of socket: SocketID) -> Int? {
    let index = Int(socket.index)
    guard index < sockets.count, sockets[index].generation == socket.generation,
      case .stream(let row) = sockets[index].use
    else { return nil }
    return row
  }
}
