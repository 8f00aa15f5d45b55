package import Elements

/// The non-INVITE client transaction, RFC 3261 §17.1.2.
///
///     trying ──1xx──▶ proceeding ──200…699──▶ completed ──Timer K──▶ terminated
///     trying ──200…699──▶ completed
///     trying, proceeding ──Timer F, transport error──▶ terminated
package struct NonInviteClientTransaction: Hashable, Sendable {
  package enum Input: Hashable, Sendable, CaseIterable {
    case provisional
    case final
    case transportFailed
    case deadline
  }

  package enum Effect: Hashable, Sendable {
    case sendRequest
    case deliver
    case timeOut
    case fail
  }

  package enum State: Hashable, Sendable {
    case trying(again: Instant?, interval: Duration, until: Instant)  // Timers E and F.
    case proceeding(again: Instant?, until: Instant)  // Timer E at T2, timer F.
    case completed(until: Instant)  // Timer K.
    case terminated
  }

  package private(set) var state: State
  private let timers: TransactionTimers
  private let isReliable: Bool

  /// The owner sends the request once by itself.
  package init(timers: TransactionTimers, isReliable: Bool, at now: Instant) {
    (self.timers, self.isReliable) = (timers, isReliable)
    state = .trying(
      again: isReliable ? nil : now + timers.t1, interval: timers.t1,
      until: now + timers.patience)
  }

  package var deadline: Instant? {
    switch state {
    case .trying(let again, _, let until), .proceeding(let again, let until):
      again.map { min($0, until) } ?? until
    case .completed(let until): until
    case .terminated: nil
    }
  }

  package var isTerminated: Bool { state == .terminated }

  /// Nothing has been heard of it, and it has been sent once.
  package var hasLeftOnce: Bool {
    if case .trying(_, let interval, _) = state { interval == timers.t1 } else { false }
  }

  /// Waits for its final response.
  package var isPending: Bool {
    switch state {
    case .trying, .proceeding: true
    case .completed, .terminated: false
    }
  }

  package mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    state = next(after: input, at: now, into: &effects)
  }

  private func next(after input: Input, at now: Instant, into effects: inout [Effect]) -> State {
    switch (state, input) {
    case (.trying(let again, _, let until), .provisional):
      effects.append(.deliver)
      return .proceeding(again: again, until: until)
    case (.proceeding, .provisional):
      effects.append(.deliver)
      return state
    case (.trying, .final), (.proceeding, .final):
      effects.append(.deliver)
      return isReliable ? .terminated : .completed(until: now + timers.t4)
    case (.trying(let again, let interval, let until), .deadline):
      if until <= now { return timedOut(into: &effects) }
      guard let again, again <= now else { return state }
      effects.append(.sendRequest)
      let longer = min(interval * 2, timers.t2)
      return .trying(again: now + longer, interval: longer, until: until)
    case (.proceeding(let again, let until), .deadline):
      if until <= now { return timedOut(into: &effects) }
      guard let again, again <= now else { return state }
      effects.append(.sendRequest)
      return .proceeding(again: now + timers.t2, until: until)
    case (.completed(let until), .deadline):
      return until <= now ? .terminated : .completed(until: until)
    case (.trying, .transportFailed), (.proceeding, .transportFailed):
      effects.append(.fail)
      return .terminated
    case (.completed, .provisional), (.completed, .final), (.completed, .transportFailed),
      (.terminated, _):
      return state
    }
  }

  private func timedOut(into effects: inout [Effect]) -> State {
    effects.append(.timeOut)
    return .terminated
  }
}
