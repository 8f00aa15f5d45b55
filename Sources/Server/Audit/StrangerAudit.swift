import API
import Dispatch
import Elements
import Net
import SIP
import Synchronization

/// Everything that a stranger can find out over the network, all listeners at once.
struct StrangerAudit {
  private let targets: [ProbeTarget]
  private let who: AuditTargetReport
  private let http: Endpoint?

  init(_ targets: [ProbeTarget], _ who: AuditTargetReport, http: Endpoint?) {
    (self.targets, self.who, self.http) = (targets, who, http)
  }

  func findings() -> [AuditFinding] {
    // One wrong password is enough to see how it is answered; as many as there are listeners would close the user.
    let guessed = targets.firstIndex { $0.listener.transport == .udp } ?? 0
    let found = Mutex<[Int: [AuditFinding]]>([:])
    let (targets, who) = (targets, who)
    DispatchQueue.concurrentPerform(iterations: targets.count) { index in
      let target = targets[index]
      var findings =
        target.isAsked
        ? SIPProbe.findings(target, who, triesPasswords: index == guessed) : []
      if target.listener.transport.isSecret {
        findings += TLSProbe(target, domains: who.domains, at: Clocks.wall()).findings()
      }
      found.withLock { $0[index] = findings }
    }
    return found.withLock { found in targets.indices.flatMap { found[$0] ?? [] } }
      + (http.map(PageProbe.findings) ?? []) + withoutTLS
  }

  private var withoutTLS: [AuditFinding] {
    targets.isEmpty || targets.contains { $0.listener.transport.isSecret }
      ? [] : [AuditFinding(.noTLS, at: .platform, "Nothing listens for SIP over TLS.")]
  }
}
