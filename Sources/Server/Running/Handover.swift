import Directory
package import Switch
import Synchronization

/// Brings the stored configuration to the running switch, however busy that is.
///
/// A lane whose mailbox is full refuses. Then it is asked again for a while, so that the person who gave the
/// command sees it in force; and behind that in the background, until the switch has it.
package final class Handover: Sendable {
  package enum Outcome: Hashable, Sendable {
    case inForce
    /// The switch goes on by the configuration before, and takes the stored one as soon as it can.
    case later

    /// What the person is told besides what has changed; nil while all is as it should be.
    package var note: String? {
      switch self {
      case .inForce: nil
      case .later:
        """
        It is stored, and the running server is too busy to go by it yet. It takes it by itself as soon as \
        it can, and its log then says \"configuration in force\". Do not give the command again.
        """
      }
    }
  }

  package struct Patience: Sendable {
    /// Between two attempts while a person waits, and how many of them there are.
    package var pause = Duration.milliseconds(100)
    package var attempts = 50
    /// Between two attempts in the background.
    package var laterPause = Duration.seconds(1)

    package init() {}
  }

  /// The configuration that is stored, with its revision.
  private let stored: @Sendable () -> Rulebook
  private let ask: @Sendable (SwitchCommand) async -> CommandReply
  /// Told when the switch goes by it; true where nobody waited for it any more.
  private let taken: @Sendable (_ isLate: Bool) -> Void
  private let patience: Patience
  private let background = Mutex<Task<Void, Never>?>(nil)

  package init(
    of stored: @escaping @Sendable () -> Rulebook,
    to ask: @escaping @Sendable (SwitchCommand) async -> CommandReply,
    patience: Patience = Patience(), taken: @escaping @Sendable (_ isLate: Bool) -> Void
  ) {
    (self.stored, self.ask, self.patience, self.taken) = (stored, ask, patience, taken)
  }

  /// Puts what is stored in force for the next call.
  package func bring() async -> Outcome {
    for attempt in 1...patience.attempts {
      if await attemptOnce() != nil {
        taken(false)
        return .inForce
      }
      if attempt < patience.attempts { try? await Task.sleep(for: patience.pause) }
    }
    goOnInBackground()
    return .later
  }

  /// Gives up what the switch has not taken: it is stored, and the next start goes by it.
  package func stop() {
    background.withLock { $0?.cancel() }
  }

  /// The revision that the switch has taken; nil while it takes none.
  ///
  /// What was stored meanwhile follows at once, so that of two commands the later one holds in the end.
  private func attemptOnce() async -> UInt64? {
    while true {
      let rulebook = stored()
      let revision = rulebook.directory.revision
      if case .refused = await ask(.adopt(rulebook)) { return nil }
      if stored().directory.revision == revision { return revision }
    }
  }

  private func goOnInBackground() {
    background.withLock { task in
      // One that runs brings what is stored by then, too: it looks again before it ends.
      guard task == nil else { return }
      task = Task {
        while !Task.isCancelled {
          try? await Task.sleep(for: patience.laterPause)
          guard let revision = await attemptOnce() else { continue }
          taken(true)
          let isLast = background.withLock { task in
            guard stored().directory.revision == revision else { return false }
            task = nil
            return true
          }
          if isLast { return }
        }
      }
    }
  }
}
