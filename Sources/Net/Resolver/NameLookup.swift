package import Elements
package import SIP
package import Switch

/// Finds the servers of a name as RFC 3263 §4 asks, given somebody who asks the name servers.
package struct NameLookup {
  /// A server to try: where, how, in order.
  package struct Target: Hashable, Sendable {
    package let transport: Transport
    package let remote: Endpoint
  }

  /// Gives the records of one type, aliases followed; empty: there are none, or nobody answered.
  package typealias Records = (_ name: String, _ type: DNSMessage.RecordType) -> [DNSMessage.Data]

  private let records: Records
  /// Addresses of a host, in the order to try them.
  private let addresses: (String) -> [IPAddress]
  private let maximumTargets: Int

  /// NAPTR and SRV answers considered; more are not needed by anybody honest.
  private static let maximumServices = 16

  package init(
    maximumTargets: Int, records: @escaping Records,
    addresses: @escaping (String) -> [IPAddress]
  ) {
    self.maximumTargets = maximumTargets
    (self.records, self.addresses) = (records, addresses)
  }

  /// The servers of a name in the order to try them; empty: it leads nowhere.
  package func targets(
    of query: NameQuery, using dice: inout some RandomNumberGenerator
  ) -> [Target] {
    if let address = IPAddress(query.host) {
      let transport = query.transport ?? .udp
      return [target(transport, address, query.port)]
    }
    let host = query.host.lowercased()
    if query.port == nil {
      let found =
        if let transport = query.transport {
          services(of: host, over: transport, using: &dice)
        } else {
          servicesOfAnyTransport(of: host, using: &dice)
        }
      if !found.isEmpty { return Array(found.prefix(maximumTargets)) }
    }
    // No SRV: the name is that of a host (§4.2).
    return addresses(host).prefix(maximumTargets).map {
      target(query.transport ?? .udp, $0, query.port)
    }
  }

  private func target(_ transport: Transport, _ address: IPAddress, _ port: UInt16?) -> Target {
    Target(transport: transport, remote: Endpoint(address, port ?? transport.defaultPort))
  }

  private struct Pointer {
    let order: UInt16
    let preference: UInt16
    let transport: Transport
    let replacement: String
  }

  /// RFC 3263 §4.1: the domain says by NAPTR which transports it prefers.
  private func servicesOfAnyTransport(
    of host: String, using dice: inout some RandomNumberGenerator
  ) -> [Target] {
    var pointers: [Pointer] = []
    for case .pointer(let order, let preference, "s", let service, let name)
      in records(host, .naptr).prefix(Self.maximumServices)
    {
      guard let transport = transport(ofService: service) else { continue }
      pointers.append(
        Pointer(order: order, preference: preference, transport: transport, replacement: name))
    }
    pointers.sort { ($0.order, $0.preference) < ($1.order, $1.preference) }
    var found: [Target] = []
    for pointer in pointers {
      found += services(pointer.replacement, over: pointer.transport, using: &dice)
    }
    guard found.isEmpty else { return found }
    // §4.1: without NAPTR, SRV is asked for each transport that we speak.
    for transport in [Transport.udp, .tcp, .tls] where found.isEmpty {
      found = services(of: host, over: transport, using: &dice)
    }
    return found
  }

  private func transport(ofService service: String) -> Transport? {
    switch service {
    case "sip+d2u": .udp
    case "sip+d2t": .tcp
    case "sips+d2t": .tls
    case _: nil
    }
  }

  /// Nil for WebSockets, to which nobody connects but from a browser.
  private func name(of transport: Transport, at host: String) -> String? {
    switch transport {
    case .udp: "_sip._udp.\(host)"
    case .tcp: "_sip._tcp.\(host)"
    case .tls: "_sips._tcp.\(host)"
    case .ws, .wss: nil
    }
  }

  private func services(
    of host: String, over transport: Transport, using dice: inout some RandomNumberGenerator
  ) -> [Target] {
    name(of: transport, at: host).map { services($0, over: transport, using: &dice) } ?? []
  }

  private struct Service {
    let priority: UInt16
    let weight: UInt16
    let port: UInt16
    let target: String
  }

  private func services(
    _ name: String, over transport: Transport, using dice: inout some RandomNumberGenerator
  ) -> [Target] {
    var services: [Service] = []
    for case .service(let priority, let weight, let port, let target)
      in records(name, .srv).prefix(Self.maximumServices)
    where !target.isEmpty {  // "." says that there is decidedly no such service (RFC 2782).
      services.append(Service(priority: priority, weight: weight, port: port, target: target))
    }
    var found: [Target] = []
    for service in ordered(services, using: &dice) {
      for address in addresses(service.target) {
        found.append(Target(transport: transport, remote: Endpoint(address, service.port)))
      }
    }
    return found
  }

  /// RFC 2782: by priority, and among equals at random in proportion to their weights.
  private func ordered(
    _ services: [Service], using dice: inout some RandomNumberGenerator
  ) -> [Service] {
    // Zero weights first, so that they have a small chance of being chosen.
    var rest = services.sorted { ($0.priority, $0.weight) < ($1.priority, $1.weight) }
    var ordered: [Service] = []
    while let first = rest.first {
      let equals = rest.prefix { $0.priority == first.priority }
      let sum = equals.reduce(0) { $0 + Int($1.weight) }
      var mark = Int.random(in: 0...sum, using: &dice)
      var chosen = 0
      for (index, service) in equals.enumerated() {
        chosen = index
        mark -= Int(service.weight)
        if mark <= 0 { break }
      }
      ordered.append(rest.remove(at: chosen))
    }
    return ordered
  }
}
