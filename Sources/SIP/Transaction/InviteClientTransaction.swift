package import Elements

/// The INVITE client transaction, RFC 3261 §17.1.1 with the accepted state of RFC 6026 §7.2.
///
///     calling ──1xx──▶ proceeding ──300…699──▶ completed ──Timer D──▶ terminated
///     calling, proceeding ──2xx──▶ accepted ──Timer M──▶ terminated
///     calling ──300…699──▶ completed
///     calling ──Timer B, transport error──▶ terminated
package struct InviteClientTransaction: Hashable, Sendable {
  package enum Input: Hashable, Sendable, CaseIterable {
    case provisional
    case success
    case failure
    /// A CANCEL left: without an answer the transaction ends after 64*T1 (RFC 3261 §9.1).
    case cancelSent
    case transportFailed
    case deadline
  }

  package enum Effect: Hashable, Sendable {
    case sendRequest
    /// Acknowledge a 300…699 (§17.1.1.3); a 2xx is acknowledged by the dialog.
    case sendAcknowledgement
    case deliver
    case timeOut
    case fail
  }

  package enum State: Hashable, Sendable {
    case calling(again: Instant?, interval: Duration, until: Instant)  // Timers A and B.
    case proceeding(until: Instant?)  // The date of §9.1 once a CANCEL left.
    case completed(until: Instant)  // Timer D.
    case accepted(until: Instant)  // Timer M.
    case terminated
  }

  package private(set) var state: State
  private let timers: TransactionTimers
  private let isReliable: Bool

  /// The owner sends the request once by itself.
  package init(timers: TransactionTimers, isReliable: Bool, at now: Instant) {
    (self.timers, self.isReliable) = (timers, isReliable)
    state = .calling(
      again: isReliable ? nil : now + timers.t1, interval: timers.t1,
      until: now + timers.patience)
  }

  package var deadline: Instant? {
    switch state {
    case .calling(let again, _, let until): again.map { min($0, until) } ?? until
    case .proceeding(let until): until
    case .completed(let until), .accepted(let until): until
    case .terminated: nil
    }
  }

  package var isTerminated: Bool { state == .terminated }

  /// A CANCEL may only leave after a provisional and before a final response (§9.1).
  package var isProceeding: Bool {
    if case .proceeding = state { true } else { false }
  }

  /// Nothing has been heard of it, and it has been sent once.
  package var hasLeftOnce: Bool {
    if case .calling(_, let interval, _) = state { interval == timers.t1 } else { false }
  }

  /// Waits for its final response.
  package var isPending: Bool {
    switch state {
    case .calling, .proceeding: true
    case .completed, .accepted, .terminated: false
    }
  }

  package mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    state = next(after: input, at: now, into: &effects)
  }

  private func next(after input: Input, at now: Instant, into effects: inout [Effect]) -> State {
    switch (state, input) {
    case (.calling, .provisional):
      effects.append(.deliver)
      return .proceeding(until: nil)
    case (.proceeding(let until), .provisional):
      effects.append(.deliver)
      return .proceeding(until: until)
    case (.calling, .success), (.proceeding, .success):
      effects.append(.deliver)
      return .accepted(until: now + timers.patience)
    case (.completed(let until), .success):
      // RFC 3261 §16.7: a proxy passes each 2xx on, also behind a refusal. Unanswered it would cost.
      effects.append(.deliver)
      return .completed(until: until)
    case (.accepted(let until), .success):
      effects.append(.deliver)  // A repeated 2xx or one of another fork: the dialog tells.
      return .accepted(until: until)
    case (.calling, .failure), (.proceeding, .failure):
      effects.append(.sendAcknowledgement)
      effects.append(.deliver)
      // Over a stream as well, where RFC 3261 §17.1.1.2 has no timer D: another fork may still answer (§16.7).
      return .completed(until: now + timers.d)
    case (.completed(let until), .failure):
      effects.append(.sendAcknowledgement)  // Our ACK got lost.
      return .completed(until: until)
    case (.proceeding(let until), .cancelSent):
      return .proceeding(until: until ?? now + timers.patience)
    case (.calling(let again, let interval, let until), .deadline):
      return calling(again, interval, until, at: now, into: &effects)
    case (.proceeding(let until), .deadline):
      guard let until, until <= now else { return .proceeding(until: until) }
      effects.append(.timeOut)
      return .terminated
    case (.completed(let until), .deadline):
      return until <= now ? .terminated : .completed(until: until)
    case (.accepted(let until), .deadline):
      return until <= now ? .terminated : .accepted(until: until)
    case (.calling, .transportFailed), (.proceeding, .transportFailed):
      effects.append(.fail)
      return .terminated
    case (.completed, .transportFailed):
      return .terminated  // The ACK could not leave; the user knows the response already.
    case (.calling, .cancelSent), (.completed, .cancelSent), (.accepted, .cancelSent),
      (.completed, .provisional), (.accepted, .provisional),
      (.accepted, .failure), (.accepted, .transportFailed), (.terminated, _):
      return state
    }
  }

  /// Timers A and B: again after T1, 2*T1, 4*T1 …, given up after 64*T1.
  private func calling(
    _ again: Instant?, _ interval: Duration, _ until: Instant, at now: Instant,
    into effects: inout [Effect]
  ) -> State {
    if until <= now {
      effects.append(.timeOut)
      return .terminated
    }
    guard let again, again <= now else { return state }
    effects.append(.sendRequest)
    return .calling(again: now + interval * 2, interval: interval * 2, until: until)
  }
}
