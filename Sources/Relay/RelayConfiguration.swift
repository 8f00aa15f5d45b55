/// The bounds of one relay core; several lanes get port ranges of their own.
package struct RelayConfiguration: Hashable, Sendable {
  /// UDP ports for media; below the kernel's ephemeral range, so that they never collide with it.
  package var ports: ClosedRange<UInt16> = 10_000...29_999
  /// How long nobody of the last session may have been heard on a pair before another gets it.
  package var rest: Duration = .seconds(2)
  /// How long a pair rests whose party was never heard: until its INVITE has ended, and the switch has said whether it may begin yet.
  package var unheardRest: Duration = .seconds(40)
  /// After this long a pair is used again although somebody of the last session still sends to it.
  package var longestRest: Duration = .seconds(300)
  /// How long after its last packet a source is not believed by the next sessions of its pair, and how
  /// long a pair rests whose sockets were closed, so that nobody could be heard.
  ///
  /// Longer than an outage of a network after which somebody goes on who has missed the end of his call.
  package var memory: Duration = .seconds(60)
  /// Pairs that rest with their sockets open; those above it are closed.
  ///
  /// All that an address has: a closed one rests thirty times as long, and making sockets costs more than keeping them.
  package var openPairs = 32_768
  /// Pairs that rest before the first of them is used again, so that the next one cannot be told from
  /// the last.
  package var variety = 256
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
