import Elements
import NIOCore
import NIOSSL

/// Stands before TLS until a whole ClientHello is there: only then a handshake costs us something, and may be too many.
///
/// Who connects and says nothing, or no TLS, uses up no budget of those who mean it. What BoringSSL would take before a ClientHello or
/// in its place, alerts and the form of SSL 2.0, ends the connection: with it a handshake would begin uncounted.
final class HandshakeGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let connection: StreamConnection
  private let table: StreamTable
  private var heard = ByteBuffer()

  init(before connection: StreamConnection, table: StreamTable) {
    (self.connection, self.table) = (connection, table)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    heard.writeImmutableBuffer(unwrapInboundIn(data))
    switch TLSOpening(heard.readableBytesView) {
    case .unfinished: return
    case .handshake:
      guard let remote = context.remoteAddress.flatMap({ Endpoint($0) }),
        table.mayBeginHandshake(remote.address)
      else { return connection.closeBeforeTLS("more handshakes begin than are worked on") }
    case .other: return connection.closeBeforeTLS("no TLS was spoken")
    }
    context.fireChannelRead(wrapInboundOut(heard))
    heard = ByteBuffer()
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }
}
