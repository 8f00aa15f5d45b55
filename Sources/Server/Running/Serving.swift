import ACME
import API
import Elements
import Foundation
import Logging
import Net
import NIOPosix
import Sharing
import Switch
import UnixSignals

/// `martinet serve`: from the settings to the last call.
package enum Serving {
  /// Serves until SIGTERM or SIGINT, drains, and returns.
  ///
  /// A second signal ends the running calls; SIGHUP reads the certificates again.
  package static func serve(_ configuration: Configuration) async throws {
    let authority = try configuration.acme.settings()
    let board = ChallengeBoard()
    let challenges = try authority?.listen(answering: board)
    defer { challenges?.stop() }
    let administration = try Administration(dataFolder: configuration.data)
    let server = try await RunningServer(configuration, administration)
    let pages = HTTPPages(
      address: configuration.http, metrics: { await server.metrics() },
      complaint: { await health(of: server) }, logger: server.log.services)
    let feed = try configuration.sharing.listen.map { address in
      FeedPages(
        address: address, contexts: try server.lanes.contexts, sharing: server.sharing,
        logger: server.log.services)
    }
    let operatorDesk = OperatorDesk(server)
    let control = ControlSocket(path: configuration.data + "/control.sock") {
      await operatorDesk.answer($0)
    }
    let certificates = CertificateWatch(
      lanes: server.lanes, logger: server.log.services, announce: { server.announce($0) })
    let orders = authority.map { authority in
      CertificateOrders(
        authority, tls: configuration.tls, board: board, logger: server.log.services,
        reload: { certificates.reloadAll() }, announce: { server.announce($0) })
    }
    if let complaint = administration.countriesComplaint {
      server.log.services.error("countries: \(complaint)")
    }
    try await withThrowingTaskGroup { group in
      let (opened, announce) = AsyncStream<Void>.makeStream()
      let (fed, announceFeed) = AsyncStream<Void>.makeStream()
      group.addTask { try await pages.run { announce.finish() } }
      if let feed {
        group.addTask { try await feed.run { announceFeed.finish() } }
      } else {
        announceFeed.finish()
      }
      let retention = RetentionService(
        administration: administration, logger: server.log.services)
      group.addTask { try await retention.run() }
      group.addTask { try await certificates.run() }
      if let orders { group.addTask { try await orders.run() } }
      group.addTask { try await control.run(on: .singletonMultiThreadedEventLoopGroup) }
      group.addTask {
        for await _ in opened {}
        for await _ in fed {}
        try Task.checkCancellation()  // The pages could not be opened.
        // Before anybody is told that it is ready: a signal that came first would end it without a drain.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        try await announceReady(server)
        await obey(signals, server, certificates)
        throw CancellationError()
      }
      // The first to end ends all: a door that cannot be opened, or the last call.
      do {
        try await group.next()
      } catch is CancellationError {
      }
      group.cancelAll()
    }
    server.stop()
  }

  private static func health(of server: RunningServer) async -> String? {
    guard let status = await server.switchStatus() else { return "the switch does not answer" }
    if status.draining { return "draining: no new calls are taken" }
    return server.storage.complaint
  }

  /// The last step of the start: passwords of a new installation are made only when they are sure to be seen.
  private static func announceReady(_ server: RunningServer) async throws {
    let welcome = try server.administration.welcome(listeners: server.lanes.listening)
    if !welcome.isEmpty { _ = await server.handover.bring() }
    print(welcome, terminator: "")
    let sip = server.lanes.listening.map(\.description).joined(separator: ", ")
    print("ready: SIP on \(sip); HTTP on \(server.configuration.http)")
    // Whoever waits for the line reads a pipe, which is not flushed by itself.
    fflush(nil)
  }

  /// Returns when the server has drained after a signal.
  private static func obey(
    _ signals: UnixSignalsSequence, _ server: RunningServer, _ certificates: CertificateWatch
  ) async {
    await withTaskGroup { group in
      group.addTask { await server.waitUntilDrained() }
      group.addTask {
        // A switch that is too busy for one order does not keep the next signal from being heard.
        await withDiscardingTaskGroup { orders in
          var isDraining = false
          for await signal in signals {
            switch (signal, isDraining) {
            case (.sighup, _): certificates.reloadAll()
            case (_, false):
              isDraining = true
              orders.addTask {
                await server.drain()
                server.log.services.notice("draining: no new calls; running ones go on")
              }
            case (_, true):
              orders.addTask {
                await server.hangUpAll()
                server.log.services.notice("ending the running calls")
              }
            }
          }
        }
      }
      await group.next()
      group.cancelAll()
    }
  }
}
