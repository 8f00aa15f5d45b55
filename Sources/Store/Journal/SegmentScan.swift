/// Everything intact at the beginning of a segment, and where that ends.
struct SegmentScan {
  let header: SegmentHeader
  private(set) var checkpoint: [JournalFrame] = []
  private(set) var batches: [JournalFrame] = []
  /// Offset behind the last frame that follows on from the ones before.
  private(set) var end = SegmentHeader.sizeBytes
  /// Offset behind the last byte that is not zero: beyond `end` lies what was cut.
  private(set) var writtenEnd = SegmentHeader.sizeBytes
  private(set) var isCheckpointComplete: Bool

  /// The sequence of the last batch, or the one before the first.
  var last: UInt64 { batches.last?.sequence ?? header.firstBatch &- 1 }

  init(_ bytes: [UInt8], header: SegmentHeader) {
    self.header = header
    isCheckpointComplete = header.kind == .continuation
    bytes.withUnsafeBytes { all in
      while let frame = JournalFrame(at: end, of: all, segment: header.number), accepts(frame) {
        take(frame)
        end += JournalFrame.sizeBytes(payloadBytes: frame.payload.count)
      }
      writtenEnd = all.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    }
  }

  private func accepts(_ frame: JournalFrame) -> Bool {
    switch frame.kind {
    case .checkpointPiece, .checkpointEnd:
      return !isCheckpointComplete && frame.sequence == header.base
    case .batch:
      guard isCheckpointComplete, let previous = batches.last?.sequence else {
        return isCheckpointComplete && frame.sequence == header.firstBatch
      }
      // Batches that were dropped while the disk was full are covered by the checkpoint.
      return frame.sequence == previous + 1
        || (previous < header.base && frame.sequence == header.base + 1)
    }
  }

  private mutating func take(_ frame: JournalFrame) {
    switch frame.kind {
    case .checkpointPiece: checkpoint.append(frame)
    case .checkpointEnd: isCheckpointComplete = true
    case .batch: batches.append(frame)
    }
  }

  /// Looks behind the end for a frame which says that an entry from there on was already confirmed.
  ///
  /// Frames of one flush may reach the disk in any order before a power cut, so a hole followed by
  /// intact frames is only damage when one of those was written after the hole was durable.
  func hasConfirmedFrameBehindEnd(in bytes: [UInt8]) -> Bool {
    if end < header.sealedBytes { return true }
    let expected = last + 1
    return bytes.withUnsafeBytes { all in
      var offset = end + 8
      while offset + JournalFrame.headerBytes <= writtenEnd {
        defer { offset += 8 }
        let durable = all.littleEndian(UInt64.self, at: offset + 16)
        guard durable >= expected, all[offset + 24] != 0,
          let frame = JournalFrame(at: offset, of: all, segment: header.number)
        else { continue }
        if frame.durableThrough >= expected { return true }
      }
      return false
    }
  }
}
