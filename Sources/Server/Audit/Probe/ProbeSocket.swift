import Elements
import Glibc

/// A datagram or stream socket whose every wait has an end.
final class ProbeSocket: ProbeLink {
  let local: Endpoint
  let isStream: Bool
  private let descriptor: Int32
  private static let connectTime: Duration = .seconds(2)

  /// Comes from `source`, or from where the kernel chooses.
  init(
    stream isStream: Bool, to remote: Endpoint, from source: IPAddress? = nil
  ) throws(Unreached) {
    let kind = Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
    let descriptor = socket(remote.family, kind | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw Self.reason(errno) }
    do throws(Unreached) {
      if let source {
        let isBound = Endpoint(source, 0).withSocketAddress { bind(descriptor, $0, $1) == 0 }
        guard isBound else { throw Self.reason(errno) }
      }
      let begun = remote.withSocketAddress { connect(descriptor, $0, $1) }
      guard begun == 0 || errno == EINPROGRESS else { throw Self.reason(errno) }
      guard Self.wait(descriptor, for: POLLOUT, Self.connectTime) else { throw .silent }
      let code = Self.failure(of: descriptor)
      guard code == 0 else { throw Self.reason(code) }
      guard let local = Self.name(of: descriptor, isV4: remote.address.isV4) else {
        throw Self.reason(errno)
      }
      (self.descriptor, self.local, self.isStream) = (descriptor, local, isStream)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  private static func reason(_ code: Int32) -> Unreached {
    switch code {
    case ECONNREFUSED: .refused
    case ETIMEDOUT, EHOSTUNREACH: .silent
    case _: .noWay(String(cString: strerror(code)))
    }
  }

  func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty, Self.wait(descriptor, for: POLLOUT, Self.connectTime) {
      let sent = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
  }

  /// An ICMP error is an answer of nobody, and comes as nothing.
  func receive(within time: Duration) -> [UInt8]? {
    guard Self.wait(descriptor, for: POLLIN, time) else { return nil }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    return count >= 0 ? Array(buffer[..<count]) : errno == ECONNRESET ? [] : nil
  }

  func close() { Glibc.close(descriptor) }

  private static func wait(_ descriptor: Int32, for event: Int32, _ time: Duration) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    // Rounded up: who waits for a part of a millisecond would ask again and again.
    return poll(&entry, 1, Int32(clamping: time.wholeMilliseconds + 1)) == 1
  }

  private static func failure(of descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
  }

  private static func name(of descriptor: Int32, isV4: Bool) -> Endpoint? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        guard getsockname(descriptor, $0, &size) == 0 else { return nil }
        return isV4 ? v4(pointer) : v6(pointer)
      }
    }
  }

  private static func v4(_ pointer: UnsafeMutablePointer<sockaddr_storage>) -> Endpoint {
    pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      Endpoint(
        IPAddress(v4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr)),
        UInt16(bigEndian: $0.pointee.sin_port))
    }
  }

  private static func v6(_ pointer: UnsafeMutablePointer<sockaddr_storage>) -> Endpoint {
    pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
      let halves = withUnsafeBytes(of: $0.pointee.sin6_addr) { bytes in
        (0..<2).map { half in
          bytes[(8 * half)..<(8 * half + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
      }
      return Endpoint(
        IPAddress(high: halves[0], low: halves[1]), UInt16(bigEndian: $0.pointee.sin6_port))
    }
  }
}
