package import Switch

/// Where the signalling lane hands its journal batches; called on the lane, must not wait.
package protocol JournalSink: Sendable {
  /// Takes the next batch. False: it cannot be taken, and nothing after it until a checkpoint.
  func append(_ batch: JournalBatch) -> Bool
  /// Takes the whole state as of `sequence`, to be gone through later, on any thread.
  func checkpoint(at sequence: UInt64, _ state: Checkpoint)
}

/// What a ``LaneGroup`` tells the rest of the server.
package struct LaneDoors: Sendable {
  package var journal: any JournalSink
  /// Called on the signalling lane, once in a turn, in order; must not wait.
  package var publish: @Sendable ([Publication]) -> Void
  /// A lane's loop broke: nothing is served any more, the process should end and start again.
  package var failed: @Sendable (NetError) -> Void

  package init(
    journal: any JournalSink, publish: @escaping @Sendable ([Publication]) -> Void,
    failed: @escaping @Sendable (NetError) -> Void
  ) {
    (self.journal, self.publish, self.failed) = (journal, publish, failed)
  }
}

/// What the lanes have counted, for metrics.
package struct LaneCounters: Hashable, Sendable {
  package var datagramsReceived: UInt64 = 0
  package var datagramsSent: UInt64 = 0
  /// Longer than any datagram may be: cut by the kernel and not read.
  package var datagramsTruncated: UInt64 = 0
  /// Dropped by the kernel: too many waited, or strangers were thinned out in a siege.
  package var datagramsUnheard: UInt64 = 0
  /// Times that strangers could not be thinned out: the kernel took no program, or more are known than it can be told.
  package var sievesRefused: UInt64 = 0
  /// Refused by the kernel or by a full queue.
  package var datagramsUnsent: UInt64 = 0
  package var streamMessages: UInt64 = 0
  package var turns: UInt64 = 0
  /// Packets passed on by all media lanes.
  package var packetsRelayed: UInt64 = 0

  package init() {}
}
