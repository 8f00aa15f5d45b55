/// A new segment before it has its name: written whole, flushed, then renamed.
struct SegmentDraft {
  let number: UInt64
  let kind: SegmentHeader.Kind
  let base: UInt64
  let firstBatch: UInt64
  let identity: UInt64
  let durableThrough: UInt64
  var pieces: any Sequence<[UInt8]> & Sendable = []
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

  /// What is written at once: the whole would be in memory a second time.
  private static let chunkBytes = 128 << 10

  static func sparePath(_ folder: String) -> String { "\(folder)/spare" }

  /// Gives the open file, its name, and the offset behind what was written.
  ///
  /// `spare` is a preallocated file of zeros at ``sparePath(_:)``; one is made here when it is nil. It is
  /// used up, even on failure.
  func write(
    spare: JournalFile?, folder: String, options: Journal.Options, disk: any JournalDisk
  ) throws(DiskError) -> (JournalFile, JournalProgress.Segment, Int) {
    let temporary = SegmentDraft.sparePath(folder)
    let file =
      if let spare { spare } else {
        try disk.create(temporary, sizeBytes: options.segmentBytes)
      }
    let path = "\(folder)/\(SegmentHeader.fileName(number))"
    do throws(DiskError) {
      let end = try writeBody(to: file, disk: disk)
      // Room for as much again as it begins with, so that a large state does not fill it at once.
      let size = max(file.sizeBytes, 4 * end)
      let written = max(file.sizeBytes, end)
      if size > written { try disk.fill(file, from: written, to: size) }
      let header = SegmentHeader(
        number: number, kind: kind, base: base, firstBatch: firstBatch, identity: identity,
        sealedBytes: end)
      try disk.write(header.bytes, to: file, at: 0)
      // Renaming makes the name durable too, so this is the moment from which the segment counts.
      try disk.sync(file)
      try disk.rename(temporary, to: path)
      let named = JournalFile(descriptor: file.descriptor, path: path, sizeBytes: size)
      return (named, JournalProgress.Segment(path: path, header: header), end)
    } catch {
      disk.close(file)
      throw error
    }
  }

  /// Writes everything behind the header, a chunk at a time; gives the offset behind it.
  private func writeBody(
    to file: JournalFile, disk: any JournalDisk
  ) throws(DiskError) -> Int {
    var (chunk, end): ([UInt8], Int) = ([], SegmentHeader.sizeBytes)
    func put(_ frame: JournalFrame) throws(DiskError) {
      frame.append(to: &chunk, segment: number)
      if chunk.count >= Self.chunkBytes { try flush() }
    }
    func flush() throws(DiskError) {
      try disk.write(chunk, to: file, at: end)
      end += chunk.count
      chunk.removeAll(keepingCapacity: true)
    }
    if kind == .checkpoint {
      for piece in pieces {
        try put(
          JournalFrame(
            .checkpointPiece, sequence: base, durableThrough: durableThrough, payload: piece))
      }
      try put(
        JournalFrame(.checkpointEnd, sequence: base, durableThrough: durableThrough, payload: []))
    }
    for batch in batches { try put(batch) }
    try flush()
    return end
  }
}
