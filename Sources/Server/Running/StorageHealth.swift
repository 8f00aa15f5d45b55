package import Elements
package import Logging
package import Store
import Synchronization

/// What keeps the journal or the database behind it from being written: for monitoring, and told to the operator.
package final class StorageHealth: Sendable {
  private struct Troubles {
    var journal: String?
    var stall: String?
    var database: String?
  }

  private let troubles = Mutex(Troubles())
  private let logger: Logger
  /// Goes past the journal, and past the database while that does not work.
  private let announce: @Sendable (Alert) -> Void

  package init(logger: Logger, announce: @escaping @Sendable (Alert) -> Void) {
    (self.logger, self.announce) = (logger, announce)
  }

  /// Why paid calls are refused at the moment; nil while all is well.
  package var journalComplaint: String? { troubles.withLock { $0.journal ?? $0.stall } }

  /// Why alerts and call records wait in the journal; nil while all is well.
  package var databaseComplaint: String? { troubles.withLock(\.database) }

  /// Why the server is not well, the worst first.
  package var complaint: String? { journalComplaint ?? databaseComplaint }

  /// What the journal says, which is durable up to `sequence`.
  package func hear(_ notice: JournalNotice, durableThrough sequence: UInt64, at now: WallTime) {
    switch notice {
    case .failed(let reason):
      logger.critical("the journal cannot be written, paid calls are refused: \(reason)")
      troubles.withLock { $0.journal = "the journal cannot be written: \(reason)" }
      tellOfJournal(reason, sequence, now)
    case .recovered:
      logger.warning("the journal is written again")
      troubles.withLock { $0.journal = nil }
    case .stalled(let reason):
      logger.critical("the journal's disk hangs, paid calls are refused: \(reason)")
      troubles.withLock { $0.stall = "the journal's disk hangs: \(reason)" }
      tellOfJournal(reason, sequence, now)
    case .resumed:
      logger.warning("the journal's disk hangs no longer")
      troubles.withLock { $0.stall = nil }
    case .durable, .checkpointWanted: break
    }
  }

  /// The switch's own alert waits in that journal; both have the same key, and are one alert.
  private func tellOfJournal(_ reason: String, _ sequence: UInt64, _ now: WallTime) {
    announce(
      Alert(
        .journalFailed, .critical, tenant: nil, at: now,
        key: "journal-\(sequence)-\(now.unixSeconds / 3600)",
        facts: [Alert.Fact("reason", reason)]))
  }

  /// What the follower says: while it fails, no alert of the switch reaches the outbox.
  package func hear(_ notice: JournalFollower.Notice, at now: WallTime) {
    switch notice {
    case .failed(let reason):
      logger.critical("alerts and call records wait in the journal: \(reason)")
      troubles.withLock { $0.database = "alerts and call records wait in the journal: \(reason)" }
      announce(
        Alert(
          .databaseFailed, .critical, tenant: nil, at: now,
          key: "database-\(now.unixSeconds / 3600)", facts: [Alert.Fact("reason", reason)]))
    case .recovered:
      logger.notice("alerts and call records are written again")
      troubles.withLock { $0.database = nil }
    }
  }
}
