extension Journal {
  /// How long the oldest batch has waited that is not durable yet; zero while all are.
  package var lag: Duration { queue.withLock { $0.lag(at: .now) } }

  /// Tells of a disk that hangs: a flush that for seconds, or minutes, neither ends nor fails.
  ///
  /// The writer's thread sits in the kernel meanwhile and can say nothing. Returns when it has ended.
  func watch(_ notify: @Sendable (JournalNotice) -> Void) {
    var isStalled = false
    while !hasEnded.wait(for: options.stallPause, until: { $0 }, then: { $0 }) {
      let (lag, hasFailed) = queue.withLock { ($0.lag(at: .now), $0.hasFailed) }
      if lag < options.stallAfter {
        if isStalled { notify(.resumed) }
        isStalled = false
      } else if !isStalled, !hasFailed {
        isStalled = true
        notify(
          .stalled(
            """
            The journal in \(folder) waits for its disk for \(lag.components.seconds) s, and no error was reported. \
            Look at the kernel's log (dmesg), and at the storage behind that disk.
            """))
      }
    }
  }
}

extension Journal.Queue {
  fileprivate func lag(at now: ContinuousClock.Instant) -> Duration {
    (oldestTaken ?? oldestWaiting).map { now - $0 } ?? .zero
  }

  /// When the oldest batch was appended that the writer has not taken yet.
  var oldestWaiting: ContinuousClock.Instant? {
    for case .batch(sequence: _, marks: _, payload: _, isAwaited: _, let at) in items { return at }
    return nil
  }
}
