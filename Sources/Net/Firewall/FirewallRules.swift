package import Elements
import SIP

/// The words for `nft`: a table of our own with timed sets, so that a banned packet costs the kernel one look.
///
/// ```
/// arrivals ──a port of ours, IPv4──▶ strangers_v4 ──in a set──▶ dropped
///     │   └──a port of ours, IPv6──▶ strangers_v6 ──in a set──▶ dropped
///     └──else──▶ accepted: media costs no look into a set
/// ```
/// Sets of intervals take no networks that overlap and are slow to fill, so each length that bans have gets a set of
/// first addresses, which the rule masks what it looks up for. Orders of a person may have any length: they share two
/// sets of intervals.
package struct FirewallRules: Sendable {
  /// Of a banned network, what is to be done.
  package enum Order: Hashable, Sendable {
    /// Seconds, 1 and more; nil: until it is taken out.
    case bar(IPNetwork, seconds: Int64?)
    case unbar(IPNetwork)

    var isBar: Bool { if case .bar = self { true } else { false } }

    var network: IPNetwork {
      switch self {
      case .bar(let network, _), .unbar(let network): network
      }
    }
  }

  /// One set and the rule that looks into it.
  private struct Shelf {
    let name: String
    let type: String
    let flags: String
    /// What is looked up.
    let source: String

    init(of length: Int, isV4: Bool) {
      name = "banned_\(isV4 ? "v4" : "v6")_\(length)"
      (type, flags) = (isV4 ? "ipv4_addr" : "ipv6_addr", "timeout")
      let widest = isV4 ? IPAddress(v4: .max) : IPAddress(high: .max, low: .max)
      let mask = IPNetwork(widest, length: length).address
      source = "\(isV4 ? "ip" : "ip6") saddr" + (length == (isV4 ? 32 : 128) ? "" : " & \(mask)")
    }

    init(ofIntervals isV4: Bool) {
      name = "banned_\(isV4 ? "v4" : "v6")_others"
      (type, flags) = (isV4 ? "ipv4_addr" : "ipv6_addr", "interval, timeout")
      source = "\(isV4 ? "ip" : "ip6") saddr"
    }
  }

  /// Networks that one set takes.
  ///
  /// More than the switch bars, itself and for what others list: a full set refuses even pardons.
  private static let room = 262_144
  private static let lengths4 = [32, 24]
  private static let lengths6 = [64, 56, 48]

  private static func shelves(isV4: Bool) -> [Shelf] {
    (isV4 ? lengths4 : lengths6).map { Shelf(of: $0, isV4: isV4) } + [Shelf(ofIntervals: isV4)]
  }

  /// Its name, without the family.
  package let tableName: String
  private var table: String { "inet \(tableName)" }
  private let ports: [ListenAddress]

  /// - Parameter ports: Only what comes for them is dropped: nobody bans himself from a machine.
  package init(ports: [ListenAddress]) {
    self.ports = ports
    // Two servers of one machine do not share a table, and a WebSocket that is added does not change its name.
    let named = ports.filter { !$0.transport.isWebSocket }
    tableName = "martinet_\((named.isEmpty ? ports : named).map(\.endpoint.port).min() ?? 0)"
  }

  /// The empty table, whatever was there before.
  package var beginning: String {
    var lines = [removal, "add table \(table)"]
    for isV4 in [true, false] {
      let chain = strangers(isV4: isV4)
      lines.append("add chain \(chain)")
      for shelf in Self.shelves(isV4: isV4) {
        lines += [
          "add set \(table) \(shelf.name) { type \(shelf.type); flags \(shelf.flags); size \(Self.room); }",
          "add rule \(chain) \(shelf.source) @\(shelf.name) counter drop",
        ]
      }
    }
    lines.append(
      "add chain \(table) arrivals { type filter hook input priority -10; policy accept; }")
    for (transport, ports) in [
      ("udp", numbers(of: .udp)), ("tcp", numbers(of: .tcp, .tls, .ws, .wss)),
    ]
    where !ports.isEmpty {
      for (family, isV4) in [("ipv4", true), ("ipv6", false)] {
        lines.append(
          "add rule \(table) arrivals \(transport) dport { \(ports) } meta nfproto \(family) jump \(chainName(isV4: isV4))"
        )
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func chainName(isV4: Bool) -> String { "strangers_\(isV4 ? "v4" : "v6")" }
  private func strangers(isV4: Bool) -> String { "\(table) \(chainName(isV4: isV4))" }

  /// Taken where the table is there, whatever it holds, and refused where somebody has taken it away.
  package var probe: String { "add chain \(table) arrivals\n" }

  /// Takes the table away, whether it is there or not.
  package var removal: String { "add table \(table)\ndelete table \(table)" }

  package func commands(_ orders: [Order]) -> String {
    orders.map { order in
      switch order {
      case .bar(let network, let seconds):
        // Taken out first, since the time of what is there does not change by being added again.
        let (shelf, element) = element(of: network)
        let time = seconds.map { " timeout \(max(1, $0))s" } ?? ""
        return removal(shelf, element) + "add element \(table) \(shelf) { \(element)\(time) }\n"
      case .unbar(let network):
        let (shelf, element) = element(of: network)
        return removal(shelf, element)
      }
    }.joined()
  }

  /// Put in for a second, since taking out what is not there is an error.
  private func removal(_ shelf: String, _ element: String) -> String {
    """
    add element \(table) \(shelf) { \(element) timeout 1s }
    delete element \(table) \(shelf) { \(element) }

    """
  }

  private func numbers(of transports: Transport...) -> String {
    Set(ports.filter { transports.contains($0.transport) }.map(\.endpoint.port)).sorted()
      .map(String.init).joined(separator: ", ")
  }

  private func element(of network: IPNetwork) -> (shelf: String, text: String) {
    let isV4 = network.address.isV4
    guard (isV4 ? Self.lengths4 : Self.lengths6).contains(network.length) else {
      return (Shelf(ofIntervals: isV4).name, "\(network)")
    }
    return (Shelf(of: network.length, isV4: isV4).name, "\(network.address)")
  }
}
