import Elements
import SIP

/// Our registration with a carrier, as a client (RFC 3261 §10.2): refreshed before it ends, retried
/// with growing pauses.
///
///     due ──REGISTER──▶ asking ──200──▶ registered ──before its end──▶ due
///                         │ 401, 407: answered once, stays asking
///                         └─any other answer, silence──▶ failed ──pause, doubled──▶ due
///
/// What was accepted holds until its time is over, also where a refresh of it fails. `registered` and `failed` end
/// early where there is ``News``.
struct TrunkRegistration: Sendable {
  enum State: Hashable, Sendable {
    case due(Instant)
    case asking(ClientTransactionID, answered: Bool)
    case registered(refreshAt: Instant)
    case failed(reason: String, retryAt: Instant)
  }

  /// Why the carrier may know nothing of it any more, or may take it again.
  enum News {
    /// What it was accepted on has ended.
    case connectionEnded
    /// The carrier was silent.
    case isBack
    /// The next one of its addresses, this one, is asked.
    case nextAddress(Endpoint)
    /// Its name leads to others.
    case newAddresses
  }

  /// Between a REGISTER and one that something else than its own time asks for.
  private static let leastPause = Duration.seconds(60)

  private(set) var state: State
  /// One Call-ID for the life of the registration, CSeq ascending (RFC 3261 §10.2).
  let callID: [UInt8]
  let tag: [UInt8]
  private(set) var sequence: UInt32 = 0
  private var failures = 0
  /// How many in a row have got no answer, from whichever address.
  private var unanswered = 0
  private(set) var wasRegistered = false
  /// The carrier will not have it, or no longer: whatever else it answers, it takes no calls from us.
  private(set) var isRefused = false
  /// Who has said no since it was accepted last: to ask there sooner changes nothing.
  private var refusers: Set<Endpoint> = []
  /// The last failure was such an answer.
  private var isAnswered = false
  /// For how long to ask: as configured, or longer where the carrier wanted that (423).
  private(set) var seconds: UInt32
  /// It was asked for longer already, and neither accepted nor failed since.
  private var isRaised = false
  private(set) var acceptedAt = Instant.never
  /// When the time is over that the carrier has accepted.
  private var endsAt = Instant.start
  private var askedAt = Instant.start
  /// The connection that its acceptance came on: the carrier may send us calls there (RFC 5626 §5.3).
  private(set) var connection: FlowID?

  init(number: UInt64, seconds: UInt32, at now: Instant) {
    (callID, tag) = (Array("\(number)".utf8), Array("\(number >> 7)".utf8))
    self.seconds = seconds
    state = .due(now)
  }

  var deadline: Instant {
    switch state {
    case .due(let at): at
    case .asking: .never
    case .registered(let refreshAt): refreshAt
    case .failed(_, let retryAt): retryAt
    }
  }

  mutating func nextSequence() -> UInt32 {
    sequence += 1
    return sequence
  }

  mutating func asked(_ transaction: ClientTransactionID, answered: Bool, at now: Instant) {
    (state, askedAt) = (.asking(transaction, answered: answered), now)
  }

  func isAsking(_ transaction: ClientTransactionID) -> Bool {
    if case .asking(transaction, _) = state { true } else { false }
  }

  /// Whether a challenge to this transaction may be answered: once, then the secret is wrong.
  func mayAnswer(_ transaction: ClientTransactionID) -> Bool {
    state == .asking(transaction, answered: false)
  }

  mutating func accepted(seconds granted: UInt32, on flow: Flow, at now: Instant) {
    (failures, unanswered, wasRegistered) = (0, 0, true)
    (isRefused, isRaised, connection) = (false, false, flow.connection)
    refusers = []
    // Half the time, so that one lost refresh does not lose the registration.
    let refreshAt = now + .seconds(Int64(max(granted, 20))) / 2
    (acceptedAt, endsAt) = (now, max(now + .seconds(Int64(granted)), refreshAt))
    state = .registered(refreshAt: refreshAt)
  }

  /// Whether the carrier has it still, whatever became of a refresh.
  func holds(at now: Instant) -> Bool { wasRegistered && now < endsAt }

  /// Renews it at once, or tries again, but not within a minute of the last REGISTER: some carriers close each
  /// connection behind their answer, and would be asked without end.
  mutating func renew(_ news: News, at now: Instant) {
    let soonest = max(now, askedAt + Self.leastPause)
    switch (state, news) {
    case (.registered(let refreshAt), _): state = .registered(refreshAt: min(refreshAt, soonest))
    case (.failed(let reason, let retryAt), _) where isNews(news):
      state = .failed(reason: reason, retryAt: min(retryAt, soonest))
    case (.failed, _), (.due, _), (.asking, _): break
    }
  }

  /// Whether it may be taken now though it has failed.
  private func isNews(_ news: News) -> Bool {
    switch news {
    case .connectionEnded, .isBack: !isAnswered
    // When it has failed in silence each address has had its turn.
    case .nextAddress(let address): isAnswered && !refusers.contains(address)
    case .newAddresses: true
    }
  }

  /// A REGISTER has got no answer.
  ///
  /// - Returns: Whether another of so many addresses is to be asked at once; false when each has had its turn.
  mutating func missed(of addresses: Int) -> Bool {
    unanswered += 1
    return unanswered < addresses
  }

  /// The carrier wants it for longer (423, RFC 3261 §10.3): a day at most, and at once only the first time, since
  /// it may be content with nothing.
  ///
  /// - Returns: False where asking again at once is of no use: it has failed.
  mutating func tooBrief(minimumSeconds minimum: UInt32, at now: Instant) -> Bool {
    let wanted = min(minimum, 86_400)
    guard wanted > seconds else { return false }
    seconds = wanted
    guard !isRaised else { return false }
    isRaised = true
    state = .due(now)
    return true
  }

  /// Tried again after a pause, and when what was accepted ends; `refuser` is who said no, nil where nobody answered.
  mutating func failed(
    _ reason: String, by refuser: Endpoint?, times: TrunkTimes, at now: Instant
  ) {
    let pause = min(times.registerRetry * (1 << min(failures, 10)), times.registerRetryLimit)
    (failures, unanswered, isRaised) = (failures + 1, 0, false)
    isAnswered = refuser != nil
    if let refuser { refusers.insert(refuser) }
    let retryAt = now + pause
    state = .failed(reason: reason, retryAt: holds(at: now) ? min(retryAt, endsAt) : retryAt)
  }

  /// Nothing is left of what was accepted, or the carrier will not have it.
  mutating func refused() { (isRefused, wasRegistered) = (true, false) }

  /// Where it is asked now, nothing is known of it.
  mutating func moved() { (isRefused, refusers) = (false, []) }

  mutating func wait(until moment: Instant) { state = .due(moment) }
}
