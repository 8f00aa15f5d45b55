import API
import Directory
import Elements
import Foundation
import Logging
import Net
import Notices
import Relay
import Sharing
import Store
import Switch
import Synchronization

/// One server that takes calls: the lanes, the journal behind them, and what looks at both.
final class RunningServer: Sendable {
  let configuration: Configuration
  let administration: Administration
  let lanes: LaneGroup
  let desk: SwitchDesk
  let log: DecisionLog
  let handover: Handover
  let payments: PaymentDesk
  let auditTurn = AuditTurn()
  let sharing: SharingService
  private let door: JournalDoor
  private let follower: JournalFollower
  private let outbox: OutboxService
  private let firewall: Firewall?
  private let startedAt = ContinuousClock.now
  private let drained: AsyncStream<Void>
  let storage: StorageHealth

  /// Replays the journal, starts the lanes and puts the configuration in force.
  init(_ configuration: Configuration, _ administration: Administration) async throws {
    log = try DecisionLog(level: configuration.logLevel)
    (self.configuration, self.administration) = (configuration, administration)
    var settings = administration.switchConfiguration(listeners: configuration.listeners)
    settings.logLevel = LogLine.Level(rawValue: configuration.logLevel) ?? .debug
    settings.sharesBans = configuration.sharing.listen != nil
    var core = SwitchCore(configuration: settings, dice: .system)
    let journal = try Journal(
      in: administration.folder, followedBy: administration.database
    ) { try core.replay($0) }
    follower = try JournalFollower(journal, into: administration.database)
    payments = PaymentDesk { [follower] in follower.hasCaughtUp }
    door = JournalDoor(journal)

    let (drained, announce) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.drained = drained
    let firewall = Self.firewall(configuration, log)
    // The desk needs the lanes and the lanes publish to the desk: whichever is first, waits here.
    let lanesBox = Box<LaneGroup>()
    let desk = SwitchDesk { token, command in
      lanesBox.value?.send(command, token: token) ?? false
    }
    self.desk = desk
    let log = log
    let ownAddresses = settings.ownAddresses.map { IPNetwork($0) }
    let sharing = try SharingService(
      administration.database, configuration.sharing, clock: Clocks.now,
      never: { administration.rulebook().directory.unlistable + ownAddresses },
      tell: { desk.tell(.bans(.hear($0))) }, report: { log.write($0) })
    self.sharing = sharing
    core.restore(listed: sharing.restored, at: Clocks.now())
    lanes = try LaneGroup(
      configuration.lanes, core: core, lastSequence: journal.lastRecovered,
      doors: LaneDoors(
        journal: door,
        publish: { publications in
          for publication in publications {
            switch publication {
            case .reply(let token, let reply): desk.answer(token, with: reply)
            case .log(let line): log.write(line)
            case .drained: announce.yield()
            case .bar(let network, let until):
              lanesBox.value?.bar(network, until: until)
              firewall?.bar(network, until: until)
            case .unbar(let network):
              lanesBox.value?.unbar(network)
              firewall?.unbar(network)
            case .found(let finding): sharing.found(finding)
            case .absolved(let network): sharing.absolved(network)
            case .spared(let networks):
              lanesBox.value?.spare(networks)
              sharing.spared(networks)
            }
          }
        },
        failed: { error in
          // Without its lane the server is deaf; the supervisor starts it anew, from the journal.
          log.services.critical("a lane broke: \(error)")
          exit(70)
        }))
    lanesBox.value = lanes
    // When the ports are ours: a second server by mistake leaves the table of the first alone.
    do {
      self.firewall = try Self.opened(firewall, configuration.firewall, log)
    } catch {
      lanes.stop()
      throw error
    }
    outbox = OutboxService(
      administration.database, settings: administration.noticeSettings()
    ) { log.write($0) }
    storage = StorageHealth(logger: log.services) { [outbox] in outbox.announce($0) }
    handover = Handover(
      of: { administration.rulebook() }, to: { await desk.ask($0) },
      taken: { [outbox] isLate in
        outbox.adopt(administration.noticeSettings())
        if isLate { log.services.notice("configuration in force") }
      })
    startServices()
    _ = await handover.bring()
  }

  private static func firewall(_ configuration: Configuration, _ log: DecisionLog) -> Firewall? {
    guard configuration.firewall != .off else { return nil }
    return Firewall(for: configuration.listeners) { log.services.warning("\($0)") }
  }

  /// The firewall, or nil where it is off, or where the kernel does not help and need not.
  private static func opened(
    _ firewall: Firewall?, _ mode: FirewallMode, _ log: DecisionLog
  ) throws(NetError) -> Firewall? {
    do throws(NetError) {
      try firewall?.open()
      return firewall
    } catch {
      guard mode == .auto else { throw error }
      log.services.info("banned packets are dropped in the process only: \(error)")
      return nil
    }
  }

  private func startServices() {
    let (storage, door) = (storage, door)
    door.start(with: lanes) { notice in
      storage.hear(notice, durableThrough: door.durableThrough, at: Clocks.wall())
    }
    follower.start { storage.hear($0, at: Clocks.wall()) }
    outbox.start()
    sharing.start()
  }

  /// Tells the operator of something that is not the switch's.
  func announce(_ alert: Alert) { outbox.announce(alert) }

  /// Takes no new calls from now on; returns when the switch has taken that.
  func drain() async { await desk.insist(.drain) }

  /// Returns when the last call has ended after ``drain()``.
  func waitUntilDrained() async {
    for await _ in drained { return }
  }

  /// Ends every call with BYE on both sides.
  func hangUpAll() async { await desk.insist(.hangUpAll) }

  /// Stops the threads; what was journaled is on disk and in the database afterwards.
  func stop() {
    handover.stop()
    sharing.stop()
    lanes.stop()
    door.close()
    follower.stop()
    outbox.stop()
    firewall?.stop()
  }

  func switchStatus() async -> SwitchStatus? {
    if case .status(let status) = await desk.ask(.status) { status } else { nil }
  }

  func status() async -> ControlReply {
    guard let status = await switchStatus() else {
      return .failed("The server is too busy to answer. Ask again in a moment.")
    }
    let directory = administration.rulebook().directory
    return .status(
      StatusReport(
        version: Version.text, state: status.draining ? "draining" : "ready",
        uptimeSeconds: Int((ContinuousClock.now - startedAt).components.seconds),
        tenants: directory.tenants.count, extensions: directory.extensions.count,
        registrations: status.registrations, calls: status.callsActive,
        paidCalls: await paidCalls(),
        trunks: directory.trunks.count, trunksUp: status.trunksUp,
        journal: storage.complaint ?? "durable", journalSequence: status.journalSequence,
        blocked: status.blocked, bans: status.bans,
        alertsWaiting: (try? administration.database.alertsWaiting()) ?? 0,
        alertComplaint: try? administration.database.alertComplaint(),
        listeners: lanes.listening.map(\.description),
        rtpPorts: "\(configuration.rtp.lowerBound)-\(configuration.rtp.upperBound)",
        memoryKilobytes: Self.residentKilobytes,
        certificates: CertificateReport.all(lanes.certificates, configuration)))
  }

  private func paidCalls() async -> Int {
    guard case .calls(let calls) = await desk.ask(.calls(nil)) else { return 0 }
    return calls.count { $0.payer != nil }
  }

  private static var residentKilobytes: Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(getpagesize()) / 1024
  }

  /// The Prometheus page.
  func metrics() async -> String {
    var page = MetricsPage()
    if let status = await switchStatus() { page.add(status) }
    page.add(
      "martinet_journal_lag_milliseconds", .gauge,
      "How long the oldest batch has waited that is not on disk yet.",
      door.lag.wholeMilliseconds)
    page.add(
      "martinet_database_failed", .gauge,
      "1 while the database takes nothing, and alerts and call records wait in the journal.",
      storage.databaseComplaint == nil ? 0 : 1)
    page.add(
      "martinet_alerts_waiting", .gauge, "Alerts not delivered yet.",
      (try? administration.database.alertsWaiting()) ?? 0)
    let counters = lanes.counters
    page.add(
      "martinet_datagrams_received_total", .counter, "SIP datagrams in.", counters.datagramsReceived
    )
    page.add(
      "martinet_datagrams_sent_total", .counter, "SIP datagrams out.", counters.datagramsSent)
    page.add(
      "martinet_datagrams_unheard_total", .counter,
      "SIP datagrams that the kernel dropped: too many waited, or strangers sent a flood.",
      counters.datagramsUnheard)
    page.add(
      "martinet_sieves_refused_total", .counter,
      "Seconds of a flood in which the kernel thinned out no strangers: it took no program, or too many are known.",
      counters.sievesRefused)
    page.add(
      "martinet_stream_messages_total", .counter,
      "SIP messages on connections (TCP, TLS, WebSocket).",
      counters.streamMessages)
    page.add(
      "martinet_rtp_packets_relayed_total", .counter, "Media packets forwarded.",
      counters.packetsRelayed)
    page.add(
      "martinet_connections", .gauge, "Connections (TCP, TLS, WebSocket).", lanes.connections)
    let streams = lanes.streamCounters
    page.add(
      "martinet_tls_handshakes_refused_total", .counter,
      "Connections closed before TLS: more handshakes began than are worked on.",
      streams.handshakesRefused)
    page.add(
      "martinet_websockets_refused_total", .counter, "Handshakes of WebSockets refused, by why.",
      label: "reason", streams.webSocketsRefused.map { ($0.reason, $0.count) })
    page.add(
      "martinet_memory_resident_bytes", .gauge, "Resident memory.", Self.residentKilobytes * 1024)
    page.add(
      "martinet_cpu_microseconds_total", .counter, "CPU time of the process.",
      Clocks.processTime().wholeNanoseconds / 1000)
    return page.text
  }
}

/// A value that is known a moment after those who need it are made.
private final class Box<Value: Sendable>: Sendable {
  private let content = Mutex<Value?>(nil)

  var value: Value? {
    get { content.withLock { $0 } }
    set { content.withLock { $0 = newValue } }
  }
}

extension Configuration {
  /// What the lanes are made of.
  var lanes: LaneConfiguration {
    var lanes = LaneConfiguration(listeners: listeners)
    lanes.mediaLanes = mediaLanes
    lanes.relay.ports = rtp
    lanes.tls = tls
    lanes.webSocketOrigins = webSocketOrigins
    return lanes
  }
}
