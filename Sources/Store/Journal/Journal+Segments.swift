extension Journal {
  /// The sequence up to which everything is durable.
  package var durableThrough: UInt64 { progress.withLock { $0.durableThrough } }

  /// How many segments stand in the folder, for status and for the doctor.
  package var segmentCount: Int { progress.withLock { $0.segments.count } }

  /// Removes the segments that neither a restart nor the follower needs any more.
  ///
  /// The follower has everything up to `sequence` in the database.
  package func followed(through sequence: UInt64) throws(DiskError) {
    progress.withLock { $0.followedThrough = max($0.followedThrough, sequence) }
    // Oldest first, and off the list only when it is gone: a hole in the numbers would refuse the next start.
    while let path = progress.withLock(\.obsolete) {
      try disk.remove(path)
      progress.withLock { _ = $0.segments.removeFirst() }
    }
  }
}

extension JournalProgress {
  /// The oldest segment, where nobody needs it any more.
  fileprivate var obsolete: String? {
    guard let checkpoint = segments.lastIndex(where: { $0.header.kind == .checkpoint }),
      checkpoint > 0, segments[1].header.firstBatch <= followedThrough + 1
    else { return nil }
    return segments[0].path
  }
}
