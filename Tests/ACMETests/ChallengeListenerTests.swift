import ACME
import Elements
import Glibc
import Testing

@Suite struct ChallengeListenerTests {
  @Test(
    "A12: who keeps silent on port 80 keeps no authority away, alone or with others",
    arguments: [1, 5])
  func silent(sources: Int) throws {
    let listener = try ChallengeListener([Endpoint(.v4Loopback, 0)], board: ChallengeBoard())
    defer { listener.stop() }
    let port = listener.listening[0].port
    let silent = try (0..<80).map { number in
      try Visitor(from: "127.0.0.\(2 + number % sources)", to: port)
    }
    let authority = try Visitor(from: "127.0.0.100", to: port)
    let answer = authority.ask("GET /.well-known/acme-challenge/a HTTP/1.1\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 404 "))
    withExtendedLifetime(silent) {}
  }
}

/// A TCP connection from a loopback address of its own.
private final class Visitor {
  private let descriptor: Int32

  init(from source: String, to port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var local = Self.address(source, 0)
    var remote = Self.address("127.0.0.1", port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let results = (
      withUnsafePointer(to: &local) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
      },
      withUnsafePointer(to: &remote) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
      }
    )
    try #require(results == (0, 0))
  }

  deinit { close(descriptor) }

  private static func address(_ text: String, _ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, text, &address.sin_addr)
    return address
  }

  /// What comes until the other side closes, or five seconds pass without a byte.
  func ask(_ text: String) -> String {
    guard send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count else {
      return ""
    }
    var answer: [UInt8] = []
    var bytes = [UInt8](repeating: 0, count: 1_024)
    while case let count = recv(descriptor, &bytes, bytes.count, 0), count > 0 {
      answer += bytes[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
