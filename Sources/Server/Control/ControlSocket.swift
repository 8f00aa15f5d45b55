import API
import Foundation
import NIOCore
import NIOPosix

/// Listens on `control.sock` in the data folder and answers one request per connection.
///
/// The socket belongs to the server's user alone (mode 0600): who can open it is an operator.
final class ControlSocket: Sendable {
  /// Longest request: an apply carries its rate files along.
  static let longestRequestBytes = 256 * 1024 * 1024

  private let path: String
  private let answer: @Sendable (ControlRequest) async -> ControlReply

  init(path: String, answer: @escaping @Sendable (ControlRequest) async -> ControlReply) {
    (self.path, self.answer) = (path, answer)
  }

  /// Serves until its task is cancelled.
  func run(on group: any EventLoopGroup) async throws {
    unlink(path)
    let channel = try await ServerBootstrap(group: group)
      .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(LineDecoder(), maximumBufferSize: Self.longestRequestBytes))
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    chmod(path, 0o600)
    try await withThrowingDiscardingTaskGroup { connections in
      try await channel.executeThenClose { arrivals in
        for try await connection in arrivals {
          connections.addTask { await self.serve(connection) }
        }
      }
    }
  }

  private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
    // A client that hangs up early is its own affair; the request was carried out or not begun.
    try? await connection.executeThenClose { inbound, outbound in
      for try await line in inbound {
        let reply: ControlReply
        do {
          let request = try JSONDecoder().decode(
            ControlRequest.self, from: Data(line.readableBytesView))
          reply = await answer(request)
        } catch {
          reply = .failed("The request could not be read: \(error)")
        }
        try await outbound.write(ByteBuffer(bytes: try JSONEncoder().encode(reply)))
        return
      }
    }
  }
}

/// Cuts a stream into lines.
private struct LineDecoder: ByteToMessageDecoder {
  typealias InboundOut = ByteBuffer

  /// Readable bytes in which no line ends: a long line comes in thousands of pieces, and each is searched once.
  private var searched = 0

  mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) -> DecodingState {
    let bytes = buffer.readableBytesView
    guard let end = bytes.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")),
      let line = buffer.readSlice(length: end - bytes.startIndex)
    else {
      searched = bytes.count
      return .needMoreData
    }
    searched = 0
    buffer.moveReaderIndex(forwardBy: 1)
    context.fireChannelRead(wrapInboundOut(line))
    return .continue
  }
}
