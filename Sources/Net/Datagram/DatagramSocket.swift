import CLinuxSockets
package import Elements
import Glibc
package import Guard

/// A bound datagram socket; closed when it is let go of.
package final class DatagramSocket {
  package struct Options: Sendable {
    /// Room for datagrams that wait while the lane is busy; about 700 bytes each for SIP.
    package var receiveBufferBytes = 0
    package var sendBufferBytes = 0
    /// Tell the local address of each datagram, which a wildcard socket needs to answer from it.
    package var tellsLocalAddress = false
    /// Keep ICMP errors for ``nextError()``.
    package var keepsErrors = false
    /// Differentiated services code point: 46 for media, 24 for signalling (RFC 4594).
    package var codePoint: Int32 = 0

    package init() {}

    /// For a socket that many peers send SIP to.
    package static var signalling: Options {
      var options = Options()
      (options.receiveBufferBytes, options.sendBufferBytes) = (8 << 20, 4 << 20)
      (options.tellsLocalAddress, options.keepsErrors, options.codePoint) = (true, true, 24)
      return options
    }

    /// For one stream of RTP: holds a key frame of video that comes at once, 400 packets of 1,200 bytes,
    /// where the kernel allows it (net.core.rmem_max).
    package static var media: Options {
      var options = Options()
      (options.receiveBufferBytes, options.codePoint) = (512 << 10, 46)
      return options
    }
  }

  package let descriptor: Int32
  /// Where it is bound; the address may be the wildcard.
  package let local: Endpoint

  /// - Throws: An errno, so that the caller can say what the port was for.
  package init(bindingTo wanted: Endpoint, _ options: Options) throws(SystemError) {
    var kernelOptions = cls_udp_options(
      receive_buffer_bytes: Int32(options.receiveBufferBytes),
      send_buffer_bytes: Int32(options.sendBufferBytes),
      packet_info: options.tellsLocalAddress, receive_errors: options.keepsErrors,
      dscp: options.codePoint)
    var (asked, bound) = (wanted.kernel, cls_endpoint.none)
    descriptor = cls_udp_open(&asked, &kernelOptions, &bound)
    guard descriptor >= 0 else { throw SystemError(errno: -descriptor) }
    local = Endpoint(bound)
  }

  deinit { close(descriptor) }

  /// The only peer the kernel lets through, if any; see ``connect(to:)``.
  package private(set) var peer: Endpoint?

  /// Lets the kernel drop everybody else's datagrams and keep the way to this peer; nil: undoes it.
  ///
  /// Where the kernel refuses, the socket stays as it is.
  package func connect(to remote: Endpoint?) {
    let result =
      if var kernel = remote?.kernel {
        cls_udp_connect(descriptor, &kernel)
      } else {
        cls_udp_connect(descriptor, nil)
      }
    if result == 0 { peer = remote }
  }

  /// Has the kernel drop what this program does not let pass; empty: nothing.
  ///
  /// Returns 0 or an errno; then everything passes, as without one.
  package func sift(_ program: [SieveStep]) -> Int32 {
    let steps = program.map {
      cls_filter_step(code: $0.code, yes: $0.yes, no: $0.no, value: $0.value)
    }
    // The kernel counts the old program with the new one until that is in its place, and has little room (net.core.optmem_max).
    _ = cls_udp_filter(descriptor, [], 0)
    return steps.isEmpty ? 0 : -cls_udp_filter(descriptor, steps, steps.count)
  }

  /// How many datagrams the kernel has dropped, by ``sift(_:)`` or because too many waited; wraps around.
  package var dropped: UInt32 { cls_udp_dropped(descriptor) }

  /// Sends one datagram now.
  ///
  /// Returns 0 or an errno.
  package func send(_ bytes: UnsafeRawBufferPointer, to remote: Endpoint) -> Int32 {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard remote != peer else { return -cls_send(descriptor, start, bytes.count, nil) }
    var remote = remote.kernel
    return -cls_send(descriptor, start, bytes.count, &remote)
  }

  /// An ICMP error that came for what this socket has sent, or has not: anybody can send one.
  package struct Unreachable: Hashable, Sendable {
    package let destination: Endpoint
    package let errno: Int32
    /// What it repeats of the datagram.
    package let quote: [UInt8]
  }

  /// Longest quote: an ICMP error over IPv4 repeats no more of a datagram (RFC 1812 §4.3.2.3).
  private static let longestQuote = 576

  /// One ICMP error; nil: no more.
  package func nextError() -> Unreachable? {
    var (destination, error) = (cls_endpoint.none, Int32(0))
    var isError = false
    let quote = [UInt8](unsafeUninitializedCapacity: Self.longestQuote) { buffer, count in
      isError =
        cls_receive_error(
          descriptor, &destination, &error, buffer.baseAddress, buffer.count, &count) == 1
      if !isError { count = 0 }
    }
    guard isError else { return nil }
    return Unreachable(destination: Endpoint(destination), errno: error, quote: quote)
  }
}

/// A failed system call's number.
package struct SystemError: Error, Hashable, Sendable {
  package let errno: Int32

  package init(errno: Int32) {
    self.errno = errno
  }
}
