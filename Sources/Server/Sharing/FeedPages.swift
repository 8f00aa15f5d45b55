import ConfigurationFiles
import Elements
import Glibc
import Guard
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Net
import ServiceLifecycle
import Sharing

/// Our list, for those who read it: `/bans/log` with all entries, `/bans/list` with the networks of today; over HTTPS, for
/// who shows a token.
struct FeedPages: Sendable {
  let address: Endpoint
  let contexts: TLSContexts
  let sharing: SharingService
  let logger: Logger

  /// The longest that a reader may wait for news.
  private static let mostSeconds: Int64 = 30

  /// Serves until its task is cancelled; `ready` is called when the port is open.
  func run(ready: @escaping @Sendable () -> Void) async throws {
    let door = HTTPDoor(Self.limits)
    let responder = CallbackResponder { (request: Request, context: ConnectedContext) in
      await answer(request, on: context.channel, door)
    }
    let contexts = contexts
    let application = Application(
      responder: responder,
      server: HTTPServerBuilder { responder in
        DoorChannel(
          SecureChannel(
            HTTP1Channel(responder: responder, configuration: HTTPPages.channel), contexts), door)
      },
      configuration: .init(
        address: .hostname("\(address.address)", port: Int(address.port)), serverName: nil),
      onServerRunning: { _ in ready() }, logger: logger)
    do {
      try await withTaskCancellationHandler {
        try await HTTPPages.serve(application, behind: door, logger: logger)
      } onCancel: {
        // Who waits for news would hold up the end.
        sharing.bell.close()
      }
    } catch let error as IOError {
      throw ConfigurationError(
        field: "sharing.listen",
        problem: "\(address) cannot be listened on: \(String(cString: strerror(error.errnoCode)))",
        wayOut: "Free the port or choose another.")
    }
  }

  /// The readers, each with a few connections, may be behind one address; who shows no token is a stranger.
  private static var limits: HTTPDoor.Limits {
    var limits = HTTPDoor.Limits()
    limits.quota.connections = 256
    limits.quota.connectionsPerAddress = 4 * SharingSettings.most
    limits.quota.strangers = 128
    limits.quota.strangersPerAddress = 16
    limits.quota.strangersNearby = 64
    limits.quota.arrivals = Rate(perSecond: 5, burst: 2 * SharingSettings.most)
    return limits
  }

  private func answer(
    _ request: Request, on channel: any Channel, _ door: HTTPDoor
  ) async -> Response {
    guard let reader = reader(request.headers[.authorization]) else {
      door.sendAway(channel)
      var refusal = HTTPPages.text("Show the token of a reader.\n", status: .unauthorized)
      refusal.headers[.wwwAuthenticate] = "Bearer"
      return refusal
    }
    door.trust(channel)
    guard request.method == .get else {
      var refusal = HTTPPages.text("This page is only read.\n", status: .methodNotAllowed)
      refusal.headers[.allow] = "GET"
      return refusal
    }
    switch request.uri.path {
    case "/bans/list":
      return HTTPPages.text(sharing.listed().map { "\($0)\n" }.joined())
    case "/bans/log":
      let query = request.uri.queryParameters
      guard let after = query["after"].map({ UInt64($0) }) ?? 0,
        let wait = query["wait"].map({ Int64($0) }) ?? 0, wait >= 0
      else {
        return HTTPPages.text(
          "Write /bans/log?after=NUMBER&wait=SECONDS.\n", status: .badRequest)
      }
      return await log(after: after, waiting: min(wait, Self.mostSeconds), as: reader)
    case _:
      return HTTPPages.text("There are /bans/log and /bans/list here.\n", status: .notFound)
    }
  }

  private func log(
    after sequence: UInt64, waiting seconds: Int64, as reader: String
  ) async
    -> Response
  {
    if seconds > 0, sequence == sharing.bell.last {
      guard await sharing.bell.wait(behind: sequence, for: .seconds(seconds), as: reader) else {
        return HTTPPages.text("Too many wait already.\n", status: .serviceUnavailable)
      }
    }
    do {
      switch try sharing.page(after: sequence) {
      case .gone(let oldest): return HTTPPages.text("\(oldest)\n", status: .gone)
      case .ahead(let last): return HTTPPages.text("\(last)\n", status: .conflict)
      case .entries(let entries):
        let lines = try entries.map { try ListLine.text($0) + "\n" }.joined()
        return HTTPPages.text(lines, type: "application/x-ndjson")
      }
    } catch {
      logger.error("the shared list cannot be read: \(error)")
      return HTTPPages.text("The list cannot be read.\n", status: .internalServerError)
    }
  }

  /// The name of the reader whose token it is.
  private func reader(_ header: String?) -> String? {
    guard let header, header.hasPrefix("Bearer ") else { return nil }
    let shown = Secret(Array(header.utf8.dropFirst("Bearer ".utf8.count)))
    return sharing.settings.readers.first { $0.token == shown }?.name
  }
}

/// HTTP in TLS, each connection by the certificate that is in force then.
private struct SecureChannel<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let contexts: TLSContexts

  init(_ base: Base, _ contexts: TLSContexts) {
    (self.base, self.contexts) = (base, contexts)
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(contexts.serverHandler())
    }.flatMap { base.setup(channel: channel, logger: logger) }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}
