import Elements
import Glibc
import Net

/// A mail server that keeps nothing: takes mail by SMTP on 127.0.0.1 and reports each letter.
final class MailSink: LaneResident {
  private let loop: LaneLoop
  private let listener: Int32
  private var resident = 0
  private var orders = OrderReader()
  /// At the descriptor, which is also the token.
  private var conversations: [Int32: SMTPConversation] = [:]

  private static let connectionLimit = 32
  private static let bytesAtOnce = 65_536

  init(loop: LaneLoop) throws(NetError) {
    self.loop = loop
    let (descriptor, port) = try Self.listen()
    listener = descriptor
    resident = loop.add(self)
    try loop.watch(0, for: resident, token: OrderReader.token)
    try loop.watch(listener, for: resident, token: UInt64(listener))
    Agent.report(.ready(port: port))
  }

  /// A listening TCP socket on a port that the kernel chooses.
  private static func listen() throws(NetError) -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw .system(call: "socket", errno: errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, Int32(connectionLimit)) == 0
          && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isListening else { throw .system(call: "listen", errno: errno) }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  var deadline: Instant? { nil }
  func turn(at now: Now) {}

  func ready(_ token: UInt64, hasError: Bool, at now: Now) {
    switch token {
    // There is nothing to order, but the end of the input ends the process.
    case OrderReader.token: _ = try? orders.read()
    case UInt64(listener): accept()
    case _: receive(from: Int32(token))
    }
  }

  private func accept() {
    let connection = Glibc.accept(listener, nil, nil)
    guard connection >= 0 else { return }
    guard conversations.count < Self.connectionLimit,
      (try? loop.watch(connection, for: resident, token: UInt64(connection))) != nil
    else {
      Glibc.close(connection)
      return
    }
    conversations[connection] = SMTPConversation()
    send(SMTPConversation.greeting, over: connection)
  }

  private func receive(from connection: Int32) {
    guard var conversation = conversations[connection] else { return }
    var buffer = [UInt8](repeating: 0, count: Self.bytesAtOnce)
    let count = buffer.withUnsafeMutableBytes { recv(connection, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { return close(connection) }
    let effects = conversation.receive(buffer[..<count])
    conversations[connection] = conversation
    for effect in effects {
      switch effect {
      case .reply(let words): send(words, over: connection)
      case .deliver(let letter): Agent.report(.mail(letter))
      case .close: close(connection)
      }
    }
  }

  /// Replies are short: they fit the socket's buffer, or the client is gone.
  private func send(_ words: String, over connection: Int32) {
    let bytes = Array(words.utf8)
    _ = bytes.withUnsafeBytes {
      Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
  }

  private func close(_ connection: Int32) {
    loop.unwatch(connection)
    conversations[connection] = nil
    Glibc.close(connection)
  }
}
