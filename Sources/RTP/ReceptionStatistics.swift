package import Elements

/// How one stream arrives: packets, loss and jitter, through changes of its source (RFC 3550 §A.1, A.3, A.8).
package struct ReceptionStatistics: Hashable, Sendable {
  /// Packets received, duplicates included.
  package private(set) var packets: UInt64 = 0
  package private(set) var bytes: UInt64 = 0
  package private(set) var firstAt: Instant?
  package private(set) var lastAt: Instant?
  /// The synchronization source last heard; nil: none yet.
  package private(set) var source: UInt32?
  package private(set) var payloadType: UInt8 = 0

  private var counter = SequenceCounter(startingAt: 0)
  private var receivedOfSource: UInt32 = 0
  /// Loss of earlier sources and before restarts.
  private var lostBefore: UInt64 = 0
  private var expectedBefore: UInt64 = 0
  private var clockRate: UInt32 = 0
  private var transit: UInt32 = 0
  /// Jitter in timestamp units times 16 (§A.8).
  private var scaledJitter: UInt32 = 0
  /// ``scaledJitter`` at each packet, summed up since the clock last changed; before that in nanoseconds.
  private var jitterSum: UInt64 = 0
  private var jitterBefore = 0.0
  private var jitterSamples: UInt64 = 0

  package init() {}

  /// Counts a packet.
  ///
  /// - Parameters:
  ///   - header: Of the packet.
  ///   - length: Bytes of the whole packet.
  ///   - clockRate: Of its payload type; 0 leaves the packet out of the jitter (telephone events repeat
  ///     their timestamp, unknown types have no known clock).
  ///   - now: When it arrived.
  package mutating func count(
    _ header: RTPHeader, length: Int, clockRate: UInt32, at now: Instant
  ) {
    packets &+= 1
    bytes &+= UInt64(length)
    if firstAt == nil { firstAt = now }
    lastAt = now
    payloadType = header.payloadType
    guard header.source == source else {
      follow(header, clockRate: clockRate, at: now)
      return
    }
    switch counter.step(to: header.sequence) {
    case .ahead:
      receivedOfSource &+= 1
      measure(header.timestamp, clockRate: clockRate, at: now)
    case .behind:
      receivedOfSource &+= 1
      // In the order of arrival, not of the numbers (RFC 3550 §6.4.1).
      measure(header.timestamp, clockRate: clockRate, at: now)
    case .odd:
      break
    case .restarted:
      closeSource(expected: expectedBeforeRestart)
      receivedOfSource = 1
      forgetClock()
      measure(header.timestamp, clockRate: clockRate, at: now)
    }
    expectedBeforeRestart = counter.expected
  }

  /// What the counter expected before its last step, which a restart forgets.
  private var expectedBeforeRestart: UInt32 = 0

  private mutating func follow(_ header: RTPHeader, clockRate: UInt32, at now: Instant) {
    if source != nil { closeSource(expected: counter.expected) }
    source = header.source
    counter = SequenceCounter(startingAt: header.sequence)
    (receivedOfSource, expectedBeforeRestart) = (1, 1)
    forgetClock()
    measure(header.timestamp, clockRate: clockRate, at: now)
  }

  private mutating func closeSource(expected: UInt32) {
    expectedBefore += UInt64(expected)
    lostBefore += UInt64(expected > receivedOfSource ? expected - receivedOfSource : 0)
  }

  private mutating func forgetClock() {
    if clockRate > 0 { jitterBefore += nanoseconds(jitterSum) }
    (clockRate, jitterSum) = (0, 0)
  }

  private func nanoseconds(_ scaledJitter: UInt64) -> Double {
    Double(scaledJitter) / 16 * 1_000_000_000 / Double(clockRate)
  }

  private mutating func measure(_ timestamp: UInt32, clockRate: UInt32, at now: Instant) {
    guard clockRate > 0 else { return }
    let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let arrival =
      UInt64(bitPattern: seconds) &* UInt64(clockRate)
      &+ UInt64(bitPattern: rest) &* UInt64(clockRate) / 1_000_000_000
    let newTransit = UInt32(truncatingIfNeeded: arrival) &- timestamp
    defer { transit = newTransit }
    guard clockRate == self.clockRate else {
      // The first packet with this clock: nothing to compare with.
      if self.clockRate > 0 { scaledJitter = 0 }
      forgetClock()
      self.clockRate = clockRate
      return
    }
    let difference = Int32(bitPattern: newTransit &- transit).magnitude
    // A source that jumps by more than ten seconds set a new timestamp base: not jitter.
    guard difference < clockRate &* 10 else { return }
    scaledJitter = scaledJitter &+ difference &- ((scaledJitter &+ 8) >> 4)
    jitterSum &+= UInt64(scaledJitter)
    jitterSamples &+= 1
  }

  /// Packets that should have come, going by their sequence numbers.
  package var expected: UInt64 { expectedBefore + (source == nil ? 0 : UInt64(counter.expected)) }

  /// Packets that never came; duplicates do not make up for them below zero.
  package var lost: UInt64 {
    guard source != nil else { return 0 }
    let expected = counter.expected
    return lostBefore + UInt64(expected > receivedOfSource ? expected - receivedOfSource : 0)
  }

  /// From 0 to 1.
  package var lossShare: Double {
    expected == 0 ? 0 : min(Double(lost) / Double(expected), 1)
  }

  /// The mean of ``jitter`` over all packets that it was measured at, through changes of source and clock.
  package var meanJitter: Duration {
    guard jitterSamples > 0 else { return .zero }
    let sum = jitterBefore + (clockRate > 0 ? nanoseconds(jitterSum) : 0)
    return .nanoseconds(Int64(sum / Double(jitterSamples)))
  }

  /// The jitter at the last packet, as a report would tell it.
  package var jitter: Duration {
    guard clockRate > 0 else { return .zero }
    return .nanoseconds(Int64(scaledJitter >> 4) * 1_000_000_000 / Int64(clockRate))
  }
}
