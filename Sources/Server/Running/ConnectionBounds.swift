import NIOCore

/// Ends one connection in time, whatever state everything behind it is in.
final class ConnectionBounds: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// What the door wants of it.
  enum Order: Sendable {
    case sendAway
    case end
  }

  private let limits: HTTPDoor.Limits
  private let isAdmitted: Bool
  /// When bytes went in or out for the last time.
  private var movedAt: NIODeadline = .distantPast
  /// From when on no other request is answered, and when it ends in any case.
  private var lastRequestAt: NIODeadline = .distantFuture
  private var endsAt: NIODeadline = .distantFuture
  private var isLeaving = false
  /// Bytes that the peer has not taken, when they were looked at.
  private var unsent = 0
  private var looks: RepeatedTask?

  init(_ limits: HTTPDoor.Limits, isAdmitted: Bool) {
    (self.limits, self.isAdmitted) = (limits, isAdmitted)
  }

  func channelActive(context: ChannelHandlerContext) {
    guard isAdmitted else {
      context.close(promise: nil)
      return
    }
    movedAt = context.eventLoop.now
    lastRequestAt = movedAt + limits.life
    endsAt = lastRequestAt + limits.answer
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    looks = context.eventLoop.scheduleRepeatedTask(initialDelay: limits.look, delay: limits.look) {
      _ in
      bound.value.handler.look(bound.value.context)
    }
    context.fireChannelActive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    looks?.cancel()
    looks = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    movedAt = context.eventLoop.now
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event as? Order {
    case .sendAway?: leave(context, by: context.eventLoop.now + limits.farewell)
    case .end?: context.close(promise: nil)
    case nil: context.fireUserInboundEventTriggered(event)
    }
  }

  private func look(_ context: ChannelHandlerContext) {
    let now = context.eventLoop.now
    let waiting =
      (try? context.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
    if waiting != unsent { movedAt = now }
    unsent = waiting
    if now >= endsAt || now >= movedAt + limits.quiet {
      context.close(promise: nil)
    } else if now >= lastRequestAt {
      leave(context, by: endsAt)
    }
  }

  /// What is asked already is answered, and then it is over.
  private func leave(_ context: ChannelHandlerContext, by end: NIODeadline) {
    endsAt = min(endsAt, end)
    guard !isLeaving else { return }
    isLeaving = true
    context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
  }
}
