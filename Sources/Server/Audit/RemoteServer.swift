import ConfigurationFiles
package import Elements
import Foundation
import Glibc
package import Net
import SIP

/// A server elsewhere, as somebody names it: a host, with its port for SIP where that is not 5060.
package struct RemoteServer {
  /// The host where it is a name.
  package let name: String?
  package let listeners: [ListenAddress]
  package let http: Endpoint

  private static let (usualPort, monitoringPort): (UInt16, UInt16) = (5060, 9090)
  private static let mostAddresses = 4

  /// Looks the name up.
  package init(_ text: String) throws {
    let address = IPAddress(text)
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let hasPort = address == nil && parts.count > 1 && !text.hasSuffix("]")
    let port = hasPort ? parts.last.flatMap { UInt16($0) } : Self.usualPort
    let host = hasPort ? parts.dropLast().joined(separator: ":") : text
    guard let port, port > 0, port < .max else {
      throw ConfigurationError(
        field: "target", problem: "\"\(text)\" is not HOST or HOST:PORT",
        wayOut: "Write sip.example.com, 192.0.2.1:5060 or [2001:db8::1]:5060.")
    }
    let known = IPAddress(host)
    let addresses = known.map { [$0] } ?? Self.addresses(of: host)
    guard let first = addresses.first else {
      throw ConfigurationError(
        field: "target", problem: "the name \"\(host)\" leads nowhere",
        wayOut: "Check the spelling, or write an address.")
    }
    name = known == nil ? host.lowercased() : nil
    listeners = addresses.prefix(Self.mostAddresses).flatMap { address in
      [
        ListenAddress(.udp, Endpoint(address, port)), ListenAddress(.tcp, Endpoint(address, port)),
        ListenAddress(.tls, Endpoint(address, port + 1)),
      ]
    }
    http = Endpoint(first, Self.monitoringPort)
  }

  private static func addresses(of host: String) -> [IPAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var next = list
    while let entry = next {
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let isNamed =
        getnameinfo(
          entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
          NI_NUMERICHOST) == 0
      let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      if isNamed, let address = IPAddress(String(decoding: bytes, as: UTF8.self)),
        !addresses.contains(address)
      {
        addresses.append(address)
      }
      next = entry.pointee.ai_next
    }
    return addresses
  }
}
