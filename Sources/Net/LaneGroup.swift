import CLinuxSockets
package import Elements
import Relay
import SIP
package import Switch
import Synchronization

/// The signalling lane with its sockets, the media lanes, the streams and the resolver: everything
/// that carries calls.
///
/// Starts whole or not at all.
package final class LaneGroup: Sendable {
  /// Where SIP is really taken, in the order of the configuration, with the ports that the kernel chose.
  package let listening: [ListenAddress]

  private let mail: SignallingMail
  private let signalling: LaneThread
  private let media: [LaneThread]
  private let streams: StreamService
  private let resolver: NameResolver
  private let shared: SharedCounters
  /// One for each media lane.
  private let meters: [PacketMeter]

  /// Binds every listener and starts the lanes.
  ///
  /// - Parameters:
  ///   - configuration: Checked here: an error names the listener or file and the way out.
  ///   - core: After its replay; ``SwitchCore/recover(at:into:)`` is called on the lane, first of all.
  ///   - lastSequence: Of the journal that was replayed.
  ///   - doors: Where journal batches and publications go.
  /// - Throws: What could not be had; nothing is left running then.
  package init(
    _ configuration: LaneConfiguration, core: SwitchCore, lastSequence: UInt64, doors: LaneDoors
  ) throws(NetError) {
    guard !configuration.listeners.isEmpty else {
      throw .configuration("No address to take SIP on. Name one with --sip HOST:PORT.")
    }
    var configuration = configuration
    // A pair has two sockets: those that rest leave a quarter of the descriptors to all else.
    configuration.relay.openPairs = min(
      configuration.relay.openPairs, Self.raiseDescriptorLimit() * 3 / 8)
    configuration.relay.variety = min(
      configuration.relay.variety, configuration.relay.openPairs / 8)
    let mail = SignallingMail(configuration, waker: try LaneWaker())
    let shared = SharedCounters()
    let resolver = NameResolver(configuration.resolver)
    let streams = try StreamService(configuration, mail: mail)
    let meters = (0..<max(1, configuration.mediaLanes)).map { _ in PacketMeter() }
    let media = try MediaThreads(configuration, mail: mail, meters: meters, failed: doors.failed)
    let bound = Mutex<[ListenAddress: Endpoint]>([:])
    let signalling: LaneThread
    let settled = configuration
    do throws(NetError) {
      signalling = try LaneThread(name: "signalling", waker: mail.waker, failed: doors.failed) {
        loop throws(NetError) in
        var ports: [DatagramPort] = []
        for address in settled.listeners where address.transport == .udp {
          let port = try DatagramPort(address, sendQueue: settled.sendQueue)
          bound.withLock { $0[address] = port.local }
          ports.append(port)
        }
        // Media first: what it tells in its turn is taken in the turn of the signalling lane.
        let relay: SignallingLane.RelayDoor =
          media.isEmpty
          ? .here(try MediaLane(settled.relay, loop: loop, meter: meters[0]))
          : .away(media.commands)
        let lane = try SignallingLane(
          core: core, lastSequence: lastSequence, ports: ports, relay: relay, streams: streams,
          resolver: resolver, mail: mail, doors: doors, counters: shared, loop: loop)
        lane.recover(at: Clocks.now())
      }
    } catch {
      media.stop()
      streams.stop()
      throw error
    }
    do throws(NetError) {
      for address in configuration.listeners where address.transport.isReliable {
        let endpoint = try streams.listen(address)
        bound.withLock { $0[address] = endpoint }
      }
      listening = bound.withLock { bound in
        configuration.listeners.map { ListenAddress($0.transport, bound[$0] ?? $0.endpoint) }
      }
      try resolver.start(listening: listening)
    } catch {
      signalling.stop()
      media.stop()
      streams.stop()
      throw error
    }
    (self.mail, self.shared, self.resolver, self.streams) = (mail, shared, resolver, streams)
    (self.signalling, self.media, self.meters) = (signalling, media.threads, meters)
  }

  /// Puts a command before the switch; its answer comes as a publication under the same token.
  ///
  /// - Returns: False when too many wait already.
  package func send(_ command: SwitchCommand, token: CommandToken) -> Bool {
    mail.commands.send(SignallingMail.Question(token: token, command: command))
  }

  /// The journal's word: every batch through `sequence` is on disk.
  package func journaled(through sequence: UInt64) { mail.journaled(through: sequence) }

  /// The journal's word: nothing more can be made durable, and why.
  package func journalFailed(_ reason: String) { mail.journalFailed(reason) }

  /// The journal's word: ``JournalSink/checkpoint(at:_:)`` may be called now.
  package func checkpointWanted() { mail.checkpointWanted() }

  /// Reads the certificates and keys again, for connections made from now on; what is broken stays as it was.
  package func reloadCertificates() throws(NetError) { try streams.reloadCertificates() }

  /// The same when somebody has changed a file, and has come to an end with that; whether that was so.
  package func reloadChangedCertificates() throws(NetError) -> Bool {
    try streams.reloadChangedCertificates()
  }

  /// The certificates in force, for other doors that speak TLS.
  package var contexts: TLSContexts {
    get throws(NetError) { try streams.requiredContexts }
  }

  /// What each of our certificates is worth, the standard one first.
  package var certificates: [CertificateState] { streams.certificates }

  /// Closes the door of connections to a network; what it sends by UDP is dropped by the switch.
  package func bar(_ network: IPNetwork, until: WallTime?) { streams.bar(network, until: until) }

  package func unbar(_ network: IPNetwork) { streams.unbar(network) }

  /// Says anew who is never banned: carriers, too, connect without a budget.
  package func spare(_ networks: [IPNetwork]) { streams.spare(networks) }

  package var counters: LaneCounters {
    var counters = shared.current
    counters.packetsRelayed = meters.reduce(0) { $0 &+ $1.current }
    return counters
  }

  package var streamCounters: StreamCounters { streams.counters }

  /// Connections that are open, in and out.
  package var connections: Int { streams.connectionCount }

  /// How often a sleeping signalling lane was woken by another thread, for measurements.
  package var wakeUps: Int { mail.waker.wakeUps }

  /// Ends all of it: no new connections, then the lanes, then what is open.
  ///
  /// Waits for the threads.
  package func stop() {
    streams.closeListeners()
    signalling.stop()
    for thread in media { thread.stop() }
    streams.stop()
    resolver.stop()
  }

  /// Sockets of media count in thousands, and the usual soft limit is 1,024.
  ///
  /// Returns how many descriptors there may be.
  private static func raiseDescriptorLimit() -> Int {
    Int(max(0, cls_raise_descriptor_limit(262_144)))
  }
}

/// The media lanes that have threads of their own.
private struct MediaThreads {
  private(set) var threads: [LaneThread] = []
  private(set) var commands: [Mailbox<RelayCommand>] = []

  private static let commandQueue = 16_384

  var isEmpty: Bool { threads.isEmpty }

  init(
    _ configuration: LaneConfiguration, mail: SignallingMail, meters: [PacketMeter],
    failed: @escaping @Sendable (NetError) -> Void
  ) throws(NetError) {
    let count = configuration.mediaLanes
    guard count > 0 else { return }
    let shares = try configuration.relay.divided(by: count)
    do throws(NetError) {
      for number in 0..<count {
        let waker = try LaneWaker()
        let mailbox = Mailbox<RelayCommand>(capacity: Self.commandQueue, waker: waker)
        let share = shares[number]
        let thread = try LaneThread(name: "media-\(number)", waker: waker, failed: failed) {
          loop throws(NetError) in
          _ = try RemoteMediaLane(
            share, loop: loop, commands: mailbox, events: mail.relay, meter: meters[number])
        }
        threads.append(thread)
        commands.append(mailbox)
      }
    } catch {
      stop()
      throw error
    }
  }

  func stop() {
    for thread in threads { thread.stop() }
  }
}

extension RelayConfiguration {
  /// One configuration for each of several lanes: port ranges that do not meet, of even length.
  func divided(by count: Int) throws(NetError) -> [RelayConfiguration] {
    let pairs = ports.count / 2
    guard pairs >= count else {
      throw .configuration(
        "\(ports.count) media ports are too few for \(count) media lanes. Widen --rtp.")
    }
    return (0..<count).map { number in
      var share = self
      let (first, last) = (pairs * number / count, pairs * (number + 1) / count)
      share.ports =
        ports.lowerBound + UInt16(2 * first)...ports.lowerBound + UInt16(2 * last - 1)
      share.maximumSessions = (maximumSessions + count - 1) / count
      share.openPairs = openPairs / count
      return share
    }
  }
}
