package import API
import Elements

/// How other firewalls want to be told of bans.
package enum BanFormat: String, CaseIterable, Sendable {
  /// A network a line.
  case plain
  /// For `nft -f`: sets `banned4` and `banned6` in a table of their own.
  case nft
  /// For `ipset restore`: sets `martinet4` and `martinet6`.
  case ipset
  case csv

  package func text(_ rows: [BarredReport]) -> String {
    let networks = rows.compactMap { IPNetwork($0.network) }
    let four = Self.outermost(networks.filter(\.address.isV4))
    let six = Self.outermost(networks.filter { !$0.address.isV4 })
    switch self {
    case .plain: return networks.map { "\($0)\n" }.joined()
    case .csv:
      return "network,until\n" + rows.map { "\($0.network),\($0.until ?? "")\n" }.joined()
    case .nft:
      return """
        table inet martinet_bans {
          set banned4 { type ipv4_addr; flags interval; }
          set banned6 { type ipv6_addr; flags interval; }
        }
        flush set inet martinet_bans banned4
        flush set inet martinet_bans banned6

        """ + Self.elements("banned4", four) + Self.elements("banned6", six)
    case .ipset:
      return Self.set("martinet4", "inet", four) + Self.set("martinet6", "inet6", six)
    }
  }

  /// Without those that lie within others: an interval may be in a set of nftables once.
  private static func outermost(_ networks: [IPNetwork]) -> [IPNetwork] {
    var kept: [IPNetwork] = []
    // A network sorts directly before what is within it.
    for network in networks.sorted() where !(kept.last?.contains(network) ?? false) {
      kept.append(network)
    }
    return kept
  }

  private static func elements(_ set: String, _ networks: [IPNetwork]) -> String {
    guard !networks.isEmpty else { return "" }
    return "add element inet martinet_bans \(set) { "
      + networks.map { "\($0)" }.joined(separator: ", ") + " }\n"
  }

  private static func set(_ name: String, _ family: String, _ networks: [IPNetwork]) -> String {
    "create \(name) hash:net family \(family) maxelem 262144 -exist\nflush \(name)\n"
      + networks.map { "add \(name) \($0) -exist\n" }.joined()
  }
}
