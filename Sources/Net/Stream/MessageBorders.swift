import NIOCore
import SIPSyntax

/// Where the messages of a connection end: cut out of its bytes, or, of a WebSocket, each as it came.
struct MessageBorders {
  private let areKept: Bool
  private var framer = StreamFramer()
  private var messages = CircularBuffer<[UInt8]>()
  /// Of a WebSocket, as its frames say.
  private var isWithinFrames = false

  /// Messages of a WebSocket that may wait for the pace of a stranger; as bytes of a stream they would wait in the kernel.
  private static let mostKept = 128

  init(areKept: Bool) { self.areKept = areKept }

  /// True in the middle of a message.
  var isWithinMessage: Bool { areKept ? isWithinFrames : framer.isWithinMessage }

  mutating func noteFrames(areWithinMessage: Bool) { isWithinFrames = areWithinMessage }

  /// False where more wait than may.
  mutating func append(_ bytes: ByteBufferView) -> Bool {
    guard areKept else {
      framer.append(bytes)
      return true
    }
    messages.append(Array(bytes))
    return messages.count <= Self.mostKept
  }

  mutating func next() throws(StreamError) -> StreamFramer.Item? {
    guard areKept else { return try framer.next() }
    guard let message = messages.popFirst() else { return nil }
    switch message {
    case [], StreamFramer.pong: return .pong
    case StreamFramer.ping: return .ping
    case _: return .message(message)
    }
  }
}
