import Elements
import Glibc
import Guard
import NIOCore
import NIOPosix
import NIOSSL
import SIP
import Synchronization

/// The connections of a server, by number and by what they were opened for.
///
/// Lives on one event loop. Whatever comes in goes to the signalling lane in batches; when the lane's
/// mailbox is full, connections are not read until it has caught up.
final class StreamTable {
  let limits: StreamLimits
  let contexts: TLSContexts?
  private let webSockets: WebSocketDoor
  private let loop: any EventLoop
  private let mail: SignallingMail
  private let gauge: StreamGauge
  private var connections: [FlowID: StreamConnection] = [:]
  private var outgoing: [StreamConnection.Peer: FlowID] = [:]
  /// Of those that others made to us.
  private var quota: ConnectionQuota
  private var handshakes: HandshakeBudget
  private var ids: IDSource<FlowSubject>
  /// Who gets no connection, and until when; nil: until it is lifted.
  private var barred = NetworkTable<Instant?>()
  /// Where phones are: their handshakes come out of another budget than strangers', and those of whoever is spared out of none.
  private var acquainted = Generations<IPNetwork, Bool>(
    life: StreamTable.acquaintance, limit: StreamTable.mostAcquainted)
  private var spared = NetworkTable<Bool>()
  /// Who is asked for a certificate: a few carriers.
  private var asked: [IPNetwork] = []
  /// On its way to the lane; what it has no room for waits here, and reading stops.
  private var inbound: [StreamInput] = []
  private var held: [StreamConnection] = []
  private var touched: [StreamConnection] = []

  /// A place is told again within six hours while a phone is there.
  private static let acquaintance = Duration.seconds(86_400)
  private static let mostAcquainted = 200_000

  init(
    limits: StreamLimits, contexts: TLSContexts?, webSockets: WebSocketDoor, loop: any EventLoop,
    mail: SignallingMail, gauge: StreamGauge
  ) {
    (self.limits, self.contexts, self.loop) = (limits, contexts, loop)
    self.webSockets = webSockets
    (self.mail, self.gauge) = (mail, gauge)
    quota = ConnectionQuota(limits)
    handshakes = HandshakeBudget(limits.handshakes)
    // A number must never come twice, not even after a restart: a binding that was read back from the
    // journal would lead to somebody else's connection.
    ids = IDSource(after: UInt64(max(0, Clocks.wall().unixMilliseconds)) << 20)
  }

  var isCongested: Bool { gauge.isCongested.load(ordering: .relaxed) }

  // MARK: Connections

  /// A place for a connection from `remote`; nil when there are enough.
  func admit(_ transport: Transport, from remote: Endpoint) -> StreamConnection? {
    guard !isBarred(remote.address) else { return nil }
    let id = ids.next()
    let now = Clocks.instant()
    switch quota.admit(id, from: remote.address, in: place(of: remote.address, at: now), at: now) {
    case .refused: return nil
    case .admitted(let displaced):
      if let displaced { connections[displaced]?.close("others wait who may prove themselves") }
      return add(StreamConnection(id: id, transport: transport, peer: nil, table: self))
    }
  }

  private func place(of address: IPAddress, at now: Instant) -> ConnectionQuota.Place {
    if spared.holds(address) { return .spared }
    return isAcquainted(address, at: now) ? .acquainted : .unknown
  }

  private func isAcquainted(_ address: IPAddress, at now: Instant) -> Bool {
    acquainted.value(of: Neighbourhood(of: address).network, at: now) != nil
  }

  private func add(_ connection: StreamConnection) -> StreamConnection {
    connections[connection.id] = connection
    gauge.connections.store(connections.count, ordering: .relaxed)
    return connection
  }

  /// Called by the connection, once.
  func ended(_ connection: StreamConnection, wasOpen: Bool) {
    let id = connection.id
    connections[id] = nil
    gauge.connections.store(connections.count, ordering: .relaxed)
    if let peer = connection.peer, outgoing[peer] == id { outgoing[peer] = nil }
    quota.end(id)
    if wasOpen { inbound.append(.closed(id)) }
    deliver()
  }

  func closeAll() {
    let ids = connections.keys.sorted()
    for id in ids { connections[id]?.close("the server stops") }
  }

  /// Closes what is open from there, and takes nothing new until then.
  func bar(_ network: IPNetwork, until: Instant?) {
    barred[network] = .some(until)
    for id in quota.connections(from: network) {
      connections[id]?.close("its address is banned")
    }
  }

  /// Somebody has proven himself on these connections.
  func trust(_ ids: [FlowID]) {
    for id in ids {
      quota.trust(id)
      connections[id]?.trust()
    }
  }

  /// Phones have proven themselves from there within a day.
  func acquaint(_ networks: [IPNetwork]) {
    let now = Clocks.instant()
    for network in networks { acquainted.update(network, initial: true, at: now) { _ in } }
  }

  /// Who is never banned.
  func spare(_ networks: [IPNetwork]) {
    spared = NetworkTable()
    for network in networks { spared[network] = true }
  }

  /// Whether we work on a TLS handshake that begins there, where nobody is spared; counted.
  func mayBeginHandshake(_ address: IPAddress) -> Bool {
    let now = Clocks.instant()
    let isWithin = handshakes.take(
      from: address, isKnown: isAcquainted(address, at: now), at: now)
    if !isWithin { gauge.count { $0.handshakesRefused &+= 1 } }
    return isWithin
  }

  /// A handshake of a WebSocket was refused.
  func refused(_ refusal: WebSocketRefusal) { gauge.count { $0.refuse(refusal) } }

  func askForCertificates(from networks: [IPNetwork]) { asked = networks }

  /// Whether somebody who connects from there is asked for a certificate.
  func isAsked(_ remote: Endpoint) -> Bool { asked.contains { $0.contains(remote.address) } }

  func unbar(_ network: IPNetwork) { barred[network] = nil }

  private func isBarred(_ address: IPAddress) -> Bool {
    guard barred.count > 0 else { return false }
    let now = Clocks.instant()
    return barred.first(around: address) { $1.map { $0 > now } ?? true ? true : nil } ?? false
  }

  func sweep() {
    let now = Clocks.instant()
    if barred.count > 0 {
      for network in Array(barred.networks)
      where barred[network]?.map({ $0 <= now }) ?? false { barred[network] = nil }
    }
    // Some connections end while the rest is looked at.
    for connection in Array(connections.values) { connection.sweep(at: now) }
    deliver()
  }

  // MARK: To the lane

  func received(_ input: StreamInput) {
    inbound.append(input)
  }

  /// A request that cannot be sent; responses are sent again when the request comes again.
  func failed(_ transmission: Transmission, _ reason: String) {
    guard let attempt = transmission.attempt else { return }
    inbound.append(.failed(attempt, reason))
  }

  /// Hands over what has come in.
  func deliver() {
    guard !inbound.isEmpty else { return }
    inbound.removeFirst(mail.streams.send(contentsOf: inbound))
    guard !inbound.isEmpty else { return }
    gauge.isCongested.store(true, ordering: .sequentiallyConsistent)
    // Once more: the lane may have emptied the mailbox before it could see that somebody waits.
    inbound.removeFirst(mail.streams.send(contentsOf: inbound))
    if inbound.isEmpty { endCongestion() }
  }

  /// The lane took what was there.
  func resume() {
    deliver()
    if inbound.isEmpty { endCongestion() }
  }

  private func endCongestion() {
    gauge.isCongested.store(false, ordering: .sequentiallyConsistent)
    let connections = held
    held.removeAll()
    for connection in connections { connection.resumeReading() }
  }

  func hold(_ connection: StreamConnection) {
    held.append(connection)
  }

  // MARK: From the lane

  func send(_ transmissions: [Transmission]) {
    for transmission in transmissions {
      switch transmission.destination {
      case .flow(let flow):
        if let connection = flow.connection.flatMap({ connections[$0] }) {
          connection.send(transmission)
        } else {
          failed(transmission, "the connection is closed")
        }
      case .open(let hop) where hop.transport.isWebSocket:
        failed(transmission, "nobody but the phone itself can connect a WebSocket")
      case .open(let hop):
        connection(to: hop).send(transmission)
      }
    }
    let written = touched
    touched.removeAll(keepingCapacity: true)
    for connection in written { connection.flush() }
    deliver()
  }

  func unflushed(_ connection: StreamConnection) {
    touched.append(connection)
  }

  /// The open connection to a next hop, or a new one (RFC 3261 §18: connections are reused).
  private func connection(to hop: NextHop) -> StreamConnection {
    let peer = StreamConnection.Peer(
      transport: hop.transport, remote: hop.remote, serverName: hop.serverName,
      certificate: hop.certificate)
    if let connection = outgoing[peer].flatMap({ connections[$0] }) { return connection }
    let connection = add(
      StreamConnection(id: ids.next(), transport: hop.transport, peer: peer, table: self))
    outgoing[peer] = connection.id
    do {
      connect(connection, to: try hop.remote.socketAddress())
    } catch {
      connection.close("\(error)")
    }
    return connection
  }

  private func connect(_ connection: StreamConnection, to address: SocketAddress) {
    let bound = NIOLoopBound((table: self, connection: connection), eventLoop: loop)
    ClientBootstrap(group: loop)
      .connectTimeout(.nanoseconds(limits.connect.wholeNanoseconds))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(
        .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)),
        value: Int(limits.unacknowledged.wholeMilliseconds)
      )
      .channelOption(.writeBufferWaterMark, value: limits.waterMark)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let (table, connection) = bound.value
          try table.prepare(channel, for: connection)
        }
      }
      .connect(to: address)
      .assumeIsolated()
      .whenFailure { error in bound.value.connection.close("\(error)") }
  }

  /// Puts TLS and the handshake of WebSocket, where they are spoken, and the connection into a new channel.
  func prepare(_ channel: any Channel, for connection: StreamConnection) throws {
    let pipeline = channel.pipeline.syncOperations
    if connection.transport.isSecret {
      guard let contexts else {
        throw NetError.configuration("TLS is not configured: a certificate folder is needed.")
      }
      if let peer = connection.peer {
        let name = peer.serverName.flatMap { IPAddress($0) == nil ? $0 : nil }
        try pipeline.addHandler(
          NIOSSLClientHandler(
            context: try contexts.client(showing: peer.certificate), serverHostname: name))
      } else {
        // Carriers are no browsers; people behind their addresses would be asked by a window.
        let remote = channel.remoteAddress.flatMap { Endpoint($0) }
        let isAsked = connection.transport == .tls && remote.map(self.isAsked) == true
        let context = isAsked ? contexts.asking : contexts.server
        if remote.map({ spared.holds($0.address) }) ?? false {
          try pipeline.addHandler(NIOSSLServerHandler(context: context))
        } else {
          try pipeline.addHandler(HandshakeGate(before: connection, table: self, tls: context))
        }
      }
    }
    guard connection.transport.isWebSocket else { return try pipeline.addHandler(connection) }
    connection.awaits(channel)
    try webSockets.place(in: channel, before: connection)
  }
}

extension StreamLimits {
  var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
    .init(low: unsentBytes / 2, high: unsentBytes)
  }
}
