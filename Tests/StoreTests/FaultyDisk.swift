import Glibc
import Store

/// The real disk with faults on demand, and a count of what was confirmed too early.
final class FaultyDisk: JournalDisk {
  struct Plan: Sendable {
    var failingSyncs = 0
    var failingWrites = 0
    var failingCreates = 0
    var failingRenames = 0
    var failingRemoves = 0
    /// A disk that hangs: a flush neither ends nor fails until this is false again.
    var isHanging = false
    /// Of a failing write this many bytes reach the disk all the same.
    var tornAfterBytes = 0
    var syncs = 0
    var writtenBytes = 0
    /// The highest sequence in a write that was flushed since.
    var written: UInt64 = 0
    var flushed: UInt64 = 0
    var confirmedBeforeSync = 0
  }

  private let real = SystemDisk()
  let plan = Monitor(Plan())

  var writtenBytes: Int { plan.withLock(\.writtenBytes) }
  var syncs: Int { plan.withLock(\.syncs) }
  var confirmedBeforeSync: Int { plan.withLock(\.confirmedBeforeSync) }

  func noteConfirmed(_ sequence: UInt64) {
    plan.withLock { if sequence > $0.flushed { $0.confirmedBeforeSync += 1 } }
  }

  func names(in folder: String) throws(DiskError) -> [String] { try real.names(in: folder) }
  func makeFolder(_ path: String) throws(DiskError) { try real.makeFolder(path) }
  func open(_ path: String) throws(DiskError) -> JournalFile { try real.open(path) }
  func close(_ file: JournalFile) { real.close(file) }

  func remove(_ path: String) throws(DiskError) {
    guard !uses(\.failingRemoves) else { throw DiskError("remove", path, code: EIO) }
    try real.remove(path)
  }

  func read(_ file: JournalFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
    try real.read(file, at: offset, count: count)
  }

  func create(_ path: String, sizeBytes: Int) throws(DiskError) -> JournalFile {
    guard !uses(\.failingCreates) else { throw DiskError("make", path, code: ENOSPC) }
    return try real.create(path, sizeBytes: sizeBytes)
  }

  func fill(_ file: JournalFile, from offset: Int, to sizeBytes: Int) throws(DiskError) {
    try real.fill(file, from: offset, to: sizeBytes)
  }

  func write(_ bytes: [UInt8], to file: JournalFile, at offset: Int) throws(DiskError) {
    if uses(\.failingWrites) {
      let torn = plan.withLock(\.tornAfterBytes)
      try real.write(Array(bytes.prefix(torn)), to: file, at: offset)
      throw DiskError("write to", file.path, code: ENOSPC)
    }
    try real.write(bytes, to: file, at: offset)
    plan.withLock { plan in
      plan.written = max(plan.written, FaultyDisk.highestSequence(in: bytes))
      plan.writtenBytes += bytes.count
    }
  }

  /// Starts to hang, or ends it.
  func hang(_ isHanging: Bool) {
    plan.change {
      $0.isHanging = isHanging
      return true
    }
  }

  func sync(_ file: JournalFile) throws(DiskError) {
    plan.wait(until: { !$0.isHanging }) { _ in }
    guard !uses(\.failingSyncs) else { throw DiskError("flush", file.path, code: EIO) }
    try real.sync(file)
    plan.withLock { plan in
      plan.syncs += 1
      plan.flushed = max(plan.flushed, plan.written)
    }
  }

  func rename(_ path: String, to newPath: String) throws(DiskError) {
    guard !uses(\.failingRenames) else { throw DiskError("rename", path, code: EIO) }
    try real.rename(path, to: newPath)
  }

  private func uses(_ counter: WritableKeyPath<Plan, Int>) -> Bool {
    plan.withLock { plan in
      guard plan[keyPath: counter] > 0 else { return false }
      plan[keyPath: counter] -= 1
      return true
    }
  }

  /// Walks the frames of one write: length at 0, sequence at 8 (JournalFrame).
  private static func highestSequence(in bytes: [UInt8]) -> UInt64 {
    func number(_ offset: Int, _ count: Int) -> UInt64 {
      (0..<count).reversed().reduce(0) { $0 << 8 | UInt64(bytes[offset + $1]) }
    }
    var (offset, highest): (Int, UInt64) = (bytes.starts(with: Array("MRTNJRNL".utf8)) ? 64 : 0, 0)
    while offset + JournalFrame.headerBytes <= bytes.count {
      highest = max(highest, number(offset + 8, 8))
      offset += JournalFrame.sizeBytes(payloadBytes: Int(number(offset, 4)))
    }
    return highest
  }
}
