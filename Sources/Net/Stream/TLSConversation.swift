import Dispatch
package import Elements
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// One conversation over TLS with whoever is there, believed as he is: a look at a server from outside.
package final class TLSConversation: Sendable {
  private let channel: any Channel
  private let inbox: Inbox
  /// What the server showed, in DER.
  package let certificate: [UInt8]?

  /// Connects from `local`, or from where the kernel chooses, and agrees upon TLS, both within `seconds`.
  ///
  /// - Throws: Why nobody can be spoken with.
  package init(
    with remote: Endpoint, from local: IPAddress?, name: String?, seconds: Int = 4
  ) throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    // Nothing secret is said, and what is wrong with the certificate is to be seen.
    configuration.certificateVerification = .none
    configuration.minimumTLSVersion = .tlsv1
    let context = try NIOSSLContext(configuration: configuration)
    let inbox = Inbox()
    self.inbox = inbox
    let name = name.flatMap { IPAddress($0) == nil ? $0 : nil }
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(.seconds(Int64(seconds)))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([
            try NIOSSLClientHandler(context: context, serverHostname: name),
            Listener(inbox: inbox),
          ])
        }
      }
    if let local { bootstrap = try bootstrap.bind(to: Endpoint(local, 0).socketAddress()) }
    channel = try bootstrap.connect(to: remote.socketAddress()).wait()
    guard let outcome = inbox.handshake(within: .seconds(seconds)) else {
      channel.close(promise: nil)
      throw NetError.configuration("\(remote) did not finish the TLS handshake")
    }
    certificate = try outcome.get()
  }

  package func send(_ bytes: [UInt8]) {
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
  }

  /// What has come since the last time; waits for something.
  ///
  /// Empty: the other side hung up; nil: nothing came.
  package func receive(within time: Duration) -> [UInt8]? { inbox.bytes(within: time) }

  package func close() { channel.close(promise: nil) }

  /// What the event loop has for the thread that waits.
  private final class Inbox: Sendable {
    private struct State: Sendable {
      var bytes: [UInt8] = []
      var isClosed = false
      var handshake: Result<[UInt8]?, any Error>?
    }

    private static let most = 1 << 20
    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)

    func agreed(_ result: Result<[UInt8]?, any Error>) {
      state.withLock { if $0.handshake == nil { $0.handshake = result } }
      bell.signal()
    }

    func add(_ bytes: [UInt8]) {
      state.withLock { if $0.bytes.count < Self.most { $0.bytes += bytes } }
      bell.signal()
    }

    func closed() {
      state.withLock { $0.isClosed = true }
      bell.signal()
    }

    func handshake(within time: Duration) -> Result<[UInt8]?, any Error>? {
      wait(time) { $0.handshake }
    }

    func bytes(within time: Duration) -> [UInt8]? {
      wait(time) { state in
        guard !state.bytes.isEmpty || state.isClosed else { return nil }
        defer { state.bytes = [] }
        return state.bytes
      }
    }

    private func wait<Value>(
      _ time: Duration, for value: (inout sending State) -> Value?
    ) -> Value? {
      let end = DispatchTime.now() + .milliseconds(Int(time.wholeMilliseconds))
      while true {
        if let found = state.withLock({ value(&$0) }) { return found }
        guard bell.wait(timeout: end) == .success else { return nil }
      }
    }
  }

  private final class Listener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inbox: Inbox

    init(inbox: Inbox) { self.inbox = inbox }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .handshakeCompleted = event as? TLSUserEvent {
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        inbox.agreed(.success(try? handler?.peerCertificate?.toDERBytes()))
      }
      context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      inbox.add(Array(unwrapInboundIn(data).readableBytesView))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      inbox.agreed(.failure(error))
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      inbox.agreed(.failure(NetError.configuration("the connection was closed")))
      inbox.closed()
    }
  }
}
