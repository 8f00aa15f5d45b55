import Elements
import RTP

/// A pair of ports between two sessions: its sockets stay open and are read, nothing is passed on.
///
/// It listens for those whom the last session would have believed, so that it knows when they have
/// stopped, and whom the next session must not believe.
struct RestingPair: Sendable {
  let port: UInt16
  let rtp: SocketID
  let rtcp: SocketID
  private let since: Instant
  private var lastHeard: Instant
  /// As the session left them.
  private let latch: SourceLatch
  private let controlLatch: SourceLatch
  /// Its party was never heard and may begin yet, as late as it likes.
  var isSpared = false
  /// Whom the next session must not believe: the last one's sources, and those that it did not.
  private(set) var formers: [FormerSource]

  /// Sources remembered for one pair; a further one takes the place of that heard longest ago.
  private static let maximumFormers = 16

  init(_ stream: borrowing MediaStream, at now: Instant, memory: Duration) {
    (port, rtp, rtcp) = (stream.port, stream.rtp, stream.rtcp)
    (since, lastHeard) = (now, now)
    (latch, controlLatch) = (stream.latch, stream.controlLatch)
    // Where a key kept them out, nobody listened for them.
    let wasDeaf = stream.inbound != nil
    formers = stream.formers.filter { wasDeaf || $0.isRemembered(at: now, for: memory) }
    if wasDeaf {
      for index in formers.indices { formers[index].heard(at: now) }
    }
    if let media = latch.current {
      remember(media, stream.statistics.source, isControl: false, at: now)
    }
    if let control = controlLatch.current { remember(control, nil, isControl: true, at: now) }
  }

  /// Notes who still sends.
  mutating func hear(
    _ bytes: RawSpan, length: Int, isControl: Bool, from remote: Endpoint, at now: Instant
  ) {
    var source: UInt32?
    if !isControl, case .rtp = DatagramKind(of: bytes, length: length) {
      source = RTPHeader(parsing: bytes, length: length, encrypted: true)?.source
    }
    let known = formers.firstIndex { $0.sent(from: remote, source: source, isControl: isControl) }
    if let known {
      formers[known].heard(at: now)
    } else {
      guard (isControl ? controlLatch : latch).judge(remote, at: now) != .stranger else { return }
      remember(remote, source, isControl: isControl, at: now)
    }
    lastHeard = now
  }

  private mutating func remember(
    _ remote: Endpoint, _ source: UInt32?, isControl: Bool, at now: Instant
  ) {
    let named = isControl ? controlLatch.named : latch.named
    let former = FormerSource(remote, named: named, source: source, isControl: isControl, at: now)
    guard formers.count >= Self.maximumFormers else { return formers.append(former) }
    let oldest = formers.indices.min { formers[$0].lastHeard < formers[$1].lastHeard }
    if let oldest { formers[oldest] = former }
  }

  /// Whether another session may have it.
  ///
  /// A party that was never heard may begin only now, such as a carrier whose answer crossed our CANCEL: nothing tells it from the next
  /// one's, so the pair rests until it is known whether it still can.
  func isRested(at now: Instant, _ configuration: RelayConfiguration) -> Bool {
    lastHeard + rest(configuration) <= now || since + configuration.longestRest <= now
  }

  private func rest(_ configuration: RelayConfiguration) -> Duration {
    if latch.current != nil { return configuration.rest }
    let hasBegun = lastHeard > since
    if hasBegun { return configuration.memory }
    return isSpared ? configuration.longestRest : configuration.unheardRest
  }

  /// Whether nobody has needed it for long.
  func isSurplus(at now: Instant, _ configuration: RelayConfiguration) -> Bool {
    since + configuration.longestRest <= now
  }
}
