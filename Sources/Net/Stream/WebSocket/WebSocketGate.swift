import NIOCore

/// In front of the HTTP parser: lets one request through, and holds what follows until its answer has made it a WebSocket.
///
/// So no byte behind the handshake is ever read as HTTP, and no request is longer than any browser's: the parser behind it keeps
/// all of a request, and its own limits do not count what it skips, such as spaces. Afterwards it knows how many bytes came that
/// are no whole frame yet.
final class WebSocketGate: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private enum State {
    /// In the request: its bytes, and whether its present line is empty so far.
    case request(bytes: Int, isEmptyLine: Bool)
    case holding(ByteBuffer)
    case open
  }

  private let connection: StreamConnection
  private var state = State.request(bytes: 0, isEmptyLine: false)
  private var context: ChannelHandlerContext?
  /// Bytes since the last whole frame.
  private var unframed = 0

  var hasUnframed: Bool { unframed > 0 }

  /// Who says more before he is answered, or behind his request, wants no answer.
  static let mostRequestBytes = 16_384

  init(_ connection: StreamConnection) { self.connection = connection }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    switch state {
    case .open:
      unframed += bytes.readableBytes
      context.fireChannelRead(data)
    case .holding(var held):
      held.writeBuffer(&bytes)
      state = .holding(held)
      if held.readableBytes > Self.mostRequestBytes { refuse(context) }
    case .request(var count, var isEmptyLine):
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
      count += bytes.readableBytes
      guard count <= Self.mostRequestBytes else { return refuse(context) }
      state = .request(bytes: count, isEmptyLine: isEmptyLine)
      context.fireChannelRead(data)
    }
  }

  private func refuse(_ context: ChannelHandlerContext) {
    connection.refuse(.tooLong)
    context.close(promise: nil)
  }

  /// A whole frame was read, with a payload of so many bytes (RFC 6455 §5.2).
  ///
  /// Who writes a length longer than he need is taken for one who has begun another.
  func framed(payload: Int, isMasked: Bool) {
    let lengthBytes = payload < 126 ? 0 : payload <= Int(UInt16.max) ? 2 : 8
    unframed -= 2 + lengthBytes + (isMasked ? 4 : 0) + payload
  }

  /// The answer has left: what was held is of the WebSocket.
  func open() {
    guard case .holding(let held) = state else { return state = .open }
    state = .open
    guard held.readableBytes > 0, let context else { return }
    unframed = held.readableBytes
    context.fireChannelRead(wrapInboundOut(held))
    context.fireChannelReadComplete()
  }
}
