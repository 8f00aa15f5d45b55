package import Elements

/// How far a reporter is believed.
package enum Trust: String, Hashable, Sendable, CaseIterable {
  /// A node of our own: what it lists is banned here.
  case node
  /// Another operator, whose listings ban.
  case ban
  /// Another operator, whose listings ban as soon as others list the same.
  case watch

  /// How many networks it may list, at once after a pause and in an hour.
  var rate: Rate {
    switch self {
    case .node: Rate(every: .milliseconds(720), burst: 5_000)
    case .ban, .watch: Rate(every: .milliseconds(7_200), burst: 500)
    }
  }

  /// How many of its listings may hold at a time.
  var total: Int {
    switch self {
    case .node: 20_000
    case .ban, .watch: 5_000
    }
  }

  var bans: Bool {
    switch self {
    case .node, .ban: true
    case .watch: false
    }
  }
}

/// What is taken of others' lists.
package struct SharingRules: Hashable, Sendable {
  /// A wider network is not taken, 24 bits of IPv4 and 48 of IPv6 at the widest.
  package var widestV4 = 24
  package var widestV6 = 48
  /// How far a reporter's clock may stand ahead of ours.
  package var skew: Duration = .seconds(120)
  /// Nobody is listed for longer, counted from the entry.
  package var longest: Duration = .seconds(604_800)
  /// So many reporters who only watch ban together.
  package var corroboration = 2
  /// Never taken, nor any network that overlaps it.
  package var never: [IPNetwork] = []
  /// Networks out of files at a time.
  package var imported = 50_000

  package init() {}

  /// What no list can be about: private, loopback, link-local, shared (RFC 6598), multicast and reserved addresses
  /// (RFC 6890), of either family.
  package static let unlistable: [IPNetwork] =
    [
      "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
      "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/8",
      "64:ff9b::/32", "fc00::/7", "fe80::/10", "ff00::/8",
    ].compactMap { IPNetwork($0) }

  /// What keeps a network off the list; nil: nothing does.
  func obstacle(to network: IPNetwork) -> IPNetwork? {
    Self.unlistable.first { $0.overlaps(network) } ?? never.first { $0.overlaps(network) }
  }

  func isTooWide(_ network: IPNetwork) -> Bool {
    network.length < (network.address.isV4 ? max(24, widestV4) : max(48, widestV6))
  }
}
