package import Elements
package import Guard
package import SIP

/// What may differ between two installations of the switch.
///
/// Customers' settings are not here but in the directory.
package struct SwitchConfiguration: Sendable {
  package var sip = SIPConfiguration()
  package var registrar = RegistrarLimits()
  package var calls = CallLimits()
  package var trunks = TrunkTimes()
  package var edge = GuardSettings()
  /// Whether somebody wants to be told what is banned here.
  package var sharesBans = false
  /// Makes nonces; the same over a restart, so that phones' nonces stay good.
  package var nonceSecret: Secret
  /// Names and addresses by which requests may call us besides the tenants' domains.
  package var ownHosts: [String] = []
  /// Addresses of ours besides the one that a request came in on: public ones in front of a NAT.
  package var ownAddresses: Set<IPAddress> = []
  /// Where media of a family can be received that the caller's signalling did not come in by.
  package var mediaAddresses: Set<IPAddress> = []

  /// Lines of a lower level are not written, nor is their text made.
  package var logLevel = LogLine.Level.debug

  package init(nonceSecret: Secret) {
    self.nonceSecret = nonceSecret
  }
}

/// Bounds of the registrar (RFC 3261 §10.3).
package struct RegistrarLimits: Hashable, Sendable {
  /// Shorter wishes get 423 with Min-Expires.
  package var minimumSeconds: UInt32 = 60
  /// Longer wishes are cut to this.
  package var maximumSeconds: UInt32 = 7_200
  /// Granted to who names no time.
  package var defaultSeconds: UInt32 = 3_600
  /// Bindings of one extension at a time.
  package var contactsPerExtension = 10
  /// Bytes of a contact URI.
  package var contactBytes = 512
  /// Path values of one registration.
  package var pathValues = 4

  package init() {}
}

/// Bounds of calls.
package struct CallLimits: Hashable, Sendable {
  /// Calls at a time; above it callers get 503 with Retry-After.
  package var calls = 20_000
  /// Phones and trunks that one call may ring at once (RFC 5393 Max-Breadth).
  package var branches = 24
  /// Legs that one call may have over its life, with forwards and failovers; the relay takes as many.
  package var legs = 32
  /// Forwards that one call may take, counted over Diversion and History-Info too.
  package var forwards = 5
  /// How long one step rings before the next, when the directory does not say.
  package var ringTime: Duration = .seconds(30)
  /// The longest that a call may ring and play early media.
  package var unanswered: Duration = .seconds(180)
  /// The longest call.
  package var duration: Duration = .seconds(12 * 3600)
  /// The longest session interval that we ask for (RFC 4028); tenants and trunks may want less.
  package var sessionSeconds: UInt32 = 1_800
  /// Silence of both sides that ends a call; the relay reports it.
  package var silence: Duration = .seconds(120)
  /// How long a call that is being ended may wait for the answer to our BYE.
  package var ending: Duration = .seconds(35)
  /// How long a server that is told to end its calls waits for the answers to the BYEs: some copies have left by then.
  package var leaving: Duration = .seconds(3)
  /// How long the BYE of a paid call is sent again to a carrier that does not confirm it; by then its own session
  /// timer has ended the call.
  package var insistence: Duration = .seconds(1_800)
  /// How long before the expiry of a paid slice the next one is reserved.
  package var renewAhead: Duration = .seconds(2)

  package init() {}
}

/// Times of trunks.
package struct TrunkTimes: Hashable, Sendable {
  /// From the INVITE to the first provisional answer; then the next trunk is tried.
  package var attempt: Duration = .seconds(4)
  /// Between two OPTIONS probes of a trunk that is up, and of one that is down; also between two calls
  /// that try a trunk which is down and not probed.
  package var probe: Duration = .seconds(30)
  package var probeWhenDown: Duration = .seconds(10)
  /// Probes without an answer after which a trunk is down.
  package var probesMissed = 2
  /// Between two look-ups of a trunk's name.
  package var resolveAgain: Duration = .seconds(300)
  package var resolveAfterFailure: Duration = .seconds(15)
  /// First and longest wait after a failed registration; doubled each time (RFC 5626 §4.5).
  package var registerRetry: Duration = .seconds(30)
  package var registerRetryLimit: Duration = .seconds(900)
  package var registerSeconds: UInt32 = 600

  package init() {}
}
