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
    let router = Router()
    router.get("/health") { _, _ in
      if let complaint = await complaint() {
        return Self.text("\(complaint)\n", status: .serviceUnavailable)
      }
      return Self.text("ok\n")
    }
    router.get("/metrics") { _, _ in
      Self.text(await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
    }
    let application = Application(
      router: router,
      configuration: .init(
        address: .hostname("\(address.address)", port: Int(address.port)), serverName: nil),
      onServerRunning: { _ in ready() }, logger: logger)
    // The library takes a cancelled task for a failure of the port; it wants to be told that this is the end.
    let services = ServiceGroup(services: [application], logger: logger)
    let serving = Task { try await services.run() }
    do {
      try await withTaskCancellationHandler {
        try await serving.value
      } onCancel: {
        Task { await services.triggerGracefulShutdown() }
      }
    } catch let error as IOError {
      throw ConfigurationError(
        field: "http", problem: "\(address) cannot be listened on: \(error)",
        wayOut: "Free the port or choose another with --http.")
    }
  }

  private static func text(
    _ body: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(
      status: status, headers: [.contentType: type],
      body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }
}
