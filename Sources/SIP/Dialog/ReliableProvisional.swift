package import Elements

/// The UAS's side of reliable provisional responses within one INVITE, RFC 3262 §3.
///
///     idle ──send──▶ waiting ──PRACK──▶ idle
///     waiting ──64*T1──▶ failed
///
/// One response waits at a time; the owner queues the next ones.
package struct ReliableProvisional: Hashable, Sendable {
  package enum Effect: Hashable, Sendable {
    /// Send the waiting response again.
    case resend
    /// No PRACK came: the INVITE should be refused with 5xx.
    case fail
  }

  package enum State: Hashable, Sendable {
    case idle
    case waiting(again: Instant, interval: Duration, until: Instant)
    case failed
  }

  package private(set) var state = State.idle
  /// The RSeq of the latest response.
  package private(set) var sequence: UInt32
  private let timers: TransactionTimers

  /// The first response has the number behind `sequence`, below 2^31 (§3: random).
  package init(after sequence: UInt32, timers: TransactionTimers) {
    (self.sequence, self.timers) = (sequence & 0x7FFF_FFFF, timers)
  }

  package var deadline: Instant? {
    if case .waiting(let again, _, let until) = state { min(again, until) } else { nil }
  }

  package var isWaiting: Bool { deadline != nil }

  /// Gives the number of the response that leaves now.
  package mutating func send(at now: Instant) -> UInt32 {
    sequence += 1
    state = .waiting(
      again: now + timers.t1, interval: timers.t1, until: now + timers.patience)
    return sequence
  }

  /// Whether a PRACK with this number acknowledges the waiting response.
  package mutating func acknowledge(_ number: UInt32) -> Bool {
    guard isWaiting, number == sequence else { return false }
    state = .idle
    return true
  }

  /// The INVITE has its final response: nothing is repeated any more (§3).
  package mutating func stop() {
    state = .idle
  }

  package mutating func handleDeadline(at now: Instant, into effects: inout [Effect]) {
    state = next(at: now, into: &effects)
  }

  private func next(at now: Instant, into effects: inout [Effect]) -> State {
    switch state {
    case .waiting(_, _, let until) where until <= now:
      effects.append(.fail)
      return .failed
    case .waiting(let again, let interval, let until):
      guard again <= now else { return state }
      effects.append(.resend)
      // §3: doubles for each retransmission, without the ceiling of T2.
      return .waiting(again: now + interval * 2, interval: interval * 2, until: until)
    case .idle, .failed:
      return state
    }
  }
}

/// The UAC's side: which reliable provisional response is the next one, RFC 3262 §4.
package struct ProvisionalOrder: Hashable, Sendable {
  package enum Verdict: Hashable, Sendable {
    /// Show it to the user, who sends PRACK.
    case next
    /// A copy: the PRACK is on its way or will be repeated by its own transaction.
    case repeated
    /// One before it is missing: wait for the retransmission.
    case early
  }

  private var last: UInt32?

  package init() {}

  package mutating func judge(_ sequence: UInt32) -> Verdict {
    guard let last else {
      self.last = sequence
      return .next
    }
    if sequence <= last { return .repeated }
    guard sequence == last &+ 1 else { return .early }
    self.last = sequence
    return .next
  }
}
