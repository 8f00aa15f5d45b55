import Elements
import NIOCore
import NIOSSL

/// Stands in the place of TLS until the first record of a ClientHello is there: only then a handshake costs us something, and may be
/// too many.
///
/// Who connects and says nothing, or no TLS, uses up no budget of those who mean it, and little memory. What BoringSSL would take
/// before a ClientHello or in its place, alerts, empty records and the form of SSL 2.0, ends the connection: with it a handshake would
/// begin uncounted.
final class HandshakeGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let connection: StreamConnection
  private let table: StreamTable
  private let tls: NIOSSLContext
  private var heard = ByteBuffer()

  /// `tls` is what the connection speaks from then on.
  init(before connection: StreamConnection, table: StreamTable, tls: NIOSSLContext) {
    (self.connection, self.table, self.tls) = (connection, table, tls)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    heard.writeImmutableBuffer(unwrapInboundIn(data))
    switch TLSOpening(heard.readableBytesView) {
    case .unfinished: return
    case .hello:
      guard let remote = context.remoteAddress.flatMap({ Endpoint($0) }),
        table.mayBeginHandshake(remote.address)
      else { return connection.closeBeforeTLS("more handshakes begin than are worked on") }
    case .other: return connection.closeBeforeTLS("no TLS was spoken")
    }
    do {
      try context.pipeline.syncOperations.addHandler(
        NIOSSLServerHandler(context: tls), position: .after(self))
    } catch {
      return connection.closeBeforeTLS("\(error)")
    }
    context.fireChannelRead(wrapInboundOut(heard))
    heard = ByteBuffer()
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }
}
