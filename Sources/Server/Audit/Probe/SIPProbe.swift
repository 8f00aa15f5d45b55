import API
import Elements
import Net
import SIP

/// Asks one listener what scanners ask, and looks at what it answers.
///
/// Nothing is registered, nobody rings: the numbers called are in no plan, and what would be taken is taken back. What got no
/// answer is said to be not seen, and never to be well.
package struct SIPProbe {
  /// What came of it.
  package struct Outcome: Sendable {
    package var findings: [AuditFinding] = []
    /// Whether anything was answered at all.
    package var hasAnswered = false
    package var speaksTLS = false
  }

  private let target: ProbeTarget
  private let line: StrangerLine
  private let who: AuditTargetReport
  private let domain: String

  /// Of a country code that is not given out: it rings nowhere.
  private static let nowhere = "+999120345678"
  /// A domain that can never be (RFC 2606 §2).
  private static let foreign = "elsewhere.invalid"
  /// So much more than was asked is worth a forged sender.
  private static let amplification = 3

  private init(_ target: ProbeTarget, _ line: StrangerLine, _ who: AuditTargetReport) {
    (self.target, self.line, self.who) = (target, line, who)
    domain = who.domain ?? "\(target.remote.address)"
  }

  /// What it answers wrongly; where it `triesPasswords`, to a wrong password of a user who is there and of one who is not,
  /// too.
  static func examine(
    _ target: ProbeTarget, _ who: AuditTargetReport, triesPasswords: Bool
  ) -> Outcome {
    let first: any ProbeLink
    do {
      first = try target.open(name: who.domain)
    } catch {
      return Outcome(findings: unreached(target, error))
    }
    let line = StrangerLine(over: target.listener.transport, first: first) {
      try? target.open(name: who.domain)
    }
    return SIPProbe(target, line, who).outcome(triesPasswords: triesPasswords)
  }

  private static func unreached(_ target: ProbeTarget, _ reason: Unreached) -> [AuditFinding] {
    let place = AuditFinding.Place.address("\(target)")
    switch reason {
    case .refused where target.isGuess: return []
    case .noWay: return [AuditFinding(.unseenAnswer, at: place, "\(target): \(reason).")]
    case .silent where target.isGuess, .speaksOther where target.isGuess:
      return [AuditFinding(.unseenAnswer, at: place, "\(target): \(reason).")]
    case .refused, .silent, .speaksOther:
      return [AuditFinding(.silent, at: place, "Nothing can be reached at \(target): \(reason).")]
    }
  }

  private func outcome(triesPasswords: Bool) -> Outcome {
    let options = question("OPTIONS", to: nil)
    let reply = line.ask(options)
    var outcome = Outcome(hasAnswered: reply.answer != nil)
    outcome.findings = oddities(of: reply, to: options)
    for (rule, request) in doors {
      let reply = line.ask(request)
      outcome.hasAnswered = outcome.hasAnswered || reply.answer != nil
      outcome.findings +=
        oddities(of: reply, to: request)
        + judged(Self.judge(reply, of: rule), rule, request)
    }
    guard outcome.hasAnswered else {
      outcome.findings =
        target.isGuess
        ? [found(.unseenAnswer, "\(target) does not answer.")]
        : [found(.silent, "\(target) does not answer.")]
      return outcome
    }
    outcome.findings += challenge() + users(triesPasswords: triesPasswords)
    if line.isOver {
      outcome.findings.append(
        found(.unseenAnswer, "\(target) answers so slowly that not everything was asked."))
    }
    var seen: Set<AuditFinding> = []
    outcome.findings = outcome.findings.filter { seen.insert($0).inserted }
    return outcome
  }

  // MARK: What is asked

  /// What may only be opened to those who have proven who they are.
  private var doors: [(AuditRule, StrangerRequest)] {
    let user = who.user ?? "100"
    let caller = "sip:\(user)@\(domain)"
    return [
      (
        .openCall,
        StrangerRequest(
          "INVITE", "sip:\(Self.nowhere)@\(domain)", from: caller,
          to: "sip:\(Self.nowhere)@\(domain)")
      ),
      (
        .openRelay,
        StrangerRequest(
          "INVITE", "sip:\(Self.nowhere)@\(Self.foreign)", from: caller,
          to: "sip:\(Self.nowhere)@\(Self.foreign)")
      ),
      // Without a Contact it only asks (RFC 3261 §10.2.3).
      (.openRegistrar, StrangerRequest("REGISTER", "sip:\(domain)", from: caller, to: caller)),
    ]
  }

  private func question(_ method: String, to user: String?, more: String = "") -> StrangerRequest {
    let place = user.map { "sip:\($0)@\(domain)" } ?? "sip:\(domain)"
    return StrangerRequest(
      method, method == "REGISTER" ? "sip:\(domain)" : place, from: place, to: place, more: more)
  }

  // MARK: What comes back

  private func found(_ rule: AuditRule, _ text: String) -> AuditFinding {
    AuditFinding(rule, at: .address("\(target)"), text)
  }

  /// Whether a stranger came in.
  package enum Verdict: Hashable {
    case open, closed
    /// Nobody can say, and why.
    case unseen(String)
  }

  /// Of an answer to what only those may do who have proven who they are.
  package static func judge(_ reply: StrangerLine.Reply, of door: AuditRule) -> Verdict {
    guard let status = reply.answer?.status else {
      return .unseen("does not answer it, however often it is asked")
    }
    switch status {
    case ...100: return .unseen("takes it and says nothing more")
    case ..<300: return .open
    case _ where door != .openCall: return .closed
    // It asks who calls, or takes no calls from there: nobody's number was looked at.
    case 401, 403, 405, 407, 501, 603: return .closed
    case _: return .unseen("answers \(status) before it asks who calls")
    }
  }

  private func judged(
    _ verdict: Verdict, _ rule: AuditRule, _ request: StrangerRequest
  ) -> [AuditFinding] {
    let what =
      switch rule {
      case .openRelay: "a call to a domain that is not its own"
      case .openRegistrar: "a registration"
      case _: "a call to the outside"
      }
    switch verdict {
    case .closed: return []
    case .open: return [found(rule, "\(target) takes \(what) from a stranger.")]
    case .unseen(let reason):
      return [
        found(
          .unseenAnswer,
          "Whether \(target) takes \(what) from a stranger is not known: it \(reason).")
      ]
    }
  }

  private func oddities(
    of reply: StrangerLine.Reply, to request: StrangerRequest
  ) -> [AuditFinding] {
    guard let answer = reply.answer else { return [] }
    var findings: [AuditFinding] = []
    let names = ["Server", "User-Agent", "Organization"].flatMap(answer.values)
    if let name = names.first {
      findings.append(
        found(.namesItself, "\(target) says what it is: \(StrangerWords.shown(name))."))
    }
    if target.listener.transport == .udp, Self.amplifies(reply) {
      findings.append(
        found(
          .amplifies,
          "\(target) answers \(reply.sentBytes) bytes of \(request.method) with \(reply.bytes) in \(reply.datagrams) datagrams."
        ))
    }
    return findings
  }

  /// More final answers than questions, or far more bytes; what is provisional belongs to a final answer.
  package static func amplifies(_ reply: StrangerLine.Reply) -> Bool {
    reply.finals > reply.sendings || reply.datagrams > 3 * reply.sendings
      || reply.bytes > amplification * reply.sentBytes
  }

  private func challenge() -> [AuditFinding] {
    let replies = (0..<2).map { _ in line.ask(question("REGISTER", to: who.absentUser ?? "100")) }
    let answers = replies.compactMap(\.answer)
    guard answers.count == 2 else {
      return [
        found(
          .unseenAnswer, "The challenge of \(target) was not seen: it does not answer REGISTER.")
      ]
    }
    let challenges = answers.map { answer in
      answer.values("WWW-Authenticate") + answer.values("Proxy-Authenticate")
    }
    // Who asks nobody has no nonce to be looked at.
    guard let first = challenges[0].first, let second = challenges[1].first else { return [] }
    if challenges[0].contains(where: { !$0.lowercased().contains("qop=") }) {
      return [found(.weakDigest, "The challenge of \(target) has no qop.")]
    }
    // With qop a nonce may serve twice, and then the count must tell; ours never does.
    return first.contains("nonce=") && first == second
      ? [found(.weakDigest, "\(target) gives two strangers the same nonce.")] : []
  }

  /// Whether answers tell who exists: to each question, with and without a password.
  private func users(triesPasswords: Bool) -> [AuditFinding] {
    guard let user = who.user, let absent = who.absentUser else {
      return [
        found(
          .unseenUsers, "Whether \(target) tells who exists was not asked: no user of it is known.")
      ]
    }
    for method in ["REGISTER", "OPTIONS", "INVITE", "SUBSCRIBE"] {
      func ask() -> String? {
        difference(of: (user, answer(method, user)), and: (absent, answer(method, absent)))
      }
      // What differs once may be chance: a loss, or a budget that was used up in between.
      if ask() != nil, let difference = ask() {
        return [
          found(
            .tellsUsers, "\(target) answers \(method) for a user who exists with \(difference).")
        ]
      }
    }
    guard triesPasswords else { return [] }
    let guesses = (guess(user), guess(absent))
    guard let one = guesses.0, let other = guesses.1, one.answer != nil, other.answer != nil else {
      return [
        found(.unseenUsers, "How \(target) answers a wrong password was not seen.")
      ]
    }
    guard let difference = difference(of: (user, one), and: (absent, other)) else { return [] }
    return [
      found(
        .tellsUsers, "\(target) answers a wrong password of a user who exists with \(difference).")
    ]
  }

  private typealias Heard = (request: StrangerRequest, answer: StrangerAnswer?)

  private func answer(_ method: String, _ user: String) -> Heard {
    let request =
      method == "INVITE"
      ? StrangerRequest(
        method, "sip:\(Self.nowhere)@\(domain)", from: "sip:\(user)@\(domain)",
        to: "sip:\(Self.nowhere)@\(domain)")
      : question(method, to: user)
    return (request, line.ask(request).answer)
  }

  /// A password that nobody has, so the guard counts it as one wrong try; nil where none is asked for, or not by MD5.
  private func guess(_ user: String) -> Heard? {
    let challenge = answer("REGISTER", user).answer?.values("WWW-Authenticate")
      .first { $0.contains("MD5") || !$0.contains("algorithm") }
    guard let challenge else { return nil }
    let credentials = StrangerCredentials(user, challenge, uri: "sip:\(domain)").line
    let request = question("REGISTER", to: user, more: credentials)
    return (request, line.ask(request).answer)
  }

  /// In words; nil where both are alike to a stranger.
  private func difference(of one: (String, Heard), and other: (String, Heard)) -> String? {
    guard let first = one.1.answer, let second = other.1.answer else {
      if one.1.answer == nil, other.1.answer == nil { return nil }
      return one.1.answer == nil ? "silence, for others not" : "a word, for others with silence"
    }
    guard first.status == second.status else {
      return "\(first.status), for others with \(second.status)"
    }
    let heads = [(one, first), (other, second)].map { pair, answer in
      answer.withoutChance(user: pair.0, number: pair.1.request.number)
    }
    let odd = zip(heads[0], heads[1]).first { $0 != $1 }
    guard odd != nil || heads[0].count != heads[1].count else {
      return first.size == second.size ? nil : "\(first.size) bytes, for others with \(second.size)"
    }
    let name = odd?.0.split(separator: ":").first.map { StrangerWords.shown($0) }
    return name.map { "another line \"\($0)\"" } ?? "more or fewer lines"
  }
}
