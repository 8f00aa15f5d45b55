package import Elements
import Glibc
package import Switch

/// Whether the journal in a data folder is the one that its database has followed.
package enum JournalStanding: Hashable, Sendable {
  case together
  /// The database has followed one, and there is none.
  case missing
  /// It is there, and is another one, older, or damaged.
  case separate(StoreError)

  /// Why the server does not start on it; nil when it does.
  package var complaint: String? {
    switch self {
    case .together: nil
    case .missing: "The journal that the database has followed is not there any more."
    case .separate(let error): "\(error)"
    }
  }
}

extension Database {
  /// Compares journal and database, as the start of the server does; `replay` is what that does.
  ///
  /// Only looks: a tail that a crash tore stays for the start to cut.
  ///
  /// - Throws: Where the disk itself cannot be read: that is no loss yet.
  package func journalStanding(
    in folder: DataFolder, replay: (JournalBatch) throws -> Void
  ) throws(StoreError) -> JournalStanding {
    do throws(StoreError) {
      let found = try JournalRecovery(in: folder, replay: replay)
      guard let oldest = found.segments.first?.header else {
        return try journalIsMissing(in: folder) ? .missing : .together
      }
      try checkFollows(oldest.identity, from: oldest.firstBatch, through: found.last)
      return .together
    } catch {
      switch error {
      case .otherJournal, .journalBehind, .journalMissing: return .separate(error)
      case .journal(.disk), .journal(.newerFormat): throw error
      case .journal: return .separate(error)
      case .folder, .noInstallation, .databaseLost, .databaseDamaged, .locked, .keyExposed,
        .keyUnreadable, .keyMissing, .wrongKey, .sealBroken, .newerSchema, .olderSchema, .diskFull,
        .database, .notSynchronous:
        throw error
      }
    }
  }

  /// That the journal of this identity, with batches `oldest` to `last`, is the one that was followed so far.
  func checkFollows(
    _ identity: UInt64, from oldest: UInt64, through last: UInt64
  ) throws(StoreError) {
    for stream in JournalFollower.Stream.allCases {
      guard let (followed, sequence) = try journalPosition(stream) else {
        guard oldest == 1 else { throw .otherJournal }
        continue
      }
      guard followed == identity else { throw .otherJournal }
      guard sequence <= last else { throw .journalBehind(journal: last, database: sequence) }
    }
  }

  /// Whether a journal was followed that is not there any more; a new one must not take its place unseen.
  func journalIsMissing(in folder: DataFolder) throws(StoreError) -> Bool {
    guard !DataFolder.hasJournal(in: folder.path) else { return false }
    for stream in JournalFollower.Stream.allCases where try journalPosition(stream) != nil {
      return true
    }
    return false
  }

  /// Puts the journal of a data folder aside for good, so that the next start begins a new one.
  ///
  /// Where the database cannot say so, the journal is back where it was.
  ///
  /// - Returns: Where it is now; nil when there was none.
  package func giveUpJournal(
    in folder: DataFolder, by actor: String, at time: WallTime
  ) throws(StoreError) -> String? {
    guard access(folder.journalPath, F_OK) == 0 else {
      try acceptNewJournal(by: actor, at: time) {}
      return nil
    }
    let aside = "\(folder.journalPath).given-up-\(time.unixSeconds)"
    do throws(StoreError) {
      try acceptNewJournal(by: actor, at: time) { () throws(StoreError) in
        do throws(DiskError) { try SystemDisk().rename(folder.journalPath, to: aside) } catch {
          throw .journal(.disk(error))
        }
      }
    } catch {
      // The commit itself may have failed, after the move.
      if access(folder.journalPath, F_OK) != 0 { rename(aside, folder.journalPath) }
      throw error
    }
    return aside
  }
}
