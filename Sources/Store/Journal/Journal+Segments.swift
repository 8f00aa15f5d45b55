extension Journal {
  /// The sequence up to which everything is durable.
  package var durableThrough: UInt64 { progress.withLock { $0.durableThrough } }

  /// How many segments stand in the folder, for status and for the doctor.
  package var segmentCount: Int { progress.withLock { $0.segments.count } }

  /// Removes the segments that neither a restart nor the follower needs any more.
  ///
  /// The follower has everything up to `sequence` in the database.
  package func followed(through sequence: UInt64) throws(DiskError) {
    let obsolete = progress.withLock { progress in
      progress.followedThrough = max(progress.followedThrough, sequence)
      var paths: [String] = []
      while let checkpoint = progress.segments.lastIndex(where: { $0.header.kind == .checkpoint }),
        checkpoint > 0,
        progress.segments[1].header.firstBatch <= progress.followedThrough + 1
      {
        paths.append(progress.segments.removeFirst().path)
      }
      return paths
    }
    for path in obsolete { try disk.remove(path) }
  }
}
