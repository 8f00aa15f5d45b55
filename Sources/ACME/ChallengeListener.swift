package import Elements
import Glibc
import NIOCore
import NIOPosix

/// Answers what an authority asks over HTTP to see that a name is ours, and nothing else (RFC 8555 §8.3).
///
/// It is open to the world: one request a connection, a few connections, a few seconds, and no more bytes than an authority needs.
package final class ChallengeListener: Sendable {
  /// A port that could not be had.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  private static let backlog: Int32 = 64

  private let channels: [any Channel]
  /// With the ports that the kernel chose.
  package let listening: [Endpoint]

  package init(_ addresses: [Endpoint], board: ChallengeBoard) throws(Failure) {
    let group: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup
    let visitors = ChallengeVisitors()
    var channels: [any Channel] = []
    var listening: [Endpoint] = []
    for address in addresses {
      do {
        let channel = try Self.bootstrap(address, board, visitors, group)
          .bind(host: "\(address.address)", port: Int(address.port)).wait()
        channels.append(channel)
        listening.append(
          Endpoint(address.address, UInt16(channel.localAddress?.port ?? Int(address.port))))
      } catch {
        for channel in channels { try? channel.close().wait() }
        throw Failure(
          description: "\(address) cannot be listened on for the authority's questions: \(error)")
      }
    }
    (self.channels, self.listening) = (channels, listening)
  }

  package func stop() {
    for channel in channels { try? channel.close().wait() }
  }

  private static func bootstrap(
    _ address: Endpoint, _ board: ChallengeBoard, _ visitors: ChallengeVisitors,
    _ group: any EventLoopGroup
  ) -> ServerBootstrap {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          visitors.admit(channel)
          try channel.pipeline.syncOperations.addHandler(ChallengeConversation(board))
        }
      }
    guard !address.address.isV4 else { return bootstrap }
    return bootstrap.serverChannelOption(
      ChannelOptions.Types.SocketOption(
        level: NIOBSDSocket.OptionLevel(rawValue: Int32(IPPROTO_IPV6)),
        name: NIOBSDSocket.Option(rawValue: IPV6_V6ONLY)), value: 1)
  }
}

/// One request and its answer.
private final class ChallengeConversation: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let patience = TimeAmount.seconds(10)
  /// Of a request with its header fields.
  private static let longestHead = 4_096
  private static let folder = "/.well-known/acme-challenge/"

  private let board: ChallengeBoard
  private var head: [UInt8] = []
  private var isAnswered = false
  private var deadline: Scheduled<Void>?

  init(_ board: ChallengeBoard) {
    self.board = board
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: Self.patience) {
      bound.value.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isAnswered else { return }
    head += unwrapInboundIn(data).readableBytesView
    let text = String(decoding: head.prefix(Self.longestHead), as: UTF8.self)
    if text.contains("\r\n\r\n") {
      answer(text, context)
    } else if head.count >= Self.longestHead {
      context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func answer(_ request: String, _ context: ChannelHandlerContext) {
    isAnswered = true
    let words = request.prefix { $0 != "\r\n" }.split(separator: " ")
    let found =
      words.count == 3 && words[0] == "GET" && words[1].hasPrefix(Self.folder)
      ? board.answer(to: String(words[1].dropFirst(Self.folder.count))) : nil
    let body = found ?? "Nothing is here.\n"
    let response = """
      HTTP/1.1 \(found == nil ? "404 Not Found" : "200 OK")\r
      Content-Type: application/octet-stream\r
      Content-Length: \(body.utf8.count)\r
      Connection: close\r
      \r
      \(body)
      """
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: response)))
      .whenComplete { _ in bound.value.close(promise: nil) }
  }
}
