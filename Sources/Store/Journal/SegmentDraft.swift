/// A new segment before it has its name: written whole, flushed, then renamed.
struct SegmentDraft {
  let number: UInt64
  let kind: SegmentHeader.Kind
  let base: UInt64
  let firstBatch: UInt64
  let identity: UInt64
  let durableThrough: UInt64
  var pieces: [[UInt8]] = []
  /// Batches that a failed disk still owes.
  var batches: [JournalFrame] = []

  init(
    number: UInt64, kind: SegmentHeader.Kind, base: UInt64, firstBatch: UInt64, identity: UInt64,
    durableThrough: UInt64
  ) {
    (self.number, self.kind, self.base) = (number, kind, base)
    (self.firstBatch, self.identity) = (firstBatch, identity)
    self.durableThrough = durableThrough
  }

  static func sparePath(_ folder: String) -> String { "\(folder)/spare" }

  /// Gives the open file, its name, and the offset behind what was written.
  ///
  /// `spare` is a preallocated file of zeros at ``sparePath(_:)``; one is made here when it is nil or
  /// too small. It is used up, even on failure.
  func write(
    spare: JournalFile?, folder: String, options: Journal.Options, disk: any JournalDisk
  ) throws(DiskError) -> (JournalFile, JournalProgress.Segment, Int) {
    let body = encodedBody()
    let end = SegmentHeader.sizeBytes + body.count
    let header = SegmentHeader(
      number: number, kind: kind, base: base, firstBatch: firstBatch, identity: identity,
      sealedBytes: end)
    // Room for as much again as it begins with, so that a large state does not fill it at once.
    let size = max(options.segmentBytes, 4 * end)
    let temporary = SegmentDraft.sparePath(folder)
    let file: JournalFile
    if let spare, spare.sizeBytes >= size {
      file = spare
    } else {
      if let spare { disk.close(spare) }
      file = try disk.create(temporary, sizeBytes: size)
    }
    let path = "\(folder)/\(SegmentHeader.fileName(number))"
    do throws(DiskError) {
      try disk.write(header.bytes + body, to: file, at: 0)
      // Renaming makes the name durable too, so this is the moment from which the segment counts.
      try disk.sync(file)
      try disk.rename(temporary, to: path)
    } catch {
      disk.close(file)
      throw error
    }
    let named = JournalFile(
      descriptor: file.descriptor, path: path, sizeBytes: file.sizeBytes)
    return (named, JournalProgress.Segment(path: path, header: header), end)
  }

  private func encodedBody() -> [UInt8] {
    var body: [UInt8] = []
    if kind == .checkpoint {
      for piece in pieces {
        JournalFrame(
          .checkpointPiece, sequence: base, durableThrough: durableThrough, payload: piece
        ).append(to: &body, segment: number)
      }
      JournalFrame(.checkpointEnd, sequence: base, durableThrough: durableThrough, payload: [])
        .append(to: &body, segment: number)
    }
    for batch in batches { batch.append(to: &body, segment: number) }
    return body
  }
}
