package import Elements
import Glibc

/// What the world refused us: sockets, ports, certificates, the resolver.
package enum NetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A listening port could not be had.
  case bind(ListenAddress, errno: Int32)
  /// A relay port could not be had.
  case open(Endpoint, errno: Int32)
  /// A system call that normally succeeds did not.
  case system(call: String, errno: Int32)
  /// TLS material is missing, unreadable or not what it should be.
  case certificate(path: String, reason: String, wayOut: String)
  /// Of certificate and key one is there without the other.
  case halfPair(missing: String, present: String)
  /// A TCP or TLS listener could not be started.
  case listen(ListenAddress, reason: String)
  /// A setting that cannot work.
  case configuration(String)

  package var description: String {
    switch self {
    case .bind(let address, let errno):
      "Cannot listen on \(address): \(text(of: errno)). \(wayOut(address, errno))"
    case .open(let endpoint, let errno):
      "Cannot open the media port \(endpoint): \(text(of: errno))."
    case .system(let call, let errno):
      "\(call) failed: \(text(of: errno))."
    case .certificate(let path, let reason, let wayOut):
      "TLS material at \(path): \(reason). \(wayOut)."
    case .halfPair(let missing, let present):
      """
      \(missing) is missing, and \(present) is there. Put the missing one back, or take the other one away \
      as well.
      """
    case .listen(let address, let reason):
      "Cannot listen on \(address): \(reason). Free the port or choose another with --sip."
    case .configuration(let reason):
      reason
    }
  }

  private func text(of errno: Int32) -> String { String(cString: strerror(errno)) }

  private func wayOut(_ address: ListenAddress, _ errno: Int32) -> String {
    switch errno {
    case EADDRINUSE:
      """
      Another program has it (`ss -ulpn 'sport = :\(address.endpoint.port)'` names it): \
      stop that, or choose another port with --sip.
      """
    case EADDRNOTAVAIL:
      "This machine has no such address: `ip address` lists those it has."
    case EACCES, EPERM:
      "Ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one with --sip."
    case EAFNOSUPPORT:
      "This machine has no IPv6: leave that address out."
    case _:
      "Check the address given with --sip."
    }
  }
}
