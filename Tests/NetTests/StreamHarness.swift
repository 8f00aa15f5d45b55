import Elements
import Glibc
import Net
import SIP
import Testing

/// TCP and TLS with a lane behind that writes down what comes.
final class StreamHarness {
  let service: StreamService
  let inputs = Recorder<StreamInput>()
  private let lane: LaneThread

  init(_ change: (inout LaneConfiguration) -> Void = { _ in }) throws {
    var configuration = LaneConfiguration(listeners: [])
    change(&configuration)
    let mail = SignallingMail(configuration, waker: try LaneWaker())
    let service = try StreamService(configuration, mail: mail)
    let inputs = inputs
    self.service = service
    lane = try LaneThread(name: "test", waker: mail.waker, failed: { _ in }) { loop in
      _ = loop.add(MailReader(mail.streams, inputs) { service.resumeReading() })
    }
  }

  deinit {
    lane.stop()
    service.stop()
  }

  func listen(_ transport: Transport, _ address: IPAddress = .v4Loopback) throws -> Endpoint {
    try service.listen(ListenAddress(transport, Endpoint(address, 0)))
  }

  /// The messages once there are `count` of them.
  func messages(_ count: Int) -> [(text: String, flow: Flow)] {
    Self.messages(in: inputs.wait { Self.messages(in: $0).count >= count })
  }

  private static func messages(in inputs: [StreamInput]) -> [(text: String, flow: Flow)] {
    inputs.compactMap { input in
      guard case .message(let bytes, let flow) = input else { return nil }
      return (String(decoding: bytes, as: UTF8.self), flow)
    }
  }

  /// The numbers of closed connections once there are `count` of them.
  func closed(_ count: Int) -> [FlowID] {
    func ids(_ inputs: [StreamInput]) -> [FlowID] {
      inputs.compactMap { if case .closed(let id) = $0 { id } else { nil } }
    }
    return ids(inputs.wait { ids($0).count >= count })
  }

  /// The failed transactions once there are `count` of them.
  func failures(_ count: Int) -> [(ClientTransactionID, String)] {
    func all(_ inputs: [StreamInput]) -> [(ClientTransactionID, String)] {
      inputs.compactMap {
        if case .failed(let attempt, let reason) = $0 { (attempt.transaction, reason) } else { nil }
      }
    }
    return all(inputs.wait { all($0).count >= count })
  }
}

/// A blocking TCP client with patience.
final class TestStream {
  private let descriptor: Int32

  init(to remote: Endpoint) throws {
    descriptor = socket(
      remote.address.isV4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var noDelay: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(4))
    try #require(connect(to: remote) == 0)
  }

  deinit { close(descriptor) }

  private func connect(to remote: Endpoint) -> Int32 {
    if let bits = remote.address.v4 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = remote.port.bigEndian
      address.sin_addr.s_addr = bits.bigEndian
      return withUnsafeBytes(of: &address, connect)
    }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = remote.port.bigEndian
    address.sin6_addr = in6addr_loopback
    return withUnsafeBytes(of: &address, connect)
  }

  private func connect(_ address: UnsafeRawBufferPointer) -> Int32 {
    guard let start = address.baseAddress else { return -1 }
    return Glibc.connect(
      descriptor, start.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) { #expect(isSent(bytes)) }

  /// Whether the bytes could be sent; not to a peer who has closed.
  func isSent(_ bytes: [UInt8]) -> Bool {
    Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  /// Nothing more comes from here; what the peer sends is still received.
  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// What comes until `count` bytes are there, the peer closes, or ten seconds pass without any.
  func receive(_ count: Int) -> String {
    String(decoding: receive(bytes: count), as: UTF8.self)
  }

  func receive(bytes count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      let size = bytes.withUnsafeMutableBytes { buffer in
        recv(descriptor, buffer.baseAddress?.advanced(by: received), count - received, 0)
      }
      guard size > 0 else { break }
      received += size
    }
    return Array(bytes[..<received])
  }

  /// True when the peer closes; bytes before that are skipped.
  func isClosedByPeer() -> Bool {
    var byte: UInt8 = 0
    while true {
      let size = recv(descriptor, &byte, 1, 0)
      guard size > 0 else { return size == 0 || errno == ECONNRESET }
    }
  }
}

/// Messages that fit a test.
enum Sample {
  static func options(_ number: Int, body: String = "", over transport: String = "TCP") -> String {
    """
    OPTIONS sip:a@example.com SIP/2.0\r
    Via: SIP/2.0/\(transport) client.example.com:5060;branch=z9hG4bK\(number)\r
    Max-Forwards: 70\r
    From: <sip:b@example.com>;tag=1\r
    To: <sip:a@example.com>\r
    Call-ID: \(number)@client.example.com\r
    CSeq: 1 OPTIONS\r
    Content-Length: \(body.utf8.count)\r
    \r
    \(body)
    """
  }
}
