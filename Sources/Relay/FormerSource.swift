import Elements

/// A source of an earlier session on a pair of ports, which the next one must not take for its own.
///
/// A phone that goes on after its BYE may sit behind the same NAT as the party of the next call, so
/// that its address alone would do for ``SourceLatch``.
struct FormerSource: Hashable, Sendable {
  let isControl: Bool
  private let endpoint: Endpoint
  /// What its SDP named: behind a NAT another address than `endpoint`.
  private let named: Endpoint?
  /// Its SSRC; nil: of no RTP.
  private let source: UInt32?
  private(set) var lastHeard: Instant

  init(
    _ endpoint: Endpoint, named: Endpoint?, source: UInt32?, isControl: Bool, at now: Instant
  ) {
    (self.endpoint, self.named, self.source) = (endpoint, named, source)
    (self.isControl, lastHeard) = (isControl, now)
  }

  /// Whether it may still go on.
  func isRemembered(at now: Instant, for memory: Duration) -> Bool { now < lastHeard + memory }

  /// Whether it sent this datagram; without an SSRC the endpoint is all that there is to go by.
  func sent(from remote: Endpoint, source: UInt32?, isControl: Bool) -> Bool {
    guard remote == endpoint, isControl == self.isControl else { return false }
    return source == nil || self.source == nil || source == self.source
  }

  /// Whether the next session's signalling says itself that this is its party: the same phone in its
  /// next call.
  ///
  /// By naming it, or by naming behind the same NAT what it was named before.
  func isClaimed(by latch: SourceLatch) -> Bool { latch.claims(endpoint, formerly: named) }

  mutating func heard(at now: Instant) { lastHeard = now }
}
