import ConfigurationFiles
import Elements
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// What monitoring asks over HTTP: `/health` and `/metrics`; nothing that changes anything.
struct HTTPPages: Sendable {
  let address: Endpoint
  /// The Prometheus page.
  let metrics: @Sendable () async -> String
  /// Nil while the server takes calls, else why not.
  let complaint: @Sendable () async -> String?
  let logger: Logger

  /// Serves until its task is cancelled; `ready` is called when the port is open.
  func run(ready: @escaping @Sendable () -> Void) async throws {
    let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
      await answer(request.method, request.uri.path)
    }
    let application = Application(
      responder: responder,
      configuration: .init(
        address: .hostname("\(address.address)", port: Int(address.port)), serverName: nil),
      onServerRunning: { _ in ready() }, logger: logger)
    do {
      try await Self.serve(application, logger: logger)
    } catch let error as IOError {
      throw ConfigurationError(
        field: "http", problem: "\(address) cannot be listened on: \(error)",
        wayOut: "Free the port or choose another with --http.")
    }
  }

  /// Serves until the task is cancelled.
  static func serve(_ application: some Service, logger: Logger) async throws {
    // The library takes a cancelled task for a failure of the port; it wants to be told that this is the end.
    let services = ServiceGroup(services: [application], logger: logger)
    let serving = Task { try await services.run() }
    try await withTaskCancellationHandler {
      try await serving.value
    } onCancel: {
      Task { await services.triggerGracefulShutdown() }
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
