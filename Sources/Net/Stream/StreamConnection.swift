import Elements
import Guard
import NIOCore
import NIOSSL
import NIOTLS
import SIP
import SIPSyntax

/// One TCP, TLS or WebSocket connection: takes messages out of it, writes ours, knows its deadlines.
///
///     connecting ──active, TLS done, upgraded──▶ open ──broken stream──▶ closing ──lingered──▶ closed
///     connecting, open ──deadline, error, peer──▶ closed
///
/// Lives on the streams' event loop, as its ``StreamTable`` does.
final class StreamConnection: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum State {
    case connecting
    case open(Flow)
    /// The stream has lost its borders: nothing is read any more, an answer may still leave.
    case closing(Flow, until: Instant)
    /// Why.
    case closed(String)
  }

  /// What a connection of ours was opened for.
  struct Peer: Hashable {
    let transport: Transport
    let remote: Endpoint
    let serverName: String?
    /// Which certificate of ours it is shown; nil: the standard one.
    let certificate: String?
  }

  let id: FlowID
  let transport: Transport
  /// Nil: the peer connected to us.
  let peer: Peer?
  private let table: StreamTable
  private var state = State.connecting
  private var context: ChannelHandlerContext?
  private var borders: MessageBorders
  /// What it is in, or, of a WebSocket that is not upgraded, will be.
  private var channel: (any Channel)?
  /// Waits for the connection to open.
  private var pending: [Transmission] = []
  private var hasUnflushed = false
  /// Of a WebSocket: why there is none is counted, or none was asked for yet.
  private var isRefused = false
  /// A read that was asked for while the lane has no room.
  private var holdsRead = false

  /// Until when somebody must have proven himself; nil: somebody has, or the connection is ours.
  private var strangerUntil: Instant?
  private var pace = RateBucket()
  /// A stranger said more than we read of him in that time; what he said waits.
  private var isPaced = false

  /// Set until the first whole message has come.
  private var firstMessageBy: Instant?
  private var messageBy: Instant?
  private var heardAt: Instant

  private static let maximumPending = 64
  /// Of one certificate; a carrier's has a few.
  private static let maximumNames = 32
  /// How long an answer to a broken message may take.
  private static let linger = Duration.seconds(1)

  init(id: FlowID, transport: Transport, peer: Peer?, table: StreamTable) {
    (self.id, self.transport, self.peer, self.table) = (id, transport, peer, table)
    borders = MessageBorders(areKept: transport.isWebSocket)
    heardAt = Clocks.instant()
    firstMessageBy = heardAt + (peer == nil ? table.limits.firstMessage : table.limits.connect)
    strangerUntil = peer == nil ? heardAt + table.limits.strangerLife : nil
  }

  // MARK: Coming and going

  /// The channel that it will be in; until then that is closed in its place.
  func awaits(_ channel: any Channel) {
    self.channel = channel
    channel.closeFuture.assumeIsolated().whenComplete { [weak self] _ in
      self?.ended("the connection was closed")
    }
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    channel = context.channel
    // It comes in when the handshake is over.
    if transport.isWebSocket { opened(context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    ended("the connection was closed")
    self.context = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    if transport == .tcp { opened(context) }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    ended("the connection was closed")
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let reason = HandshakeFailure.words(error, of: peerCertificate(context), at: Clocks.wall())
    if peer == nil, transport == .tls, case .connecting = state,
      let remote = context.remoteAddress.flatMap({ Endpoint($0) }), table.isAsked(remote)
    {
      table.received(.unproven(remote, reason))
    }
    ended(reason)
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent {
      if speaksForPeer(context) {
        tellProven(context)
        opened(context)
      } else {
        ended("the certificate is not that of \(peer?.serverName ?? "the peer") (RFC 5922)")
        context.close(promise: nil)
      }
    }
    switch event as? WebSocketMessages.Event {
    case .isWithinMessage(let isWithin):
      borders.noteFrames(areWithinMessage: isWithin)
      timeMessage(at: Clocks.instant())
    case .ended(let reason): close(reason)
    case nil: break
    }
    context.fireUserInboundEventTriggered(event)
  }

  /// Whether the certificate of a connection of ours carries the name we wanted.
  private func speaksForPeer(_ context: ChannelHandlerContext) -> Bool {
    guard let name = peer?.serverName, table.contexts?.verifiesPeers == true else { return true }
    guard let certificate = try? peerCertificate(context)?.toDERBytes() else { return false }
    return PeerIdentity.certificate(certificate, standsFor: name)
  }

  /// The names that the peer's certificate proves; whoever shows none, or is not verified, proves nothing.
  private func tellProven(_ context: ChannelHandlerContext) {
    guard peer == nil || table.contexts?.verifiesPeers == true,
      let certificate = try? peerCertificate(context)?.toDERBytes()
    else { return }
    let names = CertificateNames(of: certificate).identities.prefix(Self.maximumNames)
    if !names.isEmpty { table.received(.proven(id, Array(names))) }
  }

  /// Of a connection that others made only where they were asked for one, and then it is verified.
  private func peerCertificate(_ context: ChannelHandlerContext) -> NIOSSLCertificate? {
    let pipeline = context.pipeline.syncOperations
    return peer == nil
      ? (try? pipeline.handler(type: NIOSSLServerHandler.self))?.peerCertificate
      : (try? pipeline.handler(type: NIOSSLClientHandler.self))?.peerCertificate
  }

  private func opened(_ context: ChannelHandlerContext) {
    guard case .connecting = state, let local = context.localAddress.flatMap({ Endpoint($0) }),
      let remote = context.remoteAddress.flatMap({ Endpoint($0) })
    else { return }
    state = .open(Flow(transport: transport, local: local, remote: remote, connection: id))
    heardAt = Clocks.instant()
    if peer != nil { firstMessageBy = nil }
    for transmission in pending { write(transmission, context) }
    pending.removeAll()
    flush()
  }

  /// The peer gets no WebSocket; counted once, and the end follows.
  func refuse(_ refusal: WebSocketRefusal) {
    guard case .connecting = state, !isRefused else { return }
    isRefused = true
    table.refused(refusal)
  }

  /// The end, whatever brought it; told once.
  private func ended(_ reason: String) {
    let wasOpen: Bool
    switch state {
    case .closed: return
    case .connecting:
      wasOpen = false
      if transport.isWebSocket, peer == nil { refuse(.unfinished) }
    case .open, .closing: wasOpen = true
    }
    state = .closed(reason)
    channel = nil
    for transmission in pending { table.failed(transmission, reason) }
    pending.removeAll()
    table.ended(self, wasOpen: wasOpen)
  }

  /// Closes from our side before it is told what was meant.
  func closeBeforeTLS(_ reason: String) {
    isRefused = true
    close(reason)
  }

  /// Closes from our side.
  func close(_ reason: String) {
    let channel = channel
    ended(reason)
    channel?.close(promise: nil)
  }

  // MARK: Reading

  func read(context: ChannelHandlerContext) {
    guard !table.isCongested else {
      holdsRead = true
      return table.hold(self)
    }
    if case .closing = state { return }
    guard !isPaced else { return holdsRead = true }
    context.read()
  }

  /// The lane has room again, or the stranger's time has come.
  func resumeReading() {
    guard holdsRead, let context else { return }
    holdsRead = false
    read(context: context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .open(let flow) = state else { return }
    let now = Clocks.instant()
    heardAt = now
    guard borders.append(unwrapInboundIn(data).readableBytesView) else {
      return close("more messages came at once than are kept")
    }
    take(on: flow, context, at: now)
  }

  /// Takes what is whole, as far as the pace of a stranger goes.
  private func take(on flow: Flow, _ context: ChannelHandlerContext, at now: Instant) {
    var isPinged = false
    do throws(StreamError) {
      while !isPaced, let item = try borders.next() {
        switch item {
        case .message(let bytes):
          (firstMessageBy, messageBy) = (nil, nil)
          table.received(.message(bytes, flow))
        // In the midst of a message, as the frames of a WebSocket come, it gives that no more time.
        case .ping: isPinged = true
        case .pong: break
        }
        isPaced = strangerUntil != nil && !pace.take(table.limits.strangerPace, at: now)
      }
      timeMessage(at: now)
    } catch {
      broken(error, flow, at: now)
    }
    // One for all: who pings without reading fills no memory.
    if isPinged, case .open = state {
      write(Transmission(bytes: StreamFramer.pong, destination: .flow(flow)), context)
    }
  }

  /// A message that has begun must end in time, unless it is we who wait.
  private func timeMessage(at now: Instant) {
    if isPaced || !borders.isWithinMessage {
      messageBy = nil
    } else if messageBy == nil {
      messageBy = now + table.limits.message
    }
  }

  /// Somebody has proven himself here: it is no stranger's connection any more.
  func trust() {
    strangerUntil = nil
    unpace(at: Clocks.instant())
  }

  /// Goes on with what a stranger said too fast.
  private func unpace(at now: Instant) {
    guard isPaced, case .open(let flow) = state, let context else { return }
    isPaced = false
    take(on: flow, context, at: now)
    table.deliver()
    flush()
    if !isPaced { resumeReading() }
  }

  /// The borders between messages are lost (A20): what can be answered is, then the stream closes.
  private func broken(_ error: StreamError, _ flow: Flow, at now: Instant) {
    switch error {
    case .missingContentLength(let head), .badContentLength(let head), .tooLarge(let head):
      state = .closing(flow, until: now + Self.linger)
      table.received(.message(head, flow))
    case .headTooLong:
      close(error.description)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    table.deliver()
    flush()
    context.fireChannelReadComplete()
  }

  // MARK: Writing

  /// Sends a message, or keeps it until the connection is open.
  func send(_ transmission: Transmission) {
    switch state {
    case .connecting:
      guard pending.count < Self.maximumPending else {
        return table.failed(transmission, "too many messages wait for the connection")
      }
      pending.append(transmission)
    case .open, .closing:
      guard let context else { return table.failed(transmission, "the connection is closed") }
      write(transmission, context)
    case .closed(let reason):
      // It may have ended before the first message came: where it could not even be begun.
      table.failed(transmission, reason)
    }
  }

  private func write(_ transmission: Transmission, _ context: ChannelHandlerContext) {
    guard context.channel.isWritable else {
      table.failed(transmission, "the peer does not read")
      return close("the peer does not read")
    }
    guard transmission.transaction != nil else {
      return write(transmission.bytes, nil, context)
    }
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenFailure { [table] error in
      table.failed(transmission, "\(error)")
      table.deliver()
    }
    write(transmission.bytes, promise, context)
  }

  private func write(
    _ bytes: [UInt8], _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
  ) {
    context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: promise)
    guard !hasUnflushed else { return }
    hasUnflushed = true
    table.unflushed(self)
  }

  func flush() {
    guard hasUnflushed else { return }
    hasUnflushed = false
    context?.flush()
  }

  // MARK: Deadlines

  /// Closes the connection where a deadline has passed (A12).
  func sweep(at now: Instant) {
    if case .closing(_, let until) = state, until <= now {
      close("the stream was broken")
    } else if let strangerUntil, strangerUntil <= now {
      close("nobody has proven himself")
    } else if let firstMessageBy, firstMessageBy <= now {
      close(peer == nil ? "no message came" : "the connection was not made in time")
    } else if let messageBy, messageBy <= now {
      close("a message did not end")
    } else if heardAt + table.limits.idle <= now {
      close("nothing was heard for too long")
    } else {
      unpace(at: now)
    }
  }
}
