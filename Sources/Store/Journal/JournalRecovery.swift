/// What stands on the disk of a journal, checked and replayed.
///
/// Only ``cutTornTail()`` changes anything of it.
struct JournalRecovery {
  struct Segment: Sendable {
    let path: String
    let header: SegmentHeader
  }

  private let disk: any JournalDisk
  private let folder: String
  private(set) var segments: [Segment] = []
  /// Sequence of the last batch; what follows goes on from there.
  private(set) var last: UInt64 = 0
  /// Where the next frame of the newest segment goes.
  private(set) var end = 0
  /// Behind what a crash left there of a frame that was never confirmed.
  private var tornEnd = 0

  /// Hands each frame of the newest checkpoint, then each batch after it, to `replay`.
  init(
    folder: String, disk: any JournalDisk, replay: (JournalFrame) throws -> Void
  ) throws(JournalError) {
    (self.folder, self.disk) = (folder, disk)
    try readHeaders()
    guard !segments.isEmpty else { return }
    guard let start = segments.lastIndex(where: { $0.header.kind == .checkpoint }) else {
      throw .missingSegment(path: path(segments[0].header.number &- 1))
    }
    for index in start..<segments.count { try recover(index, replay: replay) }
  }

  private func path(_ number: UInt64) -> String {
    "\(folder)/\(SegmentHeader.fileName(number))"
  }

  private mutating func readHeaders() throws(JournalError) {
    let numbers: [UInt64]
    do throws(DiskError) {
      numbers = try disk.names(in: folder).compactMap(SegmentHeader.number(ofFileName:)).sorted()
    } catch { throw .disk(error) }
    for number in numbers {
      let path = path(number)
      let header = try SegmentHeader(read(path, upTo: SegmentHeader.sizeBytes), path: path)
      if let before = segments.last?.header {
        guard before.identity == header.identity else { throw .foreignSegment(path: path) }
        guard before.number + 1 == number else {
          throw .missingSegment(path: self.path(before.number + 1))
        }
      }
      guard header.number == number else { throw .foreignSegment(path: path) }
      segments.append(Segment(path: path, header: header))
    }
  }

  private mutating func recover(
    _ index: Int, replay: (JournalFrame) throws -> Void
  ) throws(JournalError) {
    let segment = segments[index]
    let bytes = try read(segment.path, upTo: .max)
    let scan = SegmentScan(bytes, header: segment.header)
    let next = index + 1 < segments.count ? segments[index + 1].header : nil
    let isWhole =
      if let next { scan.last + 1 >= next.firstBatch } else {
        !scan.hasConfirmedFrameBehindEnd(in: bytes)
      }
    guard isWhole, scan.isCheckpointComplete else {
      throw .damaged(
        path: segment.path, offset: scan.end, after: scan.last, what: "a confirmed entry is gone")
    }
    for frame in scan.checkpoint { try hand(frame, of: segment, to: replay) }
    for frame in scan.batches
    where frame.sequence > segment.header.base && frame.sequence < next?.firstBatch ?? .max {
      try hand(frame, of: segment, to: replay)
    }
    last = max(segment.header.base, next.map { $0.firstBatch - 1 } ?? scan.last)
    guard next == nil else { return }
    (end, tornEnd) = (scan.end, scan.writtenEnd)
  }

  private func hand(
    _ frame: JournalFrame, of segment: Segment, to replay: (JournalFrame) throws -> Void
  ) throws(JournalError) {
    do {
      try replay(frame)
    } catch {
      throw .unreadableEntry(path: segment.path, sequence: frame.sequence, reason: "\(error)")
    }
  }

  /// Overwrites what a crash left behind the last whole frame, so that it can never come back.
  func cutTornTail() throws(JournalError) {
    guard tornEnd > end, let newest = segments.last else { return }
    do throws(DiskError) {
      let file = try disk.open(newest.path)
      defer { disk.close(file) }
      try disk.write([UInt8](repeating: 0, count: tornEnd - end), to: file, at: end)
      try disk.sync(file)
    } catch { throw .disk(error) }
  }

  private func read(_ path: String, upTo limit: Int) throws(JournalError) -> [UInt8] {
    do throws(DiskError) {
      let file = try disk.open(path)
      defer { disk.close(file) }
      return try disk.read(file, at: 0, count: min(limit, file.sizeBytes))
    } catch { throw .disk(error) }
  }
}
