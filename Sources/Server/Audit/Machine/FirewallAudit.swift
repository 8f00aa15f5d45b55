package import Foundation
import Glibc

/// Whether the kernel filters what comes in, for both families alike.
package struct FirewallAudit {
  /// The rules as `nft -j -t list ruleset` prints them.
  private struct Ruleset: Decodable {
    let nftables: [Item]

    struct Item: Decodable {
      let chain: Chain?
      let rule: Rule?
    }

    struct Chain: Decodable {
      let family: String
      let table: String
      let hook: String?
      let policy: String?
    }

    struct Rule: Decodable {
      let family: String
      let table: String
      let expr: [[String: Ignored]]

      var closes: Bool { expr.contains { $0["drop"] != nil || $0["reject"] != nil } }
    }

    struct Ignored: Decodable {
      init(from decoder: any Decoder) {}
    }
  }

  private let rules: Ruleset
  /// The table of the server's own bans, "martinet_5060"; nil where it is not to have one.
  private let own: String?
  private let hasV6: Bool
  private static let ownPrefix = "martinet_"

  /// Nil for text that is no list of rules.
  package init?(_ json: Data, own: String?, hasV6: Bool) {
    guard let rules = try? JSONDecoder().decode(Ruleset.self, from: json) else { return nil }
    (self.rules, self.own, self.hasV6) = (rules, own, hasV6)
  }

  package func findings() -> [AuditFinding] {
    let (v4, v6) = (filters(["ip", "inet"]), filters(["ip6", "inet"]))
    var findings: [AuditFinding] = []
    if !v4, !v6 {
      findings.append(
        AuditFinding(.noFirewall, at: .platform, "The kernel filters nothing of what comes in."))
    } else if v4, !v6, hasV6 {
      findings.append(
        AuditFinding(.openV6, at: .platform, "The kernel filters IPv4, and nothing of IPv6."))
    }
    if let own, !rules.nftables.contains(where: { $0.chain?.table == own }) {
      findings.append(
        AuditFinding(.kernelBans, at: .platform, "There is no table \(own) with the server's bans.")
      )
    }
    return findings
  }

  /// Whether a table of these families, not one of ours, closes anything on the way in.
  private func filters(_ families: Set<String>) -> Bool {
    let chains = rules.nftables.compactMap(\.chain).filter { chain in
      families.contains(chain.family) && ["input", "prerouting"].contains(chain.hook)
        && !chain.table.hasPrefix(Self.ownPrefix)
    }
    return chains.contains { chain in
      chain.policy == "drop"
        || rules.nftables.compactMap(\.rule).contains {
          $0.family == chain.family && $0.table == chain.table && $0.closes
        }
    }
  }

  /// The rules in force; nil where this user may not see them, or another tool keeps them.
  static func rulesInForce() -> Data? {
    let program = "/usr/sbin/nft"
    guard access(program, X_OK) == 0 else {
      let old = try? String(contentsOfFile: "/proc/net/ip_tables_names", encoding: .utf8)
      return old?.isEmpty == false ? nil : Data(#"{"nftables":[]}"#.utf8)
    }
    guard let pipe = popen("\(program) -j -t list ruleset 2>/dev/null", "re") else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < longest {
      let count = fread(&buffer, 1, buffer.count, pipe)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return pclose(pipe) == 0 ? Data(bytes) : nil
  }

  /// Sets of bans make it long.
  private static let longest = 64 << 20
}
