package import Elements

/// What a user is called here: the number of his device, or, of one who does not exist, a keyed fingerprint of tenant and
/// user name.
///
/// So a password that somebody typed as his name is kept nowhere.
package enum UserSubject {}
package typealias UserKey = ID<UserSubject>

/// A user and where he comes from.
struct UserPlace: Hashable, Sendable {
  let user: UserKey
  let network: IPNetwork
}

/// Where a message comes from, as far as it can be believed.
package struct Source: Hashable, Sendable {
  package let remote: Endpoint
  /// That of a stream, whose handshake proves that the peer receives at that address; datagrams have none.
  package let connection: FlowID?

  package init(_ remote: Endpoint, connection: FlowID?) {
    (self.remote, self.connection) = (remote, connection)
  }

  package var address: IPAddress { remote.address }
  package var isStream: Bool { connection != nil }

  /// What somebody who proved himself is known by.
  ///
  /// A datagram may claim the address and port of a stream, and whoever has that port later is somebody else.
  enum Way: Hashable, Sendable {
    case datagrams(Endpoint)
    case stream(FlowID)

    /// Without a word for which of the two it is: what that would tell apart is rarely the same number.
    func hash(into hasher: inout Hasher) {
      switch self {
      case .datagrams(let remote): remote.hash(into: &hasher)
      case .stream(let connection): connection.hash(into: &hasher)
      }
    }
  }

  var way: Way { connection.map(Way.stream) ?? .datagrams(remote) }

  /// A neighbourhood, and by which of the two ways it speaks.
  struct Place: Hashable, Sendable {
    let network: IPNetwork
    let isStream: Bool
  }

  var place: Place { Place(network: Neighbourhood(of: address).network, isStream: isStream) }
}

/// The unit in which addresses are given to customers, and so the least that is judged: one IPv4 address, 64 bits of
/// IPv6 (RFC 6177).
package struct Neighbourhood: Hashable, Sendable {
  package let network: IPNetwork

  package init(of address: IPAddress) {
    network = address.isV4 ? IPNetwork(address) : IPNetwork(address, length: 64)
  }

  /// What one customer or provider can have at most of: 24 bits of IPv4, 48 bits of IPv6.
  package var wider: IPNetwork {
    IPNetwork(network.address, length: network.address.isV4 ? 24 : 48)
  }

  /// Wider networks, narrowest first: each is banned when so many of the step before are.
  var steps: [WideningStep] {
    network.address.isV4
      ? [WideningStep(network, from: 32, to: 24, limit: 16)]
      : [
        WideningStep(network, from: 64, to: 56, limit: 8),
        WideningStep(network, from: 56, to: 48, limit: 8),
      ]
  }
}

/// From banned networks of one length to the wider one that they are in.
struct WideningStep: Sendable {
  let wider: IPNetwork
  /// Bits of the networks that are counted, of 128.
  let bits: Int
  let limit: Int

  fileprivate init(_ network: IPNetwork, from narrow: Int, to wide: Int, limit: Int) {
    wider = IPNetwork(network.address, length: wide)
    bits = network.address.isV4 ? narrow + 96 : narrow
    self.limit = limit
  }
}
