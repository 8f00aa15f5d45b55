import API
import Dispatch
import Elements
import Net
import SIP
import Store
import Synchronization

/// Everything that a stranger can find out over the network, all listeners at once.
struct StrangerAudit {
  private let targets: [ProbeTarget]
  private let who: AuditTargetReport
  private let http: [Endpoint]
  /// These are all that the server has, or may be expected to have.
  private let isWhole: Bool

  /// Listeners that are asked at the same time.
  private static let mostAtOnce = 16

  init(_ targets: [ProbeTarget], _ who: AuditTargetReport, http: [Endpoint], isWhole: Bool) {
    (self.targets, self.who, self.http, self.isWhole) = (targets, who, http, isWhole)
  }

  func findings() -> [AuditFinding] {
    // One wrong password is enough to see how it is answered; as many as there are listeners would close the user.
    let guessed = targets.firstIndex { $0.listener.transport == .udp } ?? 0
    let found = Mutex<[Int: SIPProbe.Outcome]>([:])
    // Each waits for most of its time: as many threads as processors would make the dead ones wait for each other.
    let (turns, group) = (DispatchSemaphore(value: Self.mostAtOnce), DispatchGroup())
    for (index, target) in targets.enumerated() {
      turns.wait()
      group.enter()
      let who = who
      ServiceThread.start("audit \(index)") {
        let outcome = Self.examine(target, who, triesPasswords: index == guessed)
        found.withLock { $0[index] = outcome }
        turns.signal()
        group.leave()
      }
    }
    group.wait()
    let outcomes = found.withLock { found in targets.indices.map { found[$0] ?? .init() } }
    return outcomes.flatMap(\.findings) + nobody(outcomes) + http.flatMap(PageProbe.findings)
      + withoutTLS(outcomes)
  }

  private static func examine(
    _ target: ProbeTarget, _ who: AuditTargetReport, triesPasswords: Bool
  ) -> SIPProbe.Outcome {
    var outcome = SIPProbe.examine(target, who, triesPasswords: triesPasswords)
    guard target.listener.transport.isSecret else { return outcome }
    let tls = TLSProbe(target, domains: who.domains, at: Clocks.wall()).examine()
    outcome.findings += tls.findings
    outcome.speaksTLS = tls.isThere
    return outcome
  }

  /// Of guesses each may be wrong; all of them may not.
  private func nobody(_ outcomes: [SIPProbe.Outcome]) -> [AuditFinding] {
    guard !targets.isEmpty, targets.allSatisfy(\.isGuess),
      !outcomes.contains(where: \.hasAnswered)
    else { return [] }
    return [AuditFinding(.silent, at: .platform, "Nothing there answers SIP.")]
  }

  /// A listener that was only guessed counts where it answers.
  private func withoutTLS(_ outcomes: [SIPProbe.Outcome]) -> [AuditFinding] {
    let isThere = zip(targets, outcomes).contains { target, outcome in
      target.listener.transport.isSecret && (!target.isGuess || outcome.speaksTLS)
    }
    // Of who is not there nobody knows what he lacks.
    let isKnown = targets.contains { !$0.isGuess } || outcomes.contains(where: \.hasAnswered)
    return targets.isEmpty || !isWhole || !isKnown || isThere
      ? [] : [AuditFinding(.noTLS, at: .platform, "Nothing listens for SIP over TLS.")]
  }
}
