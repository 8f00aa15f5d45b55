/// Why a journal cannot be opened or read.
package enum JournalError: Error, Hashable, CustomStringConvertible {
  case disk(DiskError)
  /// Something that was confirmed is not readable any more.
  case damaged(path: String, offset: Int, after: UInt64, what: String)
  /// A segment between two others is not there.
  case missingSegment(path: String)
  case foreignSegment(path: String)
  case newerFormat(path: String, version: UInt32)
  /// The owner could not make sense of an intact entry.
  case unreadableEntry(path: String, sequence: UInt64, reason: String)

  package var description: String {
    switch self {
    case .disk(let error): "The journal \(error)"
    case .damaged(let path, let offset, let sequence, let what):
      """
      The journal is damaged: \(what) in \(path) at byte \(offset), after entry \(sequence). \
      Nothing was changed. Restore the data folder from a backup. To go on without one, and forget \
      what was spent and recorded after entry \(sequence), move this segment and all later ones out \
      of the folder.
      """
    case .missingSegment(let path):
      """
      The journal segment \(path) is missing, though there are later ones. Put it back, or restore \
      the data folder from a backup.
      """
    case .foreignSegment(let path):
      """
      \(path) belongs to another journal than the segments beside it. Move the file out of the \
      folder, or restore the data folder from a backup.
      """
    case .newerFormat(let path, let version):
      "\(path) has format \(version), newer than this program knows. Start the newer program."
    case .unreadableEntry(let path, let sequence, let reason):
      """
      Entry \(sequence) of the journal \(path) is intact but makes no sense to this program: \
      \(reason). It was written by another version: start that one.
      """
    }
  }
}
