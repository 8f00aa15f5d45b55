import Elements
package import SIPSyntax

/// What may differ between two installations of this layer; the defaults are those of RFC 3261.
package struct SIPConfiguration: Sendable {
  package var timers = TransactionTimers()
  /// The number of the signalling lane, in every branch and tag of ours: a second lane can tell
  /// from them whose message it holds.
  package var lane: UInt8 = 0
  /// The product that we name in User-Agent and Server; nil (the default) says nothing.
  package var software: String?
  /// A longer request goes over a stream where the next hop takes one (RFC 3261 §18.1.1).
  package var datagramLimitBytes = 1_300
  /// Server transactions at a time; above it new requests get a stateless 503 with Retry-After.
  package var serverTransactionLimit = 200_000
  /// Reliable provisional responses that may wait for their turn within one transaction.
  package var provisionalQueueLimit = 8
  /// The methods that the user answers; others get 405, unknown ones 501 (RFC 3261 §8.2.1).
  package var methods: [Method] = [
    .invite, .ack, .cancel, .bye, .options, .register, .update, .prack, .info, .refer, .notify,
    .subscribe, .message,
  ]
  /// Those of ``methods`` that the user answers with a refusal of its own; Allow does not list them.
  package var refusedMethods: [Method] = [.refer, .notify, .subscribe, .message]
  /// The option tags that we take in Require and name in Supported (RFC 3261 §8.2.2.3), in lower case.
  package var options = ["100rel", "timer", "path", "outbound"]
  /// Seconds in the Retry-After of a 503 for lack of room.
  package var retryAfterSeconds = 5

  package init() {}

  /// The value of Allow (RFC 3261 §20.5).
  package var allow: [String] { methods.filter { !refusedMethods.contains($0) }.map(\.name) }
}

/// The timer values of RFC 3261, table 4.
package struct TransactionTimers: Hashable, Sendable {
  /// Round trip estimate: first interval of a retransmission.
  package var t1: Duration = .milliseconds(500)
  /// Longest interval between two retransmissions.
  package var t2: Duration = .seconds(4)
  /// How long a message stays in the network.
  package var t4: Duration = .seconds(5)
  /// When to say 100 for an INVITE that the user has not answered yet (§17.2.1).
  package var trying: Duration = .milliseconds(200)
  /// How long to absorb copies of a response to an INVITE (timer D, over 32 s).
  package var d: Duration = .seconds(32)

  package init() {}

  /// The patience of a transaction: timers B, F, H, J, L and M.
  package var patience: Duration { .nanoseconds(t1.wholeNanoseconds * 64) }
}
