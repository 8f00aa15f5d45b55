package import API

/// What an audit looks for; the raw values are stable and stand in docs/operator/audit.md.
package enum AuditRule: String, Hashable, Sendable, CaseIterable {
  case phonePassword = "password.phone"
  case trunkPassword = "password.trunk"
  case webhookSecret = "password.webhook"
  case mailPassword = "password.mail"
  case passwordsUntried = "password.untried"

  case unlimited = "calls.unlimited"
  case costlyOpen = "calls.costly"
  case forwardsOut = "calls.forward"
  case noLimit = "limits.none"
  case highLimit = "limits.high"
  case noTenantLimit = "limits.tenant"
  case stale = "extension.stale"

  case anywhere = "sources.anywhere"
  case trunkByName = "sources.trunk-name"
  case trunkWide = "sources.trunk-wide"
  case neverBan = "guard.never-ban"
  case kernelBans = "guard.kernel"
  case nobodyTold = "notices.nobody"

  case secretFile = "file.secret"
  case clearSecrets = "file.clear"
  case changeable = "file.changeable"
  case controlSocket = "file.control"
  case dataFolder = "file.folder"
  case foreignFile = "file.backup"
  case root = "process.root"

  case controlPort = "port.control"
  case dataPort = "port.data"
  case sshPasswords = "port.ssh-password"
  case otherPort = "port.other"
  case pages = "port.http"
  case noFirewall = "firewall.none"
  case openV6 = "firewall.ipv6"
  case hole = "firewall.hole"

  case openCall = "sip.call"
  case openRelay = "sip.relay"
  case openRegistrar = "sip.register"
  case tellsUsers = "sip.users"
  case namesItself = "sip.version"
  case amplifies = "sip.amplifies"
  case weakDigest = "sip.digest"
  case silent = "sip.silent"

  case oldTLS = "tls.version"
  case weakCipher = "tls.cipher"
  case noSecrecy = "tls.secrecy"
  case noNewTLS = "tls.modern"
  case noTLS = "tls.none"
  case certificateEnded = "certificate.ended"
  case certificateEnds = "certificate.ends"
  case certificateEarly = "certificate.early"
  case certificateOwn = "certificate.self-signed"
  case certificateName = "certificate.name"
  case certificateWeak = "certificate.weak"

  case unseenNetwork = "unseen.network"
  case unseenAnswer = "unseen.answer"
  case unseenUsers = "unseen.users"
  case unseenTLS = "unseen.tls"
  case unseenPorts = "unseen.ports"
  case unseenSSH = "unseen.ssh"
  case unseenFirewall = "unseen.firewall"
  case unseenFiles = "unseen.files"
  case unseenUse = "unseen.use"

  /// Whether it says only that something could not be seen, which might be well or ill.
  package var isUnseen: Bool { self == .passwordsUntried || rawValue.hasPrefix("unseen.") }

  package var severity: AuditFindingReport.Severity {
    switch self {
    case .phonePassword, .unlimited, .secretFile, .changeable, .controlSocket, .controlPort,
      .openCall,
      .openRelay, .openRegistrar:
      .critical
    case .trunkPassword, .noLimit, .neverBan, .dataFolder, .clearSecrets, .dataPort, .openV6,
      .tellsUsers,
      .oldTLS, .weakCipher, .certificateEnded, .certificateEarly, .certificateWeak:
      .high
    case .webhookSecret, .mailPassword, .costlyOpen, .forwardsOut, .highLimit, .stale, .trunkByName,
      .trunkWide, .nobodyTold,
      .foreignFile, .root, .sshPasswords, .pages, .namesItself, .amplifies, .weakDigest, .silent,
      .noSecrecy, .certificateEnds, .certificateOwn, .certificateName:
      .medium
    case .passwordsUntried, .noTenantLimit, .anywhere, .kernelBans, .otherPort, .noFirewall, .hole,
      .noNewTLS, .noTLS, .unseenNetwork, .unseenAnswer, .unseenUsers, .unseenTLS, .unseenPorts,
      .unseenSSH, .unseenFirewall, .unseenFiles, .unseenUse:
      .low
    }
  }
}
