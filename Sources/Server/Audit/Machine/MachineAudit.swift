import Elements
import Foundation
import Glibc
import Net

/// What of this machine beside the telephone system can be attacked: its ports, and the kernel's filter in front of them.
struct MachineAudit {
  /// What the running server listens on; empty where none runs.
  let own: [ListenAddress]
  let http: Endpoint?
  let rtp: ClosedRange<UInt16>
  /// Nil: none runs.
  let server: Int32?
  let listing: FilterListing.Outcome

  func findings() -> [AuditFinding] {
    let ports = OpenPort.reachable()
    let owners = PortOwners.look()
    let own = PortAudit.Own(process: server, listeners: own, http: http, rtp: rtp)
    var findings = PortAudit(
      ports ?? [], owners, own: own, passing: Self.passingPorts,
      sshTakesPasswords: SSHSettings.ofThisMachine()?.takesPasswords, filter: listing.rules
    ).findings()
    if ports == nil {
      findings.append(
        AuditFinding(.unseenPorts, at: .platform, "Which ports are open was not seen."))
    } else if geteuid() != 0 {
      findings.append(
        AuditFinding(
          .unseenPorts, at: .platform,
          "Which programs are behind the open ports of other users was not seen."))
    }
    return findings + firewall(listing, ports ?? [])
  }

  private func firewall(_ listing: FilterListing.Outcome, _ ports: [OpenPort]) -> [AuditFinding] {
    switch listing {
    case .rules(let rules):
      let used = ports.map { $0.endpoint.port...$0.endpoint.port } + [rtp]
      return FirewallAudit(rules, own: server == nil ? nil : ownTable, hasV6: hasV6)
        .findings(used: server == nil ? nil : used)
    case .unseen(let reason):
      var findings = [
        AuditFinding(
          .unseenFirewall, at: .platform, "The kernel's filter was not seen: \(reason).")
      ]
      if server != nil, !FilterListing.hasProgram {
        findings.append(
          AuditFinding(
            .kernelBans, at: .platform, "Without nftables the kernel has none of the server's bans."
          )
        )
      }
      return findings
    }
  }

  private var hasV6: Bool { FileManager.default.fileExists(atPath: "/proc/net/if_inet6") }

  /// The table of the server's own bans.
  private var ownTable: String? { own.isEmpty ? nil : FirewallRules(ports: own).tableName }

  /// The kernel's own range of ports (ip(7)).
  private static var passingPorts: ClosedRange<UInt16> {
    let text =
      (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)) ?? ""
    let ends = text.split(whereSeparator: \.isWhitespace).compactMap { UInt16($0) }
    return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : 32_768...60_999
  }
}
