package import Elements
package import SIPSyntax

/// The proxies that stay in the path of a dialog, first the one next to us (RFC 3261 §12.1).
package struct RouteSet: Hashable, Sendable {
  /// Values of Route, each a name-addr.
  package let routes: [[UInt8]]
  /// The first one routes strictly, as RFC 2543 did: it wants to be the Request-URI itself.
  private let strictURI: URI?

  package static let empty = RouteSet([])

  /// Hops that one dialog may have; a longer route set is cut, its dialog cannot work anyway.
  package static let limit = 32

  package init(_ routes: [[UInt8]]) {
    self.routes = Array(routes.prefix(Self.limit))
    let first = routes.first.flatMap { try? NameAddress(parsing: $0.span).uri }
    strictURI = first.flatMap { $0.hasParameter("lr") ? nil : $0 }
  }

  /// The route set that the Record-Route of a message gives to a UAC (`reversed`) or a UAS.
  package init(recordedIn message: Message, reversed: Bool) {
    let recorded = message.values(.recordRoute).map { Array(message[$0]) }
    self.init(reversed ? recorded.reversed() : recorded)
  }

  package var isEmpty: Bool { routes.isEmpty }

  /// Request-URI and Route values of a request to `target` (§12.2.1.1).
  package func plan(to target: URI) -> (uri: URI, routes: [[UInt8]]) {
    guard let strictURI else { return (target, routes) }
    let last = Array("<".utf8) + target.bytes + Array(">".utf8)
    return (strictURI, Array(routes.dropFirst()) + [last])
  }
}

extension Flow {
  /// Where the peer of a dialog takes connections (RFC 3261 §12.2.1.1, §18.1.1).
  ///
  /// That is its own address, with the port that its first route or its Contact names: one that it
  /// opened itself is from a port where nobody listens. Nil for datagrams and WebSockets, and where that URI names
  /// another host.
  package func listener(routes: [[UInt8]], target: URI) -> Endpoint? {
    let first = routes.first.flatMap { try? NameAddress(parsing: $0.span).uri }
    let next = first ?? target
    guard transport.isConnectable, next.host == .address(remote.address) else { return nil }
    return Endpoint(remote.address, next.port ?? transport.defaultPort)
  }
}
