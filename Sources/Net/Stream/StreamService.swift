package import Elements
import Glibc
import NIOCore
import NIOPosix
package import SIP
import Synchronization

/// TCP, TLS and WebSocket for the signalling lane: listeners and connections on an event loop of their own.
package final class StreamService: Sendable {
  private struct Outbound: Sendable {
    var transmissions: [Transmission] = []
    /// The event loop knows already that something waits.
    var isScheduled = false
  }

  private let group: MultiThreadedEventLoopGroup
  private let loop: any EventLoop
  private let table: NIOLoopBound<StreamTable>
  private let contexts: TLSContexts?
  private let limits: StreamLimits
  private let gauge = StreamGauge()
  private let outbound = Mutex(Outbound())
  private let listeners = Mutex<[any Channel]>([])

  private static let sweepEvery = TimeAmount.seconds(1)
  private static let backlog: Int32 = 4_096

  package init(_ configuration: LaneConfiguration, mail: SignallingMail) throws(NetError) {
    contexts =
      if let settings = configuration.tls { try TLSContexts(settings) } else { nil }
    limits = configuration.streams
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    self.loop = loop
    let (limits, contexts, gauge) = (limits, contexts, gauge)
    let webSockets = WebSocketDoor(rules: WebSocketRules(origins: configuration.webSocketOrigins))
    do {
      table = try loop.submit {
        let table = StreamTable(
          limits: limits, contexts: contexts, webSockets: webSockets, loop: loop, mail: mail,
          gauge: gauge)
        let bound = NIOLoopBound(table, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: Self.sweepEvery, delay: Self.sweepEvery) { _ in
          bound.value.sweep()
        }
        return bound
      }.wait()
    } catch {
      throw .configuration("The event loop of connections did not start: \(error)")
    }
  }

  /// Connections that are open or opening.
  package var connectionCount: Int { gauge.connections.load(ordering: .relaxed) }

  package var counters: StreamCounters { gauge.counters }

  /// Starts to accept connections.
  ///
  /// Returns where, with the port that the kernel chose.
  package func listen(_ address: ListenAddress) throws(NetError) -> Endpoint {
    guard !address.transport.isSecret || contexts != nil else {
      throw .listen(address, reason: "TLS needs a folder for its certificate")
    }
    let bootstrap = bootstrap(address)
    let channel: any Channel
    do {
      channel = try bootstrap.bind(to: address.endpoint.socketAddress()).wait()
    } catch let error as IOError {
      throw .bind(address, errno: error.errnoCode)
    } catch {
      throw .listen(address, reason: "\(error)")
    }
    listeners.withLock { $0.append(channel) }
    return channel.localAddress.flatMap { Endpoint($0) } ?? address.endpoint
  }

  private func bootstrap(_ address: ListenAddress) -> ServerBootstrap {
    let (table, transport) = (table, address.transport)
    let bootstrap = ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.writeBufferWaterMark, value: limits.waterMark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let remote = channel.remoteAddress.flatMap({ Endpoint($0) }),
            let connection = table.value.admit(transport, from: remote)
          else { throw TooManyConnections() }
          try table.value.prepare(channel, for: connection)
        }
      }
    guard !address.endpoint.address.isV4 else { return bootstrap }
    // Without it a wildcard would take the IPv4 port as well.
    return bootstrap.serverChannelOption(
      ChannelOptions.Types.SocketOption(
        level: NIOBSDSocket.OptionLevel(rawValue: Int32(IPPROTO_IPV6)),
        name: NIOBSDSocket.Option(rawValue: IPV6_V6ONLY)), value: 1)
  }

  /// The connection is closed without a word.
  private struct TooManyConnections: Error {}

  /// Sends messages; called on the lane, once in a turn, never waits.
  package func send(_ transmissions: [Transmission]) {
    let isFirst = outbound.withLock { outbound in
      outbound.transmissions.append(contentsOf: transmissions)
      defer { outbound.isScheduled = true }
      return !outbound.isScheduled
    }
    guard isFirst else { return }
    loop.execute { [self] in
      let transmissions = outbound.withLock { outbound in
        defer { outbound = Outbound() }
        return outbound.transmissions
      }
      table.value.send(transmissions)
    }
  }

  /// Closes what is open from a network, and takes no connection from there until then.
  package func bar(_ network: IPNetwork, until: WallTime?) {
    let until = until.map { Clocks.instant() + ($0 - Clocks.wall()) }
    loop.execute { [table] in table.value.bar(network, until: until) }
  }

  package func unbar(_ network: IPNetwork) {
    loop.execute { [table] in table.value.unbar(network) }
  }

  /// Somebody has proven himself on these connections: they are no strangers' any more.
  package func trust(_ ids: [FlowID]) {
    loop.execute { [table] in table.value.trust(ids) }
  }

  /// Asks for a certificate whoever connects from there from now on, and nobody else.
  package func askForCertificates(from networks: [IPNetwork]) {
    loop.execute { [table] in table.value.askForCertificates(from: networks) }
  }

  /// Phones have proven themselves from there: what they begin comes out of no budget of strangers.
  package func acquaint(_ networks: [IPNetwork]) {
    loop.execute { [table] in table.value.acquaint(networks) }
  }

  /// Says anew who is never banned; the same holds for them.
  package func spare(_ networks: [IPNetwork]) {
    loop.execute { [table] in table.value.spare(networks) }
  }

  /// The lane has emptied its mailbox.
  package func resumeReading() {
    guard gauge.isCongested.load(ordering: .sequentiallyConsistent) else { return }
    loop.execute { [table] in table.value.resume() }
  }

  /// Connections made from now on use the files as they are now; where one is broken, what is in force stays.
  package func reloadCertificates() throws(NetError) {
    try contexts?.reload()
  }

  /// The same when a file was changed since, and none any more since the last call; whether that was so.
  package func reloadChangedCertificates() throws(NetError) -> Bool {
    try contexts?.reloadIfChanged() ?? false
  }

  /// The certificates in force.
  var requiredContexts: TLSContexts {
    get throws(NetError) {
      guard let contexts else { throw .configuration("TLS needs a folder for its certificate.") }
      return contexts
    }
  }

  /// What each of our certificates is worth, the standard one first.
  package var certificates: [CertificateState] { contexts?.states ?? [] }

  /// Takes no more connections; those that are open stay.
  package func closeListeners() {
    let channels = listeners.withLock { listeners in
      defer { listeners = [] }
      return listeners
    }
    for channel in channels { try? channel.close().wait() }
  }

  /// Closes everything and ends the thread.
  package func stop() {
    closeListeners()
    let table = table
    try? loop.submit { table.value.closeAll() }.wait()
    try? group.syncShutdownGracefully()
  }
}
