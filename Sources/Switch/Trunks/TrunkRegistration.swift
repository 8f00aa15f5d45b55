import Elements
import SIP

/// Our registration with a carrier, as a client (RFC 3261 §10.2): refreshed before it ends, retried
/// with growing pauses.
///
///     due ──REGISTER──▶ asking ──200──▶ registered ──before its end──▶ due
///                         │ 401, 407: answered once, stays asking
///                         └─any other answer, silence──▶ failed ──pause, doubled──▶ due
struct TrunkRegistration: Sendable {
  enum State: Hashable, Sendable {
    case due(Instant)
    case asking(ClientTransactionID, answered: Bool)
    case registered(refreshAt: Instant)
    case failed(reason: String, retryAt: Instant)
  }

  private(set) var state: State
  /// One Call-ID for the life of the registration, CSeq ascending (RFC 3261 §10.2).
  let callID: [UInt8]
  let tag: [UInt8]
  private(set) var sequence: UInt32 = 0
  private var failures = 0
  private(set) var wasRegistered = false
  /// The carrier will not have it, or no longer: whatever else it answers, it takes no calls from us.
  private(set) var isRefused = false
  /// For how long to ask: as configured, or longer where the carrier wanted that (423).
  private(set) var seconds: UInt32
  /// It was asked for longer already, and neither accepted nor failed since.
  private var isRaised = false

  init(number: UInt64, seconds: UInt32, at now: Instant) {
    (callID, tag) = (Array("\(number)".utf8), Array("\(number >> 7)".utf8))
    self.seconds = seconds
    state = .due(now)
  }

  var isRegistered: Bool { if case .registered = state { true } else { false } }

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

  mutating func asked(_ transaction: ClientTransactionID, answered: Bool) {
    state = .asking(transaction, answered: answered)
  }

  /// Whether a challenge to this transaction may be answered: once, then the secret is wrong.
  func mayAnswer(_ transaction: ClientTransactionID) -> Bool {
    state == .asking(transaction, answered: false)
  }

  mutating func accepted(seconds granted: UInt32, at now: Instant) {
    (failures, wasRegistered, isRefused, isRaised) = (0, true, false, false)
    // Half the time, so that one lost refresh does not lose the registration.
    state = .registered(refreshAt: now + .seconds(Int64(max(granted, 20))) / 2)
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

  mutating func failed(_ reason: String, times: TrunkTimes, at now: Instant) {
    let pause = min(times.registerRetry * (1 << min(failures, 10)), times.registerRetryLimit)
    (failures, wasRegistered, isRaised) = (failures + 1, false, false)
    state = .failed(reason: reason, retryAt: now + pause)
  }

  mutating func refused() { isRefused = true }

  /// Where it is asked now, nothing is known of it.
  mutating func moved() { isRefused = false }

  mutating func wait(until moment: Instant) { state = .due(moment) }
}
