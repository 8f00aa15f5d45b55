import API
import Elements
import Net
import SIP

/// Asks one listener what scanners ask, and looks at what it answers.
///
/// Nothing is registered, nobody rings: the numbers called are in no plan, and what would be taken is taken back.
struct SIPProbe {
  private let target: ProbeTarget
  private let link: any ProbeLink
  private let who: AuditTargetReport
  private let domain: String

  /// Of a country code that is not given out: it rings nowhere.
  private static let nowhere = "+999120345678"
  /// A domain that can never be (RFC 2606 §2).
  private static let foreign = "elsewhere.invalid"
  private static let firstWait: Duration = .seconds(2)
  /// For more pieces of the same answer.
  private static let laterWait: Duration = .milliseconds(150)
  private static let mostPieces = 20
  /// So much more than was asked is worth a forged sender.
  private static let amplification = 3

  private init(_ target: ProbeTarget, _ link: any ProbeLink, _ who: AuditTargetReport) {
    (self.target, self.link, self.who) = (target, link, who)
    domain = who.domain ?? "\(target.remote.address)"
  }

  /// What it answers wrongly; where it `triesPasswords`, to a wrong password of a user who is there and of one who is not,
  /// too.
  static func findings(
    _ target: ProbeTarget, _ who: AuditTargetReport, triesPasswords: Bool
  ) -> [AuditFinding] {
    guard let link = target.open(name: who.domain) else {
      return [
        AuditFinding(.silent, at: .address("\(target)"), "Nothing can be reached at \(target).")
      ]
    }
    defer { link.close() }
    return SIPProbe(target, link, who).findings(triesPasswords: triesPasswords)
  }

  private func findings(triesPasswords: Bool) -> [AuditFinding] {
    let options = request("OPTIONS", to: nil)
    guard let answer = ask(options) else {
      return [found(.silent, "\(target) does not answer to OPTIONS.")]
    }
    var findings = oddities(of: answer, to: options)
    for (rule, request) in doors {
      guard let answer = ask(request) else { continue }
      findings += oddities(of: answer, to: request) + opened(rule, answer)
    }
    findings += challenge() + users(triesPasswords: triesPasswords)
    var seen: Set<AuditFinding> = []
    return findings.filter { seen.insert($0).inserted }
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

  private func request(_ method: String, to user: String?, more: String = "") -> StrangerRequest {
    let place = user.map { "sip:\($0)@\(domain)" } ?? "sip:\(domain)"
    return StrangerRequest(
      method, method == "REGISTER" ? "sip:\(domain)" : place, from: place, to: place, more: more)
  }

  private func ask(_ request: StrangerRequest) -> StrangerAnswer? {
    link.send(request.bytes(over: target.listener.transport, from: link.local))
    var pieces: [[UInt8]] = []
    while pieces.count < Self.mostPieces,
      let piece = link.receive(within: pieces.isEmpty ? Self.firstWait : Self.laterWait),
      !piece.isEmpty
    {
      pieces.append(piece)
    }
    let answer = StrangerAnswer(pieces)
    if request.method == "INVITE" { end(request, answer) }
    return answer
  }

  /// Whatever was begun is over.
  private func end(_ request: StrangerRequest, _ answer: StrangerAnswer?) {
    guard let answer else { return }
    for following in request.ending(after: answer) {
      link.send(following.bytes(over: target.listener.transport, from: link.local))
    }
    // What that is answered with is no answer to the next question.
    guard answer.status < 300 else { return }
    while let piece = link.receive(within: Self.laterWait), !piece.isEmpty {}
  }

  // MARK: What comes back

  private func found(_ rule: AuditRule, _ text: String) -> AuditFinding {
    AuditFinding(rule, at: .address("\(target)"), text)
  }

  private func opened(_ rule: AuditRule, _ answer: StrangerAnswer) -> [AuditFinding] {
    guard answer.status < 400 else { return [] }
    let what =
      switch rule {
      case .openRelay: "a call to a domain that is not its own"
      case .openRegistrar: "a registration"
      case _: "a call to the outside"
      }
    return [found(rule, "\(target) takes \(what) from a stranger (\(answer.status)).")]
  }

  private func oddities(of answer: StrangerAnswer, to request: StrangerRequest) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    let names = ["Server", "User-Agent", "Organization"].flatMap(answer.values)
    if let name = names.first {
      findings.append(found(.namesItself, "\(target) says what it is: \(Self.shown(name))."))
    }
    let asked = request.bytes(over: target.listener.transport, from: link.local).count
    if target.listener.transport == .udp,
      answer.pieces > 1 || answer.size > Self.amplification * asked
    {
      findings.append(
        found(
          .amplifies,
          "\(target) answers \(asked) bytes of \(request.method) with \(answer.size) in \(answer.pieces) datagrams."
        ))
    }
    return findings
  }

  /// What a server says of itself goes to a terminal.
  private static func shown(_ text: String) -> String {
    let visible = text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }
    return String(visible.prefix(60).map { Character($0) })
  }

  private func challenge() -> [AuditFinding] {
    let challenges = (0..<2).map { _ in
      ask(request("REGISTER", to: who.absentUser ?? "100"))?.values("WWW-Authenticate") ?? []
    }
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
    guard let user = who.user, let absent = who.absentUser else { return [] }
    for method in ["REGISTER", "OPTIONS", "INVITE", "SUBSCRIBE"] {
      if let difference = difference(
        of: (user, answer(method, user)), and: (absent, answer(method, absent)))
      {
        return [
          found(
            .tellsUsers, "\(target) answers \(method) for a user who exists with \(difference).")
        ]
      }
    }
    guard triesPasswords,
      let difference = difference(of: (user, guess(user)), and: (absent, guess(absent)))
    else { return [] }
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
      : self.request(method, to: user)
    return (request, ask(request))
  }

  /// A password that nobody has, so the guard counts it as one wrong try.
  private func guess(_ user: String) -> Heard {
    let challenge = answer("REGISTER", user).answer?.values("WWW-Authenticate")
      .first { $0.contains("MD5") || !$0.contains("algorithm") }
    let credentials =
      challenge.map { StrangerCredentials(user, $0, uri: "sip:\(domain)").line } ?? ""
    let request = request("REGISTER", to: user, more: credentials)
    return (request, ask(request))
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
    let name = odd?.0.split(separator: ":").first.map { Self.shown(String($0)) }
    return name.map { "another line \"\($0)\"" } ?? "more or fewer lines"
  }
}
