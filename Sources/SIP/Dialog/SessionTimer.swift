package import Elements
package import SIPSyntax

/// What a request or response says about session timers.
package struct SessionTimerOffer: Hashable, Sendable {
  /// Session-Expires, in seconds.
  package var interval: UInt32?
  package var refresher: SessionExpires.Refresher?
  /// Min-SE, in seconds.
  package var minimum: UInt32?
  /// Supported has "timer".
  package var isSupported: Bool

  package init(
    interval: UInt32? = nil, refresher: SessionExpires.Refresher? = nil, minimum: UInt32? = nil,
    isSupported: Bool
  ) {
    (self.interval, self.refresher) = (interval, refresher)
    (self.minimum, self.isSupported) = (minimum, isSupported)
  }

  /// What a message says; an illegible Session-Expires counts as none.
  package init(_ message: Message) {
    let field = (try? message.sessionExpires()) ?? nil
    self.init(
      interval: field?.seconds, refresher: field?.refresher, minimum: message.minSE,
      isSupported: message.supported.contains("timer") || message.require.contains("timer"))
  }
}

/// What we want of session timers.
package struct SessionTimerPolicy: Hashable, Sendable {
  /// The interval that we ask for, in seconds.
  package var preferred: UInt32
  /// The shortest that we take, in seconds: at least 90 (RFC 4028 §5).
  package var minimum: UInt32

  package init(preferred: UInt32 = 1_800, minimum: UInt32 = 90) {
    self.minimum = max(minimum, 90)
    self.preferred = max(preferred, self.minimum)
  }
}

/// The agreement of both sides for one session.
package struct SessionTimerTerms: Hashable, Sendable {
  /// Seconds between two refreshes at most.
  package let interval: UInt32
  package let refresher: SessionExpires.Refresher
  /// The response must say Require: timer, because the UAC is to refresh (RFC 4028 §9).
  package let requiresTimer: Bool

  /// The header field that says so.
  package var sessionExpires: SessionExpires {
    SessionExpires(seconds: interval, refresher: refresher)
  }
}

/// The answer of a UAS to the timer part of an INVITE or UPDATE.
package enum SessionTimerVerdict: Hashable, Sendable {
  /// Answer 422 with Min-SE of this many seconds.
  case tooSmall(minimum: UInt32)
  case agreed(SessionTimerTerms)
  /// Neither side wants one.
  case none
}

/// The session timer of one dialog, RFC 4028: refresh at half of the interval, end in time without.
///
///     idle ──start──▶ running ──half, we refresh──▶ running (refresh is due)
///     running ──refreshed──▶ running          running ──end──▶ expired
package struct SessionTimer: Hashable, Sendable {
  package enum Effect: Hashable, Sendable {
    /// Send a re-INVITE or UPDATE with the same Session-Expires.
    case refresh
    /// The peer is gone: send BYE.
    case expire
  }

  package enum State: Hashable, Sendable {
    case idle
    case running(refreshAt: Instant?, expiresAt: Instant)
    case expired
  }

  package private(set) var state = State.idle
  package private(set) var terms: SessionTimerTerms?

  package init() {}

  package var deadline: Instant? {
    switch state {
    case .running(let refreshAt, let expiresAt): refreshAt ?? expiresAt
    case .idle, .expired: nil
    }
  }

  /// Begins, or begins anew after a refresh, with what request and 2xx agreed upon.
  ///
  /// Call it again for each refresh, ours or the peer's; `isOurs` says that we are the refresher.
  package mutating func start(_ terms: SessionTimerTerms, isOurs: Bool, at now: Instant) {
    self.terms = terms
    let seconds = Int64(terms.interval)
    // RFC 4028 §10: the one who does not refresh sends BYE slightly before the end.
    let margin = min(32, seconds / 3)
    state = .running(
      refreshAt: isOurs ? now + .seconds(seconds / 2) : nil,
      expiresAt: now + .seconds(seconds - margin))
  }

  /// The sides agreed to have no timer.
  package mutating func stop() {
    (state, terms) = (.idle, nil)
  }

  package mutating func handleDeadline(at now: Instant, into effects: inout [Effect]) {
    state = next(at: now, into: &effects)
  }

  private func next(at now: Instant, into effects: inout [Effect]) -> State {
    switch state {
    case .running(let refreshAt?, let expiresAt) where expiresAt > now:
      guard refreshAt <= now else { return state }
      effects.append(.refresh)
      return .running(refreshAt: nil, expiresAt: expiresAt)
    case .running(_, let expiresAt):
      guard expiresAt <= now else { return state }
      effects.append(.expire)
      return .expired
    case .idle, .expired:
      return state
    }
  }
}

extension SessionTimerPolicy {
  /// The UAS's part (RFC 4028 §9): take, lower or set the interval, and choose who refreshes.
  package func answer(_ offer: SessionTimerOffer) -> SessionTimerVerdict {
    if let interval = offer.interval, interval < minimum {
      // A UAC that does not know timers cannot understand 422: a proxy put it there.
      return offer.isSupported ? .tooSmall(minimum: minimum) : .none
    }
    let floor = max(minimum, offer.minimum ?? 0)
    let wanted = offer.interval.map { min($0, max(preferred, floor)) } ?? max(preferred, floor)
    guard offer.isSupported else {
      // Table 2: the UAC cannot refresh, so we do.
      return .agreed(
        SessionTimerTerms(interval: wanted, refresher: .uas, requiresTimer: false))
    }
    let refresher = offer.refresher ?? SessionExpires.Refresher.uac
    return .agreed(
      SessionTimerTerms(
        interval: wanted, refresher: refresher, requiresTimer: refresher == .uac))
  }

  /// The UAC's part (RFC 4028 §7.2): what a 2xx means for us; nil when the session has no timer.
  package func terms(after response: SessionTimerOffer) -> SessionTimerTerms? {
    guard let interval = response.interval, interval >= 1 else { return nil }
    // §7.2: without a refresher parameter in the response it is us.
    return SessionTimerTerms(
      interval: max(interval, 90), refresher: response.refresher ?? .uac, requiresTimer: false)
  }

  /// The offer to repeat an INVITE with after 422 (RFC 4028 §7.3).
  package func raised(to minimum: UInt32) -> SessionTimerPolicy {
    SessionTimerPolicy(
      preferred: max(preferred, minimum), minimum: max(self.minimum, minimum))
  }
}
