import ConfigurationFiles
package import Elements
import Foundation
import Glibc
package import Net
import SIP

/// A server elsewhere, as somebody names it: a host, with its transport and port where those are not the usual ones.
package struct RemoteServer {
  /// The host where it is a name.
  package let name: String?
  package let listeners: [ListenAddress]
  /// Nobody named a transport: what does not listen there is not missed.
  package let isGuess: Bool
  /// Where its pages of monitoring would be, were they open.
  package let http: [Endpoint]

  private static let monitoringPort: UInt16 = 9090
  private static let mostAddresses = 4
  private static let form =
    "Write sip.example.com, 192.0.2.1:5060, tls:[2001:db8::1]:5061 or wss:sip.example.com."

  /// Reads "[TRANSPORT:]HOST[:PORT]", and looks the name up.
  package init(_ text: String) throws {
    let transport = Transport.allCases.first { text.lowercased().hasPrefix("\($0):") }
    let place = transport.map { String(text.dropFirst("\($0):".count)) } ?? text
    let (host, port) = try Self.parts(place, of: text)
    let known = IPAddress(host)
    let addresses = known.map { [$0] } ?? Self.addresses(of: host)
    guard !addresses.isEmpty else {
      throw ConfigurationError(
        field: "target", problem: "the name \"\(host)\" leads nowhere",
        wayOut: "Check the spelling, or write an address.")
    }
    name = known == nil ? host.lowercased() : nil
    isGuess = transport == nil
    listeners = addresses.prefix(Self.mostAddresses).flatMap { address in
      Self.listeners(address, transport, port)
    }
    http = addresses.prefix(Self.mostAddresses).map { Endpoint($0, Self.monitoringPort) }
  }

  /// Without a transport UDP and TCP, and TLS on the next port, as in our own settings; whoever names the port of TLS means it.
  private static func listeners(
    _ address: IPAddress, _ transport: Transport?, _ port: UInt16?
  ) -> [ListenAddress] {
    if let transport {
      return [ListenAddress(transport, Endpoint(address, port ?? transport.defaultPort))]
    }
    let secure = Transport.tls.defaultPort
    let clear = port.map { $0 == secure ? secure - 1 : $0 } ?? Transport.udp.defaultPort
    return [
      ListenAddress(.udp, Endpoint(address, clear)), ListenAddress(.tcp, Endpoint(address, clear)),
      ListenAddress(.tls, Endpoint(address, clear + 1)),
    ]
  }

  private static func parts(_ place: String, of text: String) throws -> (String, UInt16?) {
    let pieces = place.split(separator: ":", omittingEmptySubsequences: false)
    guard IPAddress(place) == nil, pieces.count > 1, !place.hasSuffix("]") else {
      guard !place.isEmpty else { throw wrong(text) }
      return (place, nil)
    }
    let host = pieces.dropLast().joined(separator: ":")
    guard let port = pieces.last.flatMap({ UInt16($0) }), port > 0, port < .max, !host.isEmpty
    else {
      throw wrong(text)
    }
    return (host, port)
  }

  private static func wrong(_ text: String) -> ConfigurationError {
    ConfigurationError(
      field: "target", problem: "\"\(text)\" is not HOST, HOST:PORT or TRANSPORT:HOST:PORT",
      wayOut: form)
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
