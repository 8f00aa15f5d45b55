import Elements

/// Bounds a packet rate without a timer: the virtual scheduling algorithm of ITU-T I.371.
struct RatePolicer: Hashable, Sendable {
  private var expected: Int64 = .min
  /// Nanoseconds between packets at the agreed rate.
  private var interval: Int64
  /// How far a burst may run ahead: a second, in nanoseconds.
  private static let tolerance: Int64 = 1_000_000_000

  init(packetsPerSecond: Int) {
    interval = 1_000_000_000 / Int64(max(packetsPerSecond, 1))
  }

  /// Another rate from now on; the same again gives no second burst.
  mutating func agree(on packetsPerSecond: Int) {
    interval = RatePolicer(packetsPerSecond: packetsPerSecond).interval
  }

  @inline(__always)
  mutating func admit(at now: Instant) -> Bool {
    let start = max(expected, now.nanoseconds)
    guard start &- now.nanoseconds <= Self.tolerance else { return false }
    expected = start &+ interval
    return true
  }

  /// Packets a second that may be taken from a stream: twice what was agreed, so that nobody who
  /// keeps to it ever meets the policer.
  static func packetsPerSecond(of plan: StreamPlan) -> Int {
    switch plan.kind {
    case .audio:
      // A packet time of 1 ms is no licence for 1,000 packets a second; most phones send 20 ms anyway.
      let packetTime = min(max(plan.packetTimeMs ?? 10, 10), 20)
      return 2 * 1000 / packetTime + 20
    case .video:
      // Packets of video are 400 bytes and more on average.
      let kilobits = min(max(plan.bandwidthKbps ?? 4_000, 256), 16_000)
      return 2 * kilobits * 1000 / 8 / 400
    case .other: return 200
    case .rejected: return 1
    }
  }
}
