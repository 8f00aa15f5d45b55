import Elements
import GRDB
import Switch

/// Takes call records, alerts and bindings from the journal into the database, each exactly once.
///
/// Runs on a thread of its own behind the journal's writer. The last sequence taken is written in the
/// transaction of the rows it led to, so a crash at any point repeats a whole transaction or nothing.
/// Two streams go at their own pace: records and alerts a moment after they were written, so that
/// many come over in one transaction; bindings in sweeps, where the last change of each stands for all.
package final class JournalFollower: Sendable {
  package enum Notice: Hashable, Sendable {
    /// Nothing is lost: what is not taken stays in the journal, and is tried again.
    case failed(String)
    case recovered
  }

  /// Payments go with the records.
  enum Stream: String, Sendable, CaseIterable {
    case records, bindings

    var marks: JournalMarks { self == .records ? [.record, .alert, .payment] : [.binding] }
  }

  package struct Options: Sendable {
    /// How long records wait for more of them, while there is no alert.
    package var linger = Duration.milliseconds(200)
    /// How long an alert waits for more of them: its owner is to be told within a second.
    package var alertLinger = Duration.milliseconds(50)
    /// Between two sweeps of the bindings and of segments no longer needed.
    package var sweepPause = Duration.seconds(15)
    package var retryPause = Duration.seconds(1)

    package init() {}
  }

  let journal: Journal
  let database: Database
  private let options: Options
  private let isStopped = Monitor(true)

  /// Checks that journal and database belong together.
  package init(
    _ journal: Journal, into database: Database, options: Options = Options()
  ) throws(StoreError) {
    (self.journal, self.database, self.options) = (journal, database, options)
    try database.checkFollows(
      journal.identity, from: journal.progress.withLock { $0.segments[0].header.firstBatch },
      through: journal.lastRecovered)
  }

  /// Starts to follow; what a crash left to do is done first.
  package func start(_ notify: @escaping @Sendable (Notice) -> Void) {
    isStopped.withLock { $0 = false }
    journal.progress.withLock { $0.isFollowerStopping = false }
    ServiceThread.start("journal follow") { [self] in
      run(notify)
      isStopped.change {
        $0 = true
        return true
      }
    }
  }

  /// Takes everything that is durable by now, then stops; returns when it has.
  package func stop() {
    journal.progress.change {
      $0.isFollowerStopping = true
      return true
    }
    isStopped.wait(until: { $0 }) { _ in }
  }

  /// Whether the database has everything that the journal held when it was opened.
  package var hasCaughtUp: Bool {
    guard let position = try? database.journalPosition(.records) else { return false }
    return position.sequence >= journal.lastRecovered
  }

  private func run(_ notify: @Sendable (Notice) -> Void) {
    var hasFailed = false
    while true {
      do throws(StoreError) {
        try follow {
          if hasFailed { notify(.recovered) }
          hasFailed = false
        }
        return
      } catch {
        if !hasFailed { notify(.failed("\(error)")) }
        hasFailed = true
        let isStopping = journal.progress.wait(
          for: options.retryPause, until: \.isFollowerStopping, then: \.isFollowerStopping)
        if isStopping { return }
      }
    }
  }

  /// Follows until told to stop; on an error the next call begins where the database stands.
  private func follow(_ works: () -> Void) throws(StoreError) {
    var records = JournalCursor(journal, after: try position(.records))
    var bindings = JournalCursor(journal, after: try position(.bindings))
    defer {
      records.close()
      bindings.close()
    }
    var nextSweep = ContinuousClock.now
    while true {
      let isStopping = journal.progress.withLock { progress in
        progress.waiting = []
        return progress.isFollowerStopping
      }
      try take(.records, from: &records)
      if isStopping || ContinuousClock.now >= nextSweep {
        try sweep(&records, &bindings)
        nextSweep = ContinuousClock.now + options.sweepPause
      }
      works()
      if isStopping { return }
      waitForNews(until: nextSweep)
    }
  }

  private func waitForNews(until sweep: ContinuousClock.Instant) {
    let pause = max(.zero, sweep - ContinuousClock.now)
    let wanted = Stream.records.marks
    let waiting = journal.progress.wait(
      for: pause, until: { $0.isFollowerStopping || !$0.waiting.isDisjoint(with: wanted) },
      then: \.waiting)
    guard !waiting.isDisjoint(with: wanted) else { return }
    let hurried: JournalMarks = [.alert, .payment]
    if waiting.isDisjoint(with: hurried) {
      journal.progress.wait(
        for: options.linger,
        until: { $0.isFollowerStopping || !$0.waiting.isDisjoint(with: hurried) }
      ) { _ in }
    }
    journal.progress.wait(for: options.alertLinger, until: \.isFollowerStopping) { _ in }
  }

  /// Bindings, the positions of quiet streams, and what may then be deleted.
  private func sweep(
    _ records: inout JournalCursor, _ bindings: inout JournalCursor
  ) throws(StoreError) {
    if records.seen.contains(.binding) {
      try take(.bindings, from: &bindings)
    } else {
      bindings.catchUp(with: records)
    }
    records.seen = []
    for (stream, cursor) in [(Stream.records, records), (.bindings, bindings)]
    where try position(stream) < cursor.position {
      try database.moveJournalPosition(stream, of: journal, to: cursor.position)
    }
    do throws(DiskError) {
      try journal.followed(through: min(records.position, bindings.position))
    } catch { throw .journal(.disk(error)) }
  }

  private func take(_ stream: Stream, from cursor: inout JournalCursor) throws(StoreError) {
    while true {
      let frames: [JournalFrame]
      do throws(JournalError) { frames = try cursor.next(wanted: stream.marks) } catch {
        throw .journal(error)
      }
      guard !frames.isEmpty else { return }
      try database.apply(frames, of: stream, journal: journal, through: cursor.position)
    }
  }

  private func position(_ stream: Stream) throws(StoreError) -> UInt64 {
    try database.journalPosition(stream)?.sequence ?? 0
  }
}
