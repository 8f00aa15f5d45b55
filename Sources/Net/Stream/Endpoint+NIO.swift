import Elements
import NIOCore

extension Endpoint {
  /// Nil for a Unix socket.
  init?(_ address: SocketAddress) {
    guard let text = address.ipAddress, let parsed = IPAddress(text), let port = address.port else {
      return nil
    }
    self.init(parsed, UInt16(truncatingIfNeeded: port))
  }

  /// As NIO writes it.
  func socketAddress() throws -> SocketAddress {
    try SocketAddress(ipAddress: address.description, port: Int(port))
  }
}
