import Synchronization

/// How many packets a media lane has passed on, where others may read it.
package final class PacketMeter: Sendable {
  private let packets = Atomic<UInt64>(0)

  package init() {}

  package var current: UInt64 { packets.load(ordering: .relaxed) }

  /// Only from the lane that counts.
  func store(_ count: UInt64) { packets.store(count, ordering: .relaxed) }
}
