/// What is durable, as the writer tells the follower.
struct JournalProgress: Sendable {
  struct Segment: Hashable, Sendable {
    let path: String
    let header: SegmentHeader
  }

  /// Oldest first; the last one is being written.
  var segments: [Segment]
  /// Offset behind the last durable frame of the last segment.
  var end: Int
  var durableThrough: UInt64
  /// What durable batches that the follower has not taken yet hold.
  var waiting: JournalMarks = []
  /// The follower has everything up to here in the database.
  var followedThrough: UInt64 = 0
  /// The follower is to stop.
  var isFollowerStopping = false

  init(segments: [Segment], end: Int, durableThrough: UInt64) {
    (self.segments, self.end, self.durableThrough) = (segments, end, durableThrough)
  }

  /// Makes the first segment of a new journal: an empty checkpoint before the first batch.
  static func first(
    folder: String, identity: UInt64, options: Journal.Options, disk: any JournalDisk
  ) throws(DiskError) -> JournalProgress {
    try disk.makeFolder(folder)
    let draft = SegmentDraft(
      number: 1, kind: .checkpoint, base: 0, firstBatch: 1, identity: identity, durableThrough: 0)
    let (file, segment, end) = try draft.write(
      spare: nil, folder: folder, options: options, disk: disk)
    disk.close(file)
    return JournalProgress(segments: [segment], end: end, durableThrough: 0)
  }
}
