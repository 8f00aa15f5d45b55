import NIOCore

/// In front of the HTTP parser: lets one request through, and holds what follows until its answer has made it a WebSocket.
///
/// So no byte behind the handshake is ever read as HTTP. Afterwards it knows whether bytes came that are no frame yet.
final class WebSocketGate: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private enum State {
    /// In the request, and whether its present line is empty so far.
    case request(isEmptyLine: Bool)
    case holding(ByteBuffer)
    case open
  }

  private var state = State.request(isEmptyLine: false)
  private var context: ChannelHandlerContext?
  /// Bytes came since the last whole frame.
  var hasUnframed = false

  /// Who says that much before he is answered wants no answer.
  private static let mostHeld = 16_384

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    switch state {
    case .open:
      hasUnframed = true
      context.fireChannelRead(data)
    case .holding(var held):
      held.writeBuffer(&bytes)
      state = .holding(held)
      if held.readableBytes > Self.mostHeld { context.close(promise: nil) }
    case .request(var isEmptyLine):
      for (index, byte) in bytes.readableBytesView.enumerated() {
        if byte == UInt8(ascii: "\n") {
          if isEmptyLine, let request = bytes.readSlice(length: index + 1) {
            state = .holding(bytes)
            return context.fireChannelRead(wrapInboundOut(request))
          }
          isEmptyLine = true
        } else if byte != UInt8(ascii: "\r") {
          isEmptyLine = false
        }
      }
      state = .request(isEmptyLine: isEmptyLine)
      context.fireChannelRead(data)
    }
  }

  /// The answer has left: what was held is of the WebSocket.
  func open() {
    guard case .holding(let held) = state else { return state = .open }
    state = .open
    guard held.readableBytes > 0, let context else { return }
    hasUnframed = true
    context.fireChannelRead(wrapInboundOut(held))
    context.fireChannelReadComplete()
  }
}
