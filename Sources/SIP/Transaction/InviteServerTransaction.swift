package import Elements

/// The INVITE server transaction, RFC 3261 §17.2.1 with the accepted state of RFC 6026 §7.1.
///
///     proceeding ──300…699──▶ completed ──ACK──▶ confirmed ──Timer I──▶ terminated
///     proceeding ──2xx──▶ accepted ──Timer L──▶ terminated
///     completed ──Timer H──▶ terminated
///
/// The 2xx itself is repeated by the dialog until its ACK comes (§13.3.1.4), not from here.
package struct InviteServerTransaction: Hashable, Sendable {
  package enum Input: Hashable, Sendable, CaseIterable {
    case requestAgain
    case respondProvisional
    case respondSuccess
    case respondFailure
    case acknowledged
    case transportFailed
    case deadline
  }

  package enum Effect: Hashable, Sendable {
    /// Send the latest response.
    case sendResponse
    /// Say 100: the user needs longer than 200 ms.
    case sendTrying
    /// Nobody acknowledged our 300…699: nothing to do but to know.
    case timeOut
  }

  package enum State: Hashable, Sendable {
    /// Before the user's first response; `tryingAt` is nil once a 100 left.
    case trying(tryingAt: Instant?)
    case proceeding
    case completed(again: Instant?, interval: Duration, until: Instant)  // Timers G and H.
    case confirmed(until: Instant)  // Timer I.
    case accepted(until: Instant)  // Timer L.
    case terminated
  }

  package private(set) var state: State
  private let timers: TransactionTimers
  private let isReliable: Bool

  package init(timers: TransactionTimers, isReliable: Bool, at now: Instant) {
    (self.timers, self.isReliable) = (timers, isReliable)
    state = .trying(tryingAt: now + timers.trying)
  }

  package var deadline: Instant? {
    switch state {
    case .trying(let tryingAt): tryingAt
    case .completed(let again, _, let until): again.map { min($0, until) } ?? until
    case .confirmed(let until), .accepted(let until): until
    case .proceeding, .terminated: nil
    }
  }

  package var isTerminated: Bool { state == .terminated }

  /// Waits for the user's final response.
  package var isPending: Bool {
    switch state {
    case .trying, .proceeding: true
    case .completed, .confirmed, .accepted, .terminated: false
    }
  }

  package mutating func handle(_ input: Input, at now: Instant, into effects: inout [Effect]) {
    state = next(after: input, at: now, into: &effects)
  }

  private func next(after input: Input, at now: Instant, into effects: inout [Effect]) -> State {
    switch (state, input) {
    case (.trying(tryingAt: nil), .requestAgain), (.proceeding, .requestAgain):
      effects.append(.sendResponse)  // Our response got lost.
      return state
    case (.trying, .requestAgain):
      effects.append(.sendTrying)  // The peer is already nervous.
      return .trying(tryingAt: nil)
    case (.completed, .requestAgain):
      effects.append(.sendResponse)
      return state
    case (.trying, .respondProvisional), (.proceeding, .respondProvisional):
      effects.append(.sendResponse)
      return .proceeding
    case (.trying, .respondSuccess), (.proceeding, .respondSuccess):
      effects.append(.sendResponse)
      return .accepted(until: now + timers.patience)
    case (.trying, .respondFailure), (.proceeding, .respondFailure):
      effects.append(.sendResponse)
      return .completed(
        again: isReliable ? nil : now + timers.t1, interval: timers.t1,
        until: now + timers.patience)
    case (.completed, .acknowledged):
      return isReliable ? .terminated : .confirmed(until: now + timers.t4)
    case (.trying(let tryingAt?), .deadline):
      guard tryingAt <= now else { return state }
      effects.append(.sendTrying)
      return .trying(tryingAt: nil)
    case (.completed(let again, let interval, let until), .deadline):
      return completed(again, interval, until, at: now, into: &effects)
    case (.confirmed(let until), .deadline):
      return until <= now ? .terminated : .confirmed(until: until)
    case (.accepted(let until), .deadline):
      return until <= now ? .terminated : .accepted(until: until)
    case (.completed, .transportFailed), (.confirmed, .transportFailed):
      return .terminated
    case (.trying(tryingAt: nil), .deadline), (.trying, .acknowledged), (.trying, .transportFailed),
      (.proceeding, .acknowledged), (.proceeding, .transportFailed), (.proceeding, .deadline),
      (.completed, .respondProvisional), (.completed, .respondSuccess),
      (.completed, .respondFailure), (.confirmed, _), (.accepted, _), (.terminated, _):
      return state
    }
  }

  /// Timers G and H: again after T1, 2*T1 … T2, given up after 64*T1.
  private func completed(
    _ again: Instant?, _ interval: Duration, _ until: Instant, at now: Instant,
    into effects: inout [Effect]
  ) -> State {
    if until <= now {
      effects.append(.timeOut)
      return .terminated
    }
    guard let again, again <= now else { return state }
    effects.append(.sendResponse)
    let longer = min(interval * 2, timers.t2)
    return .completed(again: now + longer, interval: longer, until: until)
  }
}
