import Elements

/// What the journal tells its owner, on the writer's thread: keep it short, pass it on.
package enum JournalNotice: Hashable, Sendable {
  /// Every batch up to this sequence survives a power cut.
  case durable(through: UInt64)
  /// Nothing more is confirmed until ``recovered``; the text says why and what mends it.
  case failed(String)
  case recovered
  /// The disk neither writes nor says why: what was appended some seconds ago is not durable yet. Until ``resumed``.
  case stalled(String)
  case resumed
  /// The segment is well filled: hand in the state (``Journal/checkpoint(at:pieces:)``).
  case checkpointWanted
}

/// The one file that is written before anything that costs money happens (docs/decisions/0004, 0015).
///
/// One owner appends, in order of sequence; one thread writes what has gathered, flushes and then
/// confirms. A flush costs far more than an entry, so there are as few as the owner can do with: what
/// somebody waits for is flushed at once, or together while several wait; all else rides along with
/// that, or waits ``Options/patience``. What is confirmed was flushed without error: there is no
/// false confirmation.
///
///     closed ──start──▶ writing ──disk error──▶ failed ──next segment works──▶ writing
///
/// After an error the file in use is given up, since the kernel may have lost pages of it. The writer
/// tries a new segment every second and writes everything unconfirmed again, from memory.
package final class Journal: Sendable {
  package struct Options: Sendable {
    package var segmentBytes = 16 << 20
    /// What may wait in memory for a slow or failed disk; beyond it appends are refused.
    package var queueBytes = 64 << 20
    /// How long those who wait gather for one flush while there are several for each.
    package var gathering = Duration.milliseconds(4)
    /// How long a batch that nobody waits for may stay in memory before it is flushed by itself.
    package var patience = Duration.milliseconds(20)
    /// Between two attempts to go on after an error.
    package var retryPause = Duration.seconds(1)
    /// How long a batch may wait for its flush before that is told, and how often that is looked at.
    package var stallAfter = Duration.seconds(5)
    package var stallPause = Duration.seconds(1)

    package init() {}
  }

  enum Item: Sendable {
    case batch(
      sequence: UInt64, marks: JournalMarks, payload: [UInt8], isAwaited: Bool,
      at: ContinuousClock.Instant)
    case checkpoint(sequence: UInt64, pieces: any Sequence<[UInt8]> & Sendable)
  }

  struct Queue: Sendable {
    var items: [Item] = []
    var bytes = 0
    /// Somebody waits for one of them.
    var isAwaited = false
    /// When the oldest batch was appended that the writer has taken and not flushed yet.
    var oldestTaken: ContinuousClock.Instant?
    /// The writer was told of an error, and has told its owner.
    var hasFailed = false
    /// The next sequence that follows on; nil after a refusal, until a checkpoint closes the gap.
    var next: UInt64?
    var isClosing = false
    /// The writer has let go of the file.
    var isClosed = false
  }

  let folder: String
  let disk: any JournalDisk
  let options: Options
  let identity: UInt64
  let queue: Monitor<Queue>
  let progress: Monitor<JournalProgress>
  /// The writer has ended, and with it those who watch it.
  let hasEnded = Monitor(false)

  /// The sequence of the last batch found when opening; the owner goes on behind it.
  package let lastRecovered: UInt64

  /// Opens or makes the journal in `folder` and replays it.
  ///
  /// `replay` gets the pieces of the newest checkpoint, then each later batch, in order. An error
  /// names file and offset and says how to mend it.
  package init(
    folder: String, options: Options = Options(), disk: any JournalDisk = SystemDisk(),
    replay: (JournalFrame) throws -> Void
  ) throws(JournalError) {
    let found = try JournalRecovery(folder: folder, disk: disk, replay: replay)
    try found.cutTornTail()
    (self.folder, self.options, self.disk) = (folder, options, disk)
    lastRecovered = found.last
    var progress = JournalProgress(
      segments: found.segments.map { .init(path: $0.path, header: $0.header) }, end: found.end,
      durableThrough: found.last)
    if let newest = found.segments.last?.header {
      identity = newest.identity
    } else {
      identity = .random(in: 1...UInt64(Int64.max))
      do throws(DiskError) {
        progress = try .first(folder: folder, identity: identity, options: options, disk: disk)
      } catch { throw .disk(error) }
    }
    self.progress = Monitor(progress)
    queue = Monitor(Queue(next: found.last + 1))
  }

  /// Starts the writer's thread; until then appended batches wait.
  package func start(_ notify: @escaping @Sendable (JournalNotice) -> Void) {
    ServiceThread.start("journal") { [self] in
      let writer = JournalWriter(self, notify: notify)
      writer.run()
      hasEnded.change {
        $0 = true
        return true
      }
      queue.change {
        $0.isClosed = true
        return true
      }
    }
    ServiceThread.start("journal watch") { [self] in watch(notify) }
  }

  /// Queues a batch to be written; never waits for the disk.
  ///
  /// `sequence` is one more than that of the batch before. False when the queue is full: the batch
  /// is dropped, and so is everything after it until a checkpoint has been handed in. New paid calls
  /// are then to be refused. `isAwaited`: somebody waits until it is durable.
  @discardableResult
  package func append(
    sequence: UInt64, marks: JournalMarks, payload: [UInt8], isAwaited: Bool = true
  ) -> Bool {
    invariant(
      payload.count <= JournalFrame.maximumPayloadBytes, "a batch of \(payload.count) bytes")
    var isAccepted = false
    queue.change { queue in
      guard let next = queue.next, !queue.isClosing else { return false }
      invariant(sequence == next, "journal batch \(sequence) after \(next - 1)")
      let size = JournalFrame.sizeBytes(payloadBytes: payload.count)
      guard queue.bytes + size <= options.queueBytes else {
        queue.next = nil
        return true  // The writer asks for a checkpoint.
      }
      queue.items.append(
        .batch(
          sequence: sequence, marks: marks, payload: payload, isAwaited: isAwaited, at: .now))
      queue.bytes += size
      queue.next = next + 1
      isAccepted = true
      let isNews = queue.items.count == 1 || isAwaited && !queue.isAwaited
      queue.isAwaited = queue.isAwaited || isAwaited
      return isNews
    }
    return isAccepted
  }

  /// Queues the whole state as of `sequence`, to begin a new segment with.
  ///
  /// The writer's thread goes through `pieces`, and after an error of the disk again; each is written
  /// before the next is asked for.
  package func checkpoint(at sequence: UInt64, pieces: some Sequence<[UInt8]> & Sendable) {
    queue.change { queue in
      guard !queue.isClosing else { return false }
      queue.items.append(.checkpoint(sequence: sequence, pieces: pieces))
      queue.isAwaited = true
      queue.next = sequence + 1
      return true
    }
  }

  /// Writes what is queued, then stops the writer; returns when it has let go of the file.
  package func close() {
    queue.change {
      $0.isClosing = true
      return true
    }
    queue.wait(until: \.isClosed) { _ in }
  }
}
