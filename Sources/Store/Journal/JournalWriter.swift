/// The thread behind a ``Journal``: takes what has gathered, writes it, flushes it, confirms it.
///
/// Lives on its own thread from `init` to the end of `run`; nothing of it is shared.
final class JournalWriter {
  private struct Owed {
    let sequence: UInt64
    let marks: JournalMarks
    let payload: [UInt8]
    let isAwaited: Bool
    let at: ContinuousClock.Instant
  }

  private struct Checkpoint {
    let sequence: UInt64
    let pieces: any Sequence<[UInt8]> & Sendable
  }

  private let journal: Journal
  private let notify: @Sendable (JournalNotice) -> Void
  private let spare: SpareSegment
  /// Nil after an error, until a new segment works.
  private var file: JournalFile?
  private var segment: SegmentHeader
  private var end: Int
  private var durable: UInt64
  /// Taken from the queue, not yet durable.
  private var owed: [Owed] = []
  private var owedCheckpoint: Checkpoint?
  /// Beyond this offset the owner is asked for its state.
  private var askAt = Int.max
  private var hasAsked = false
  /// Several waited for the last flush, so more are likely to come while others wait for the next.
  private var isBusy = false
  private var buffer: [UInt8] = []

  init(_ journal: Journal, notify: @escaping @Sendable (JournalNotice) -> Void) {
    (self.journal, self.notify) = (journal, notify)
    spare = SpareSegment(journal)
    let progress = journal.progress.withLock { $0 }
    let newest = progress.segments[progress.segments.count - 1]
    (segment, end, durable) = (newest.header, progress.end, progress.durableThrough)
    do throws(DiskError) {
      let file = try journal.disk.open(newest.path)
      self.file = file
      askAt = (segment.sealedBytes + file.sizeBytes) / 2
    } catch {
      journal.queue.withLock { $0.hasFailed = true }
      notify(.failed("\(error)"))
    }
  }

  func run() {
    if file != nil { spare.prepare() }
    var isClosing = false
    while !isClosing || !owed.isEmpty {
      let (items, wasClosing, hasGap) = take()
      let hadFailed = file == nil
      for item in items { accept(item) }
      // A failed disk gets one last chance when closing; what it still refuses is lost.
      attempt { () throws(DiskError) in try hadFailed ? goOn() : flush() }
      if file != nil { askForCheckpoint(hasGap: hasGap) }
      if wasClosing, file == nil || items.isEmpty { break }
      isClosing = wasClosing
    }
    if let file { journal.disk.close(file) }
    spare.discard()
  }

  /// Waits for something to do: items, the end, a gap to heal, or the time to try again.
  private func take() -> (items: [Journal.Item], isClosing: Bool, hasGap: Bool) {
    let (queue, options) = (journal.queue, journal.options)
    if file == nil {
      queue.wait(for: options.retryPause, until: \.isClosing) { _ in }
    } else {
      let hasAsked = hasAsked
      let isUrgent = { (queue: Journal.Queue) in
        queue.isClosing || queue.isAwaited || queue.next == nil && !hasAsked
      }
      queue.wait(until: { !$0.items.isEmpty || isUrgent($0) }) { _ in }
      queue.wait(for: options.patience, until: isUrgent) { _ in }
      if isBusy { queue.wait(for: options.gathering, until: \.isClosing) { _ in } }
    }
    return queue.withLock { queue in
      defer { (queue.items, queue.isAwaited) = ([], false) }
      queue.oldestTaken = queue.oldestTaken ?? queue.oldestWaiting
      return (queue.items, queue.isClosing, queue.next == nil)
    }
  }

  private func accept(_ item: Journal.Item) {
    switch item {
    case .batch(let sequence, let marks, let payload, let isAwaited, let at):
      owed.append(
        Owed(sequence: sequence, marks: marks, payload: payload, isAwaited: isAwaited, at: at))
    case .checkpoint(let sequence, let pieces):
      owedCheckpoint = Checkpoint(sequence: sequence, pieces: pieces)
    }
  }

  private func attempt(_ work: () throws(DiskError) -> Void) {
    let hadFailed = file == nil
    do throws(DiskError) {
      try work()
    } catch {
      if let file { journal.disk.close(file) }
      file = nil
      journal.queue.withLock { $0.hasFailed = true }
      if !hadFailed { notify(.failed("The journal \(error)")) }
    }
  }

  /// Writes everything owed: into the segment in use while it has room, else into the next one.
  private func flush() throws(DiskError) {
    guard let file, owedCheckpoint == nil else { return try goOn() }
    buffer.removeAll(keepingCapacity: true)
    var count = 0
    for batch in owed {
      let size = JournalFrame.sizeBytes(payloadBytes: batch.payload.count)
      guard end + buffer.count + size <= file.sizeBytes else { break }
      frame(batch).append(to: &buffer, segment: segment.number)
      count += 1
    }
    if count > 0 {
      try journal.disk.write(buffer, to: file, at: end)
      try journal.disk.sync(file)
      end += buffer.count
      confirm(count, through: owed[count - 1].sequence, newSegment: nil)
    }
    if !owed.isEmpty { try goOn() }
  }

  /// Begins the next segment: with the state if it was handed in, and with all that is owed.
  private func goOn() throws(DiskError) {
    let checkpoint = owedCheckpoint
    let base = checkpoint?.sequence ?? durable
    var draft = SegmentDraft(
      number: segment.number + 1, kind: checkpoint == nil ? .continuation : .checkpoint,
      base: base, firstBatch: owed.first?.sequence ?? base + 1, identity: journal.identity,
      durableThrough: durable)
    draft.pieces = checkpoint?.pieces ?? []
    draft.batches = owed.map(frame)
    let (next, named, start) = try draft.write(
      spare: spare.take(), folder: journal.folder, options: journal.options, disk: journal.disk)
    if let file { journal.disk.close(file) } else { notify(.recovered) }
    (file, segment, end) = (next, named.header, start)
    journal.queue.withLock { $0.hasFailed = false }
    askAt = (start + next.sizeBytes) / 2
    if checkpoint != nil { (owedCheckpoint, hasAsked) = (nil, false) }
    confirm(owed.count, through: max(base, owed.last?.sequence ?? 0), newSegment: named)
    spare.prepare()
  }

  private func frame(_ batch: Owed) -> JournalFrame {
    JournalFrame(
      .batch, marks: batch.marks, sequence: batch.sequence, durableThrough: durable,
      payload: batch.payload)
  }

  /// Only ever called after a flush without error.
  private func confirm(
    _ count: Int, through sequence: UInt64, newSegment: JournalProgress.Segment?
  ) {
    var (marks, bytes, waiters) = (JournalMarks(), 0, 0)
    for batch in owed[..<count] {
      marks.formUnion(batch.marks)
      bytes += JournalFrame.sizeBytes(payloadBytes: batch.payload.count)
      if batch.isAwaited { waiters += 1 }
    }
    isBusy = waiters > 1
    owed.removeFirst(count)
    durable = sequence
    journal.queue.withLock { queue in
      queue.bytes -= bytes
      queue.oldestTaken = owed.first?.at
    }
    journal.progress.change { progress in
      if let newSegment { progress.segments.append(newSegment) }
      (progress.end, progress.durableThrough) = (end, sequence)
      let isNews = !marks.isSubset(of: progress.waiting)
      progress.waiting.formUnion(marks)
      return isNews
    }
    notify(.durable(through: sequence))
  }

  private func askForCheckpoint(hasGap: Bool) {
    guard !hasAsked, end > askAt || hasGap else { return }
    hasAsked = true
    notify(.checkpointWanted)
  }
}

/// The next segment, made ahead on a thread of its own so that the writer does not wait for zeros.
final class SpareSegment: Sendable {
  private enum State: Sendable {
    case none, making
    case ready(JournalFile)
  }

  private let journal: Journal
  private let state = Monitor(State.none)

  init(_ journal: Journal) {
    self.journal = journal
  }

  /// Begins to make one, unless there is one; a failure shows when the segment is needed.
  func prepare() {
    let isNeeded = state.withLock { state in
      guard case .none = state else { return false }
      state = .making
      return true
    }
    guard isNeeded else { return }
    ServiceThread.start("journal spare") { [self] in
      let file = try? journal.disk.create(
        SegmentDraft.sparePath(journal.folder), sizeBytes: journal.options.segmentBytes)
      state.change { state in
        state = file.map(State.ready) ?? .none
        return true
      }
    }
  }

  /// The spare file, waiting for one in the making; nil when there is none.
  func take() -> JournalFile? {
    state.wait(
      until: { if case .making = $0 { false } else { true } },
      then: { state in
        defer { state = .none }
        return if case .ready(let file) = state { file } else { nil }
      })
  }

  func discard() {
    if let file = take() { journal.disk.close(file) }
  }
}
