/// The number of a media socket: a dense index for tables, and a generation so that a packet read
/// for a closed socket never reaches the session that got its index next.
package struct SocketID: Hashable, Sendable {
  package let index: UInt32
  package let generation: UInt32

  @inlinable
  package init(index: UInt32, generation: UInt32) {
    (self.index, self.generation) = (index, generation)
  }

  /// Both numbers in one, for the 64 bits that epoll gives back.
  @inlinable package var packed: UInt64 { UInt64(generation) << 32 | UInt64(index) }

  @inlinable
  package init(packed: UInt64) {
    self.init(
      index: UInt32(truncatingIfNeeded: packed),
      generation: UInt32(truncatingIfNeeded: packed >> 32))
  }
}
