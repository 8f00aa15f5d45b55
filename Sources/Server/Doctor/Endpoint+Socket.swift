import Elements
import Glibc

extension Endpoint {
  /// Its family, as `socket` takes it.
  var family: Int32 { address.isV4 ? AF_INET : AF_INET6 }

  /// Calls `body` with the form that `bind` and `connect` take.
  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    address.isV4 ? withV4(body) : withV6(body)
  }

  private func withV4<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var text = sockaddr_in()
    text.sin_family = sa_family_t(AF_INET)
    text.sin_port = port.bigEndian
    text.sin_addr.s_addr = (address.v4 ?? 0).bigEndian
    return withUnsafePointer(to: &text) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private func withV6<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var text = sockaddr_in6()
    text.sin6_family = sa_family_t(AF_INET6)
    text.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &text.sin6_addr) { bytes in
      for index in 0..<8 {
        bytes[index] = UInt8(truncatingIfNeeded: address.high >> UInt64(56 - 8 * index))
        bytes[index + 8] = UInt8(truncatingIfNeeded: address.low >> UInt64(56 - 8 * index))
      }
    }
    return withUnsafePointer(to: &text) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
  }
}
