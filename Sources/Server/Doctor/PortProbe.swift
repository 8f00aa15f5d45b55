import Elements
import Glibc
import Net
import SIP

/// Tries whether a listening port could be had, and gives it back at once.
enum PortProbe {
  static func tryToBind(_ listener: ListenAddress) throws(NetError) {
    let endpoint = listener.endpoint
    let family = endpoint.address.isV4 ? AF_INET : AF_INET6
    let kind = listener.transport == .udp ? SOCK_DGRAM : SOCK_STREAM
    let descriptor = socket(family, Int32(kind.rawValue), 0)
    guard descriptor >= 0 else { throw .bind(listener, errno: errno) }
    defer { close(descriptor) }
    var yes: Int32 = 1
    if listener.transport != .udp {
      // As the server does: connections that wait to be forgotten do not hold the port.
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    let result = family == AF_INET ? bindV4(descriptor, endpoint) : bindV6(descriptor, endpoint)
    guard result == 0 else { throw .bind(listener, errno: errno) }
  }

  private static func bindV4(_ descriptor: Int32, _ endpoint: Endpoint) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = endpoint.port.bigEndian
    address.sin_addr.s_addr = (endpoint.address.v4 ?? 0).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func bindV6(_ descriptor: Int32, _ endpoint: Endpoint) -> Int32 {
    var only: Int32 = 1
    setsockopt(
      descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = endpoint.port.bigEndian
    withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
      for index in 0..<8 {
        bytes[index] = UInt8(truncatingIfNeeded: endpoint.address.high >> UInt64(56 - 8 * index))
        bytes[index + 8] = UInt8(truncatingIfNeeded: endpoint.address.low >> UInt64(56 - 8 * index))
      }
    }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  }
}
