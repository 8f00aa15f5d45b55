/// Reads durable batches in order, behind the writer: the follower's place in the journal.
struct JournalCursor {
  private let journal: Journal
  /// Everything up to here has been handed out.
  private(set) var position: UInt64
  /// What batches before ``position`` hold, since whoever asks last emptied this; at first all may be.
  var seen: JournalMarks = [.record, .alert, .binding]
  private var file: JournalFile?
  private var segment: JournalProgress.Segment?
  private var offset = 0

  private static let chunkBytes = 256 << 10

  init(_ journal: Journal, after position: UInt64) {
    (self.journal, self.position) = (journal, position)
  }

  /// The next batches after ``position``, some 256 KB of them; empty when there is no more as yet.
  ///
  /// Batches without any of the marks in `wanted` are passed over.
  mutating func next(wanted: JournalMarks) throws(JournalError) -> [JournalFrame] {
    var frames: [JournalFrame] = []
    var isMore = true
    while frames.isEmpty, isMore { isMore = try advance(wanted: wanted, into: &frames) }
    return frames
  }

  func close() {
    if let file { journal.disk.close(file) }
  }

  /// Goes to where `other` is: what lies between is not wanted.
  mutating func catchUp(with other: JournalCursor) {
    guard position < other.position else { return }
    close()
    (file, segment, offset, position) = (nil, other.segment, other.offset, other.position)
  }

  /// Reads one chunk or steps to the next segment; false when all that is durable has been seen.
  private mutating func advance(
    wanted: JournalMarks, into frames: inout [JournalFrame]
  ) throws(JournalError) -> Bool {
    let progress = journal.progress.withLock { $0 }
    let (current, following) = try locate(in: progress.segments)
    let file = try open(current)
    let limit = following == nil ? progress.end : file.sizeBytes
    let stop = following?.header.firstBatch ?? progress.durableThrough + 1
    let read = try read(
      from: file, limit: limit, segment: current, stop: stop, wanted: wanted, into: &frames)
    if read { return true }
    guard let following else { return false }
    guard position + 1 >= following.header.firstBatch else {
      throw .damaged(
        path: current.path, offset: offset, after: position, what: "a confirmed entry is gone")
    }
    try step(to: following)
    return true
  }

  /// The segment that holds the batch after `position`, and the one behind it.
  private mutating func locate(
    in segments: [JournalProgress.Segment]
  ) throws(JournalError) -> (JournalProgress.Segment, JournalProgress.Segment?) {
    let index =
      segment.flatMap { segment in segments.firstIndex { $0 == segment } }
      ?? segments.lastIndex { $0.header.firstBatch <= position + 1 }
    guard let index else {
      let oldest = segments[0]
      throw .damaged(
        path: oldest.path, offset: 0, after: position,
        what: "it begins with entry \(oldest.header.firstBatch), what comes before is gone")
    }
    if segment != segments[index] { try step(to: segments[index]) }
    return (segments[index], index + 1 < segments.count ? segments[index + 1] : nil)
  }

  private mutating func step(to next: JournalProgress.Segment) throws(JournalError) {
    close()
    (file, segment, offset) = (nil, next, SegmentHeader.sizeBytes)
  }

  private mutating func open(_ segment: JournalProgress.Segment) throws(JournalError) -> JournalFile
  {
    if let file { return file }
    do throws(DiskError) {
      let opened = try journal.disk.open(segment.path)
      file = opened
      return opened
    } catch { throw .disk(error) }
  }

  /// Adds the wanted batches of one chunk to `frames`; false when no whole frame was there.
  private mutating func read(
    from file: JournalFile, limit: Int, segment: JournalProgress.Segment, stop: UInt64,
    wanted: JournalMarks, into frames: inout [JournalFrame]
  ) throws(JournalError) -> Bool {
    var size = JournalCursor.chunkBytes
    while offset < limit {
      let count = min(size, limit - offset)
      let bytes: [UInt8]
      do throws(DiskError) { bytes = try journal.disk.read(file, at: offset, count: count) } catch {
        throw .disk(error)
      }
      var used = 0
      bytes.withUnsafeBytes { all in
        while let place = JournalFrame.Place(at: used, of: all, segment: segment.header.number),
          place.sequence < stop || place.kind != .batch
        {
          used += place.sizeBytes
          guard place.kind == .batch, place.sequence > position else { continue }
          position = place.sequence
          seen.formUnion(place.marks)
          guard !place.marks.isDisjoint(with: wanted) else { continue }
          frames.append(JournalFrame(place, of: all))
        }
      }
      if used > 0 {
        offset += used
        return true
      }
      // Perhaps one frame is larger than the chunk; beyond the largest there is none.
      guard count == size, size < 2 * JournalFrame.maximumPayloadBytes else { return false }
      size = 2 * JournalFrame.maximumPayloadBytes
    }
    return false
  }
}
