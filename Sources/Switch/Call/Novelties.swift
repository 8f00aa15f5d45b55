package import Elements
package import Numbering

/// Something that an account did for the first time; kept, so that a restart neither tells it again nor
/// forgets it.
package enum Novelty: Hashable, Sendable {
  /// It called a country, or numbers of no country.
  case country(AccountID, Region)
  /// Its phone called from that network.
  case network(AccountID, IPAddress)
}

/// Where each account calls to and from, as far as money is concerned.
///
/// Whoever steals a password calls from elsewhere to elsewhere: the first such call is told (guard rule 14).
/// Both lists are bounded; the oldest entry makes room, and would be told again.
struct Novelties: Sendable {
  static let countriesKept = 64
  static let networksKept = 16

  private struct Known: Sendable {
    var countries: [Region] = []
    var networks: [IPAddress] = []
  }

  private var known: [AccountID: Known] = [:]

  func knows(_ novelty: Novelty) -> Bool {
    switch novelty {
    case .country(let account, let region): known[account]?.countries.contains(region) ?? false
    case .network(let account, let network): known[account]?.networks.contains(network) ?? false
    }
  }

  /// Whether an account has called for money from anywhere: its first network is no news.
  func hasNetwork(_ account: AccountID) -> Bool { known[account]?.networks.isEmpty == false }

  mutating func take(_ novelty: Novelty) {
    switch novelty {
    case .country(let account, let region):
      Self.append(region, to: &known[account, default: Known()].countries, Self.countriesKept)
    case .network(let account, let network):
      Self.append(network, to: &known[account, default: Known()].networks, Self.networksKept)
    }
  }

  private static func append<Value: Equatable>(
    _ value: Value, to list: inout [Value], _ bound: Int
  ) {
    guard !list.contains(value) else { return }
    if list.count >= bound { list.removeFirst() }
    list.append(value)
  }

  /// Forgets accounts that are no more.
  mutating func retain(_ isThere: (AccountID) -> Bool) {
    known = known.filter { isThere($0.key) }
  }

  /// Everything, oldest first within each account.
  func checkpoint() -> [Novelty] {
    known.keys.sorted().flatMap { account -> [Novelty] in
      guard let known = known[account] else { return [] }
      return known.countries.map { .country(account, $0) }
        + known.networks.map { .network(account, $0) }
    }
  }
}

extension Novelty {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .country(let account, let region):
      writer.write(UInt8(1))
      writer.write(account)
      writer.write(region.code)
    case .network(let account, let network):
      writer.write(UInt8(2))
      writer.write(account)
      writer.write(network.high)
      writer.write(network.low)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    case 1: self = .country(try reader.readID(), Region(code: try reader.read()))
    case 2:
      self = .network(
        try reader.readID(), IPAddress(high: try reader.read(), low: try reader.read()))
    case _: throw ByteCodingError(expected: "a novelty", offset: start)
    }
  }
}

extension IPAddress {
  /// The network that one customer's addresses change within: 24 bits of IPv4, 48 of IPv6 (RFC 6177).
  var network: IPAddress {
    v4.map { IPAddress(v4: $0 & 0xFFFF_FF00) } ?? IPAddress(high: high & ~0xFFFF, low: 0)
  }

  /// "203.0.113.0/24".
  var networkText: String { "\(network)/\(isV4 ? 24 : 48)" }
}
