import NIOCore
import NIOWebSocket
import SIPSyntax

/// Frames to messages and back (RFC 6455 §5, RFC 7118 §5): each message of the WebSocket is one of SIP.
///
/// Whatever else comes, pings, pongs and parts, goes on as a message of no bytes: the peer is there, and it counts in his pace.
final class WebSocketMessages: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = WebSocketFrame

  /// What the connection behind it must know besides.
  enum Event {
    /// After each read: whether a message has begun and not ended.
    case isWithinMessage(Bool)
    /// Nothing comes or goes any more.
    case ended(String)
  }

  private struct Begun {
    var bytes: ByteBuffer
    let isText: Bool
    var parts = 1
  }

  private struct Closed: Error, CustomStringConvertible {
    let description = "the connection is closed"
  }

  private let gate: WebSocketGate
  /// A message whose last frame has not come.
  private var begun: Begun?
  private var hasUnflushed = false
  private var isClosing = false

  /// No browser cuts a message of SIP into more.
  private static let mostParts = 64

  init(_ gate: WebSocketGate) { self.gate = gate }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    gate.framed(payload: frame.data.readableBytes, isMasked: frame.maskKey != nil)
    guard !isClosing else { return }
    // §5.1, §5.2: what a client sends is masked, and no extension was agreed on.
    guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
      return end(context, .protocolError)
    }
    switch frame.opcode {
    case .text, .binary:
      guard begun == nil else { return end(context, .protocolError) }
      var bytes = frame.unmaskedData
      if frame.fin { return pass(&bytes, isText: frame.opcode == .text, context) }
      begun = Begun(bytes: bytes, isText: frame.opcode == .text)
      heard(context)
    case .continuation: goOn(frame, context)
    case .ping:
      answer(frame, context)
      heard(context)
    case .pong: heard(context)
    case .connectionClose:
      // §5.5.1: with the code of the peer, where that is one.
      var data = frame.unmaskedData
      end(context, data.readWebSocketErrorCode() ?? .normalClosure)
    case _: end(context, .protocolError)
    }
  }

  private func goOn(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
    // Taken out, so that the bytes are not copied for each part.
    guard var message = begun.take() else { return end(context, .protocolError) }
    var part = frame.unmaskedData
    message.parts += 1
    guard message.parts <= Self.mostParts else { return end(context, .policyViolation) }
    guard message.bytes.readableBytes + part.readableBytes <= MessageLimits.messageBytes else {
      return end(context, .messageTooLarge)
    }
    message.bytes.writeBuffer(&part)
    if frame.fin { return pass(&message.bytes, isText: message.isText, context) }
    begun = message
    heard(context)
  }

  private func pass(
    _ message: inout ByteBuffer, isText: Bool, _ context: ChannelHandlerContext
  ) {
    // §8.1
    if isText, String(validating: message.readableBytesView, as: UTF8.self) == nil {
      return end(context, .dataInconsistentWithMessage)
    }
    context.fireChannelRead(wrapInboundOut(message))
  }

  private func heard(_ context: ChannelHandlerContext) {
    context.fireChannelRead(wrapInboundOut(context.channel.allocator.buffer(capacity: 0)))
  }

  /// §5.5.2: with what the ping carried; who pings without reading gets no more.
  private func answer(_ ping: WebSocketFrame, _ context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return context.close(promise: nil) }
    send(.pong, ping.unmaskedData, nil, context)
    hasUnflushed = true
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if hasUnflushed { context.flush() }
    hasUnflushed = false
    context.fireUserInboundEventTriggered(Event.isWithinMessage(begun != nil || gate.hasUnframed))
    context.fireChannelReadComplete()
  }

  /// What is no frame, or a longer one than any message.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? NIOWebSocketError else { return context.fireErrorCaught(error) }
    switch error {
    case .invalidFrameLength: end(context, .messageTooLarge)
    case .fragmentedControlFrame, .multiByteControlFrameLength: end(context, .protocolError)
    }
  }

  // MARK: - Out

  /// As text, which every browser reads; what is no text as bytes (RFC 7118 §5).
  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isClosing else { return promise?.fail(Closed()) ?? () }
    let message = unwrapOutboundIn(data)
    let isText = String(validating: message.readableBytesView, as: UTF8.self) != nil
    send(isText ? .text : .binary, message, promise, context)
  }

  private func send(
    _ opcode: WebSocketOpcode, _ data: ByteBuffer, _ promise: EventLoopPromise<Void>?,
    _ context: ChannelHandlerContext
  ) {
    context.write(
      wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: promise)
  }

  // MARK: - The end

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    sayGoodbye(.goingAway, context)
    context.close(mode: mode, promise: promise)
  }

  /// The peer closes, or does what nobody may.
  private func end(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
    sayGoodbye(code, context)
    context.fireUserInboundEventTriggered(
      Event.ended("the WebSocket was closed (\(UInt16(webSocketErrorCode: code)))"))
  }

  /// §5.5.1: a last frame, once.
  private func sayGoodbye(_ code: WebSocketErrorCode, _ context: ChannelHandlerContext) {
    guard !isClosing else { return }
    isClosing = true
    begun = nil
    guard context.channel.isWritable else { return }
    var data = context.channel.allocator.buffer(capacity: 2)
    data.write(webSocketErrorCode: code)
    send(.connectionClose, data, nil, context)
    context.flush()
  }
}
