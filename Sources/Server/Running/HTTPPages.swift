import ConfigurationFiles
package import Elements
import Glibc
import Guard
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import Net
import ServiceLifecycle

/// What monitoring asks over HTTP: `/health` and `/metrics`; nothing that changes anything.
package struct HTTPPages: Sendable {
  let address: Endpoint
  /// The Prometheus page.
  let metrics: @Sendable () async -> String
  /// Nil while the server takes calls, else why not.
  let complaint: @Sendable () async -> String?
  let logger: Logger
  let limits: HTTPDoor.Limits

  package init(
    address: Endpoint, metrics: @escaping @Sendable () async -> String,
    complaint: @escaping @Sendable () async -> String?, logger: Logger,
    limits: HTTPDoor.Limits = HTTPPages.standardLimits
  ) {
    (self.address, self.metrics, self.complaint) = (address, metrics, complaint)
    (self.logger, self.limits) = (logger, limits)
  }

  /// Serves until its task is cancelled; `ready` is called when the port is open.
  package func run(ready: @escaping @Sendable () -> Void) async throws {
    let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
      await answer(request.method, request.uri.path)
    }
    let door = HTTPDoor(limits)
    let application = Application(
      responder: responder,
      server: HTTPServerBuilder { responder in
        DoorChannel(HTTP1Channel(responder: responder, configuration: Self.channel), door)
      },
      configuration: .init(
        address: .hostname("\(address.address)", port: Int(address.port)), serverName: nil),
      onServerRunning: { _ in ready() }, logger: logger)
    do {
      try await Self.serve(application, behind: door, logger: logger)
    } catch let error as IOError {
      throw ConfigurationError(
        field: "http",
        problem: "\(address) cannot be listened on: \(String(cString: strerror(error.errnoCode)))",
        wayOut: "Free the port or choose another with --http.")
    }
  }

  /// Nobody has to prove anything here: all are strangers, and the first of them makes room.
  package static var standardLimits: HTTPDoor.Limits {
    var limits = HTTPDoor.Limits()
    (limits.quota.connections, limits.quota.strangers) = (256, 256)
    limits.quota.connectionsPerAddress = 64
    limits.quota.strangersPerAddress = 64
    limits.quota.strangersNearby = 128
    limits.quota.arrivals = Rate(perSecond: 100, burst: 1_000)
    return limits
  }

  /// What a page reads of a request, and how long one may be slow with it.
  static var channel: HTTP1Channel.Configuration {
    var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
    (decoder.maxHeaderFieldSize, decoder.maxHeaderListSize) = (4_096, 8_192)
    decoder.maxHeaderFieldCount = 50
    return HTTP1Channel.Configuration(idleTimeout: .seconds(20), httpDecoderConfiguration: decoder)
  }

  /// Serves until the task is cancelled, and then until what is being answered is, or the door has it no longer.
  static func serve(
    _ application: some Service, behind door: HTTPDoor, logger: Logger
  ) async throws {
    // The library takes a cancelled task for a failure of the port; it wants to be told that this is the end.
    let services = ServiceGroup(services: [application], logger: logger)
    let serving = Task { try await services.run() }
    try await withTaskCancellationHandler {
      try await serving.value
    } onCancel: {
      Task {
        await services.triggerGracefulShutdown()
        // It waits for every connection, however long its owner keeps it.
        try? await Task.sleep(for: door.limits.stop)
        door.close()
      }
    }
  }

  /// HEAD is GET without the body (RFC 9110 §9.3.2); any other method is refused with what there is (§15.5.6).
  private func answer(_ method: HTTPRequest.Method, _ path: String) async -> Response {
    guard let page = Page(rawValue: path) else {
      return Self.text("There are /health and /metrics here.\n", status: .notFound)
    }
    switch method {
    case .get: return await content(of: page)
    case .head: return await content(of: page).createHeadResponse()
    case _:
      var refusal = Self.text("This page is only read.\n", status: .methodNotAllowed)
      refusal.headers[.allow] = "GET, HEAD"
      return refusal
    }
  }

  private enum Page: String {
    case health = "/health"
    case metrics = "/metrics"
  }

  private func content(of page: Page) async -> Response {
    switch page {
    case .health:
      guard let complaint = await complaint() else { return Self.text("ok\n") }
      return Self.text("\(complaint)\n", status: .serviceUnavailable)
    case .metrics:
      return Self.text(await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
    }
  }

  static func text(
    _ body: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(
      status: status, headers: [.contentType: type],
      body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }
}
