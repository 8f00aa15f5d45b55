import Directory
import Elements

// From where phones, carriers and guessers may come.

extension ConfigurationAudit {
  func origins() -> [AuditFinding] {
    directory.tenants.flatMap(phones) + directory.trunks.flatMap(carriers)
      + directory.neverBanned.filter(\.isWide).map { network in
        AuditFinding(
          .neverBan, at: .platform, "never_ban holds \(network): nobody there is banned.")
      }
  }

  private func phones(of tenant: Tenant) -> [AuditFinding] {
    let open = payers(of: tenant).filter { line in
      line.devices.contains { directory.device($0)?.sources.letsInAnybody ?? false }
    }
    return finding(.anywhere, open, of: tenant) { group in
      "\(group.subject) may sign in from any address."
    }
  }

  private func carriers(_ trunk: Trunk) -> [AuditFinding] {
    // A certificate proves it, wherever it comes from.
    guard trunk.clientCertificate == nil else { return [] }
    var findings: [AuditFinding] = []
    if trunk.address.ip == nil, !trunk.isRestricted, trunk.registration == nil {
      findings.append(
        AuditFinding(
          .trunkByName, at: .trunk(trunk.name),
          "Calls of trunk \(trunk.name) are known only by what \(trunk.address.host) resolves to."))
    }
    for network in trunk.sources where network.isWide {
      findings.append(
        AuditFinding(
          .trunkWide, at: .trunk(trunk.name),
          "Calls from anywhere in \(network) count as those of trunk \(trunk.name)."))
    }
    return findings
  }
}

extension SourceRule {
  /// Everywhere, or so much of the internet that it is no matter.
  fileprivate var letsInAnybody: Bool {
    isAnywhere || networks.contains { $0.isWide && $0.length < ($0.address.isV4 ? 8 : 16) }
  }
}

extension IPNetwork {
  /// Networks that nobody on the internet can send from (RFC 1918, RFC 6598, RFC 4193 and those of one link).
  private static let closed = [
    IPNetwork(IPAddress(v4: 0x0A00_0000), length: 8),
    IPNetwork(IPAddress(v4: 0xAC10_0000), length: 12),
    IPNetwork(IPAddress(v4: 0xC0A8_0000), length: 16),
    IPNetwork(IPAddress(v4: 0x6440_0000), length: 10),
    IPNetwork(IPAddress(v4: 0x7F00_0000), length: 8),
    IPNetwork(IPAddress(v4: 0xA9FE_0000), length: 16),
    IPNetwork(IPAddress(high: 0xFC00 << 48, low: 0), length: 7),
    IPNetwork(IPAddress(high: 0xFE80 << 48, low: 0), length: 10),
  ]
  /// The largest networks that are not wide: 4096 addresses, or sixteen sites of IPv6.
  private static let (shortest4, shortest6) = (20, 44)

  /// Larger than what one company has, and open to the internet.
  var isWide: Bool {
    length < (address.isV4 ? Self.shortest4 : Self.shortest6)
      && !Self.closed.contains { $0.contains(self) }
  }
}
