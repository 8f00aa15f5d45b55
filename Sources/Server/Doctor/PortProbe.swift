import Elements
import Glibc
import Net
import SIP

/// Tries whether a listening port could be had, and gives it back at once.
enum PortProbe {
  static func tryToBind(_ listener: ListenAddress) throws(NetError) {
    let endpoint = listener.endpoint
    let kind = listener.transport == .udp ? SOCK_DGRAM : SOCK_STREAM
    let descriptor = socket(endpoint.family, Int32(kind.rawValue), 0)
    guard descriptor >= 0 else { throw .bind(listener, errno: errno) }
    defer { close(descriptor) }
    var yes: Int32 = 1
    if listener.transport != .udp {
      // As the server does: connections that wait to be forgotten do not hold the port.
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
    if !endpoint.address.isV4 {
      let size = socklen_t(MemoryLayout<Int32>.size)
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size)
    }
    let result = endpoint.withSocketAddress { bind(descriptor, $0, $1) }
    guard result == 0 else { throw .bind(listener, errno: errno) }
  }
}
