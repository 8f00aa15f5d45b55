package import Elements

/// How soon a peer is asked again: at once while it has news, for as long as nobody could live on that.
///
/// Each answer with news is a write to the disk, and each entry a signature to verify, whatever becomes of it.
package struct PeerPace: Sendable {
  /// A peer that answers without news, and without waiting for any, is asked no faster than this.
  private static let calm = Duration.seconds(1)
  /// Between two answers of one who has much to say.
  private static let between = Duration.milliseconds(100)
  /// What an answer and an entry cost of the time, and how much may be spent at once: 60 answers, 50,000 entries.
  private static let answer = (cost: Duration.seconds(1), room: Duration.seconds(60))
  private static let entry = (cost: Duration.milliseconds(2), room: Duration.seconds(100))

  /// Until when both are paid for.
  private var answersPaid = Instant.start
  private var entriesPaid = Instant.start

  package init() {}

  /// The pause after an answer with so many entries, which was waited for so long.
  package mutating func pause(after entries: Int, waited: Duration, at now: Instant) -> Duration {
    guard entries > 0 else { return max(.zero, Self.calm - waited) }
    answersPaid = max(answersPaid, now) + Self.answer.cost
    entriesPaid = max(entriesPaid, now) + Self.entry.cost * entries
    return max(
      Self.between, answersPaid - now - Self.answer.room, entriesPaid - now - Self.entry.room)
  }
}
