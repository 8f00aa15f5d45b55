/// The bounds of one relay core; several lanes get port ranges of their own.
package struct RelayConfiguration: Hashable, Sendable {
  /// UDP ports for media; below the kernel's ephemeral range, so that they never collide with it.
  package var ports: ClosedRange<UInt16> = 10_000...29_999
  /// How long a port rests before another session may get it: late packets die meanwhile.
  package var quarantine: Duration = .seconds(30)
  /// Sessions at a time.
  package var maximumSessions = 20_000
  /// Legs of a session: the caller and the branches of a parallel fork.
  package var maximumLegs = 32
  /// Streams of a leg, rejected ones included.
  package var maximumStreams = 16
  /// Pairs of ports tried before a bind is given up.
  package var bindAttempts = 4

  package init() {}
}
