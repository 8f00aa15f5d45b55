import NIOCore
import NIOHTTP1
import NIOWebSocket
import SIPSyntax

/// The way of a new channel from HTTP to WebSocket (RFC 6455 §4): what is no such request is answered and closed.
///
///     HTTP ──upgrade──▶ frames ──▶ messages ──▶ StreamConnection
///       └──anything else──▶ an answer, closed
struct WebSocketDoor {
  let rules: WebSocketRules

  /// A request for a WebSocket is short.
  private static let limits: NIOHTTPDecoderLimitConfiguration = {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 4_096
    limits.maxHeaderListSize = WebSocketGate.mostRequestBytes
    limits.maxHeaderFieldCount = 64
    return limits
  }()

  /// Puts it into a channel whose TLS, where it has any, is there already; `connection` comes in behind it, once the peer is
  /// through.
  ///
  /// - Throws: Where the channel has ended by then.
  func place(in channel: any Channel, before connection: StreamConnection) throws {
    let rules = rules
    let gate = WebSocketGate(connection)
    let bound = NIOLoopBound((gate: gate, connection: connection), eventLoop: channel.eventLoop)
    let upgrader = NIOWebSocketServerUpgrader(
      maxFrameSize: MessageLimits.messageBytes, automaticErrorHandling: false,
      shouldUpgrade: { channel, head in
        let isTaken = rules.refusal(of: head) == nil
        return channel.eventLoop.makeSucceededFuture(
          isTaken ? ["Sec-WebSocket-Protocol": "sip"] : nil)
      },
      upgradePipelineHandler: { channel, _ in
        channel.eventLoop.makeCompletedFuture {
          let (gate, connection) = bound.value
          try channel.pipeline.syncOperations.addHandlers(WebSocketMessages(gate), connection)
          gate.open()
        }
      })
    let encoder = HTTPResponseEncoder()
    let decoder = ByteToMessageHandler(
      HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: Self.limits))
    let refuser = WebSocketRefuser(rules, connection)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandlers(gate, encoder, decoder)
    try pipeline.addHandler(
      HTTPServerUpgradeHandler(
        upgraders: [upgrader], httpEncoder: encoder, extraHTTPHandlers: [decoder, refuser],
        upgradeCompletionHandler: { _ in }))
    try pipeline.addHandler(refuser)
  }
}

/// Answers what is no request for a WebSocket of ours, and closes.
private final class WebSocketRefuser: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let rules: WebSocketRules
  private let connection: StreamConnection

  init(_ rules: WebSocketRules, _ connection: StreamConnection) {
    (self.rules, self.connection) = (rules, connection)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // What keeps the rules is upgraded, and does not come here.
    guard case .head(let request) = unwrapInboundIn(data), let refusal = rules.refusal(of: request),
      let answer = refusal.answer
    else { return }
    connection.refuse(refusal)
    var headers = answer.headers
    headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
    headers.add(name: "Content-Length", value: "\(answer.words.utf8.count)")
    headers.add(
      name: "Connection", value: headers.contains(name: "Upgrade") ? "close, upgrade" : "close")
    let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
    let words = context.channel.allocator.buffer(string: answer.words)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(words))), promise: nil)
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil)))
      .whenComplete { _ in channel.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Of a refused upgrade, which is answered. What is no HTTP at all is not.
    if error is NIOWebSocketUpgradeError || error is HTTPServerUpgradeErrors { return }
    if error is HTTPParserError { connection.refuse(.noHTTP) }
    context.close(promise: nil)
  }
}
