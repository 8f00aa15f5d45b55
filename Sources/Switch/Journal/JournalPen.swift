import Elements

/// The write-ahead side of the journal: gathers the entries of one event, numbers the batch, and knows
/// what is durable.
struct JournalPen: Sendable {
  private var pending: [JournalEntry] = []
  private var isAwaited = false
  /// Where in this batch the mark of a call stands that names no hold yet.
  private var opened: (call: CallID, place: Int)?
  /// The number of the last batch that was handed over.
  private(set) var sequence: UInt64 = 0
  private(set) var durableThrough: UInt64 = 0
  /// Set when the disk failed: nothing that costs money may begin any more.
  private(set) var failure: String?

  /// The number that the batch of this event gets if it has any entry.
  var nextSequence: UInt64 { sequence + 1 }

  /// This event has something to write.
  var hasPending: Bool { !pending.isEmpty }

  mutating func write(_ entry: JournalEntry) { pending.append(entry) }

  /// Writes what is known of a call by now, in place of what this batch says of it without a hold.
  mutating func open(_ record: CallDetailRecord) {
    if let opened, opened.call == record.call { pending.remove(at: opened.place) }
    opened = record.hold == nil ? (record.call, pending.count) : nil
    pending.append(.call(.open(record.call, record)))
  }

  /// Says that somebody waits until what this event writes is durable.
  mutating func hurry() { isAwaited = true }

  /// Ends the event: its batch, if there is anything to write.
  mutating func takeBatch() -> JournalBatch? {
    defer { (isAwaited, opened) = (false, nil) }
    guard !pending.isEmpty else { return nil }
    sequence += 1
    // Handed over with its memory: kept, each batch would have as much as the largest ever.
    var entries: [JournalEntry] = []
    swap(&entries, &pending)
    return JournalBatch(sequence: sequence, entries: entries, isAwaited: isAwaited)
  }

  mutating func confirm(through number: UInt64) {
    durableThrough = max(durableThrough, min(number, sequence))
    if durableThrough == sequence { failure = nil }
  }

  mutating func fail(_ reason: String) { failure = reason }

  /// A batch read back: it is on disk, and the next one follows it.
  mutating func replayed(_ number: UInt64) {
    sequence = max(sequence, number)
    durableThrough = sequence
  }
}
