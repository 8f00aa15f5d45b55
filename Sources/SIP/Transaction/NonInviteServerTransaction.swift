package import Elements

/// The non-INVITE server transaction, RFC 3261 §17.2.2.
///
///     trying ──1xx──▶ proceeding ──200…699──▶ completed ──Timer J──▶ terminated
///     trying ──200…699──▶ completed
package struct NonInviteServerTransaction: Hashable, Sendable {
  package enum Input: Hashable, Sendable, CaseIterable {
    case requestAgain
    case respondProvisional
    case respondFinal
    case transportFailed
    case deadline
  }

  package enum Effect: Hashable, Sendable {
    /// Send the latest response.
    case sendResponse
  }

  package enum State: Hashable, Sendable {
    case trying
    case proceeding
    case completed(until: Instant)  // Timer J.
    case terminated
  }

  package private(set) var state = State.trying
  private let timers: TransactionTimers
  private let isReliable: Bool

  package init(timers: TransactionTimers, isReliable: Bool) {
    (self.timers, self.isReliable) = (timers, isReliable)
  }

  package var deadline: Instant? {
    if case .completed(let until) = state { until } else { nil }
  }

  package var isTerminated: Bool { state == .terminated }

  /// Waits for the user's final response.
  package var isPending: Bool { state == .trying || state == .proceeding }

  package mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    state = next(after: input, at: now, into: &effects)
  }

  private func next(after input: Input, at now: Instant, into effects: inout [Effect]) -> State {
    switch (state, input) {
    case (.trying, .respondProvisional), (.proceeding, .respondProvisional):
      effects.append(.sendResponse)
      return .proceeding
    case (.trying, .respondFinal), (.proceeding, .respondFinal):
      effects.append(.sendResponse)
      return isReliable ? .terminated : .completed(until: now + timers.patience)
    case (.proceeding, .requestAgain), (.completed, .requestAgain):
      effects.append(.sendResponse)  // Our response got lost.
      return state
    case (.completed(let until), .deadline):
      return until <= now ? .terminated : .completed(until: until)
    case (.completed, .transportFailed):
      return .terminated
    case (.trying, .requestAgain), (.trying, .transportFailed), (.trying, .deadline),
      (.proceeding, .transportFailed), (.proceeding, .deadline),
      (.completed, .respondProvisional), (.completed, .respondFinal), (.terminated, _):
      return state  // A user that still works answers later; the answer finds no way then.
    }
  }
}
