package import Elements

/// Our 2xx of an INVITE, repeated by the dialog until its ACK comes (RFC 3261 §13.3.1.4).
///
///     waiting ──ACK──▶ acknowledged
///     waiting ──64*T1──▶ failed
package struct SuccessRetransmission: Hashable, Sendable {
  package enum Input: Hashable, Sendable, CaseIterable {
    case acknowledged
    case deadline
  }

  package enum Effect: Hashable, Sendable {
    case resend
    /// Nobody acknowledged: the session shall end by BYE.
    case fail
  }

  package enum State: Hashable, Sendable {
    case waiting(again: Instant, interval: Duration, until: Instant)
    case acknowledged
    case failed
  }

  package private(set) var state: State
  private let timers: TransactionTimers

  package init(timers: TransactionTimers, at now: Instant) {
    self.timers = timers
    state = .waiting(
      again: now + timers.t1, interval: timers.t1, until: now + timers.patience)
  }

  package var deadline: Instant? {
    if case .waiting(let again, _, let until) = state { min(again, until) } else { nil }
  }

  package var isWaiting: Bool { deadline != nil }

  package mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    state = next(after: input, at: now, into: &effects)
  }

  private func next(after input: Input, at now: Instant, into effects: inout [Effect]) -> State {
    switch (state, input) {
    case (.waiting, .acknowledged), (.failed, .acknowledged):
      return .acknowledged
    case (.waiting(let again, let interval, let until), .deadline):
      if until <= now {
        effects.append(.fail)
        return .failed
      }
      guard again <= now else { return state }
      effects.append(.resend)
      let longer = min(interval * 2, timers.t2)
      return .waiting(again: now + longer, interval: longer, until: until)
    case (.acknowledged, .acknowledged), (.acknowledged, .deadline), (.failed, .deadline):
      return state
    }
  }
}
