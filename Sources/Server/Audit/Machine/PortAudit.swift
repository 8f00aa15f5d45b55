package import Elements
package import Net
import SIP

/// What listens on this machine beside the telephone system, and is not for the machine itself alone.
package struct PortAudit {
  /// What the telephone system itself has.
  package struct Own {
    package let process: Int32?
    package let listeners: [ListenAddress]
    package let http: Endpoint?
    package let rtp: ClosedRange<UInt16>

    package init(
      process: Int32?, listeners: [ListenAddress], http: Endpoint?, rtp: ClosedRange<UInt16>
    ) {
      (self.process, self.listeners, self.http, self.rtp) = (process, listeners, http, rtp)
    }

    func has(_ port: OpenPort, _ owner: PortOwners.Owner?) -> Bool {
      if let owner, let process { return owner.process == process }
      // Of another user nobody sees the processes.
      switch port.kind {
      case .tcp:
        return port.endpoint == http
          || listeners.contains { $0.transport != .udp && $0.endpoint == port.endpoint }
      case .udp:
        return rtp.contains(port.endpoint.port)
          || listeners.contains { $0.transport == .udp && $0.endpoint == port.endpoint }
      }
    }
  }

  private let ports: [OpenPort]
  private let owners: PortOwners
  private let own: Own
  /// Ports that the kernel gives to who asks for none: of UDP nobody is served there.
  private let passing: ClosedRange<UInt16>
  /// Nil: nobody knows.
  private let sshTakesPasswords: Bool?
  private let filter: FilterJudge?

  /// `filter` are the kernel's rules, where they could be seen: what they close to strangers is not reached by them.
  package init(
    _ ports: [OpenPort], _ owners: PortOwners, own: Own, passing: ClosedRange<UInt16>,
    sshTakesPasswords: Bool?, filter: FilterRules? = nil
  ) {
    (self.ports, self.owners, self.own) = (ports, owners, own)
    (self.passing, self.sshTakesPasswords) = (passing, sshTakesPasswords)
    self.filter = filter.map { FilterJudge($0) }
  }

  /// One finding for each program, with all its addresses.
  package func findings() -> [AuditFinding] {
    var places: [Subject: [OpenPort]] = [:]
    for port in ports.sorted() {
      let owner = owners[port]
      guard !own.has(port, owner), filter?.verdict(on: port) != .closed,
        let subject = subject(of: port, owner)
      else { continue }
      places[subject, default: []].append(port)
    }
    return places.sorted { ($0.value[0], $0.key.name) < ($1.value[0], $1.key.name) }
      .map { subject, ports in
        let addresses = ports.map(\.description).joined(separator: ", ")
        let what =
          subject.rule == .unseenSSH
          ? "Whether \(subject.name) takes passwords was not seen"
          : "\(subject.name) can be reached"
        return AuditFinding(subject.rule, at: .address(addresses), "\(what) at \(addresses).")
      }
  }

  private struct Subject: Hashable {
    let rule: AuditRule
    let name: String
  }

  private func subject(of port: OpenPort, _ owner: PortOwners.Owner?) -> Subject? {
    if KnownService.isSSH(port, owner) {
      guard let sshTakesPasswords else {
        return Subject(rule: .unseenSSH, name: "the SSH server")
      }
      return sshTakesPasswords
        ? Subject(rule: .sshPasswords, name: "An SSH server that takes passwords") : nil
    }
    if let known = KnownService.of(port, owner) {
      return Subject(rule: known.rule, name: known.name)
    }
    if port.kind == .udp, passing.contains(port.endpoint.port) { return nil }
    let name = owner.map { "The program \($0.program)" } ?? "A program of another user"
    return Subject(rule: .otherPort, name: "\(name) (port \(port.endpoint.port))")
  }
}
