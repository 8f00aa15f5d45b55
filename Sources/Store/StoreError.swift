/// Why the store cannot be opened or used: what happened, and the way out.
package enum StoreError: Error, Hashable, CustomStringConvertible {
  case folder(path: String, reason: String)
  /// Nothing was ever started or applied in this folder, or it is not there.
  case noInstallation(path: String)
  /// A journal is there and its database is not, or has no byte in it.
  case databaseLost(path: String, isEmpty: Bool)
  /// The file is no database, or not any more.
  case databaseDamaged(doing: String, reason: String)
  /// Another process works in this folder.
  case locked(path: String, process: Int32?)
  case keyExposed(path: String, mode: UInt16)
  case keyUnreadable(path: String, reason: String)
  case keyMissing(path: String)
  case wrongKey(path: String)
  /// A sealed value was altered, or moved from another row.
  case sealBroken(place: String)
  case newerSchema(found: Int, known: Int)
  case olderSchema(found: Int, known: Int)
  case diskFull(doing: String)
  case database(doing: String, reason: String)
  /// FULL could not be set: a committed row might not survive a power cut.
  case notSynchronous(level: Int)
  case journal(JournalError)
  /// The database has followed further than the journal goes: they are not of one piece.
  case journalBehind(journal: UInt64, database: UInt64)
  case otherJournal
  case journalMissing

  package var description: String {
    switch self {
    case .folder(let path, let reason):
      """
      The data folder \(path) cannot be used: \(reason). Name another one with --data, run this as the user the \
      server runs as, or give this user the right to write there.
      """
    case .noInstallation(let path):
      """
      There is no installation in \(path). Name the right folder with --data; `martinet serve` and \
      `martinet apply` make a new one.
      """
    case .databaseLost(let path, let isEmpty):
      """
      There is a journal and \(isEmpty ? "an empty" : "no") database in \(path): the configuration and \
      all records are gone, and what the journal has of money and blocks must not fall to new accounts. \
      Restore the whole folder from one backup, or begin a new installation in another folder, with --data.
      """
    case .databaseDamaged(let doing, let reason):
      """
      The database is damaged (\(doing): \(reason)). Restore the whole data folder from one backup, or \
      begin a new installation in another folder, with --data.
      """
    case .locked(let path, let process):
      """
      Another server\(process.map { " (process \($0))" } ?? "") works in \(path). Stop that one, or \
      name another folder with --data.
      """
    case .keyExposed(let path, let mode):
      """
      The master key \(path) can be read by others (mode \(String(mode, radix: 8))). Run \
      `chmod 600 \(path)`; if others had access to this machine, change the phones' passwords.
      """
    case .keyUnreadable(let path, let reason):
      """
      The master key \(path) cannot be read: \(reason). It holds lines of a number and 64 \
      hexadecimal digits; restore it from where you keep a copy.
      """
    case .keyMissing(let path):
      """
      The database was sealed under a master key that is not there any more. Put \(path) back; \
      without it the phones' credentials cannot be read.
      """
    case .wrongKey(let path):
      "The master key \(path) is not the one this database was sealed under. Put the right one back."
    case .sealBroken(let place):
      """
      The sealed value in \(place) was altered outside of this program or is damaged. Restore the \
      data folder from a backup.
      """
    case .newerSchema(let found, let known):
      """
      The database has schema \(found) and this program knows up to \(known): it was written by a \
      newer version. Start that one, or restore a backup from before the update.
      """
    case .olderSchema(let found, let known):
      """
      The database has schema \(found) and this program works with \(known). `martinet serve` or `martinet apply` \
      brings it up; the version that wrote it cannot open it then, so copy the whole data folder first.
      """
    case .diskFull(let doing):
      "The disk is full, so \(doing) failed. Free some space; the server then goes on by itself."
    case .database(let doing, let reason):
      "The database failed while \(doing): \(reason)."
    case .notSynchronous(let level):
      """
      SQLite runs with synchronous = \(level) instead of 2 (FULL), so a power cut could undo what \
      was confirmed. This build of SQLite cannot be used.
      """
    case .journal(let error): error.description
    case .journalBehind(let journal, let database):
      """
      The journal ends with entry \(journal), but the database has seen entry \(database): one of \
      the two was restored or removed without the other. Restore the whole data folder from one \
      backup, or see what giving the journal up would cost: `martinet recover`.
      """
    case .journalMissing:
      """
      The journal that the database has followed is not there any more. Restore the whole data \
      folder from one backup, or see what giving the journal up would cost: `martinet recover`.
      """
    case .otherJournal:
      """
      The journal in the data folder is not the one the database has followed. Restore the whole \
      data folder from one backup, or see what giving the journal up would cost: `martinet recover`.
      """
    }
  }
}
