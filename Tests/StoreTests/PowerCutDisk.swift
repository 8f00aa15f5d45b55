import Elements
import Glibc
import Store

/// A disk in memory that loses its power after some operations: what was not flushed survives by
/// sectors, each by the fall of the dice, as drives write them.
final class PowerCutDisk: JournalDisk {
  private struct Write: Sendable {
    let offset: Int
    let bytes: [UInt8]

    /// Puts a part of it, at first all, where it belongs; a file that is too short grows.
    func land(in file: inout [UInt8], _ part: Range<Int>? = nil) {
      let part = part ?? offset..<offset + bytes.count
      file += [UInt8](repeating: 0, count: max(0, part.upperBound - file.count))
      file.replaceSubrange(
        part, with: bytes[(part.lowerBound - offset)..<(part.upperBound - offset)])
    }
  }

  private struct File: Sendable {
    var durable: [UInt8]
    var pending: [Write] = []

    /// What a reader sees before any cut.
    var contents: [UInt8] {
      pending.reduce(into: durable) { bytes, write in write.land(in: &bytes) }
    }
  }

  private struct State: Sendable {
    var files: [String: File] = [:]
    /// Names by descriptor; a file that is renamed keeps its descriptor.
    var open: [Int32: String] = [:]
    var last: Int32 = 0
    var operationsLeft = Int.max
    var random: SplitMix
  }

  private static let sector = 512
  private let state: Monitor<State>

  init(seed: UInt64) {
    state = Monitor(State(random: SplitMix(seed: seed)))
  }

  /// Loses power after that many more operations.
  func cutPower(after operations: Int) {
    state.withLock { $0.operationsLeft = operations }
  }

  /// Power is back: unflushed sectors are there or not.
  func reboot() {
    state.withLock { state in
      state.operationsLeft = .max
      state.open = [:]
      for name in state.files.keys.sorted() {
        guard var file = state.files[name] else { continue }
        for write in file.pending {
          var (offset, end) = (write.offset, write.offset + write.bytes.count)
          while offset < end {
            let next = min(end, (offset / PowerCutDisk.sector + 1) * PowerCutDisk.sector)
            if Bool.random(using: &state.random) { write.land(in: &file.durable, offset..<next) }
            offset = next
          }
          end = offset
        }
        file.pending = []
        state.files[name] = file
      }
    }
  }

  /// Counts the operation and does it, or fails once the power is gone.
  private func operate<Result>(
    _ action: String, _ path: String, _ body: (inout State) throws(DiskError) -> Result
  ) throws(DiskError) -> Result {
    try state.withLock { state throws(DiskError) in
      guard state.operationsLeft > 0 else { throw DiskError(action, path, code: EIO) }
      state.operationsLeft -= 1
      return try body(&state)
    }
  }

  private static func name(_ file: JournalFile, _ state: State) throws(DiskError) -> String {
    guard let name = state.open[file.descriptor] else {
      throw DiskError("use", file.path, code: EBADF)
    }
    return name
  }

  func names(in folder: String) throws(DiskError) -> [String] {
    try operate("list", folder) { state in
      state.files.keys.filter { $0.hasPrefix(folder + "/") }
        .map { String($0.dropFirst(folder.count + 1)) }.sorted()
    }
  }

  /// Files are known by their whole paths.
  func makeFolder(_ path: String) throws(DiskError) {}

  func open(_ path: String) throws(DiskError) -> JournalFile {
    try operate("open", path) { state throws(DiskError) in
      guard let file = state.files[path] else { throw DiskError("open", path, code: ENOENT) }
      state.last += 1
      state.open[state.last] = path
      return JournalFile(descriptor: state.last, path: path, sizeBytes: file.durable.count)
    }
  }

  func create(_ path: String, sizeBytes: Int) throws(DiskError) -> JournalFile {
    try operate("make", path) { state in
      state.files[path] = File(durable: [UInt8](repeating: 0, count: sizeBytes))
      state.last += 1
      state.open[state.last] = path
      return JournalFile(descriptor: state.last, path: path, sizeBytes: sizeBytes)
    }
  }

  func fill(_ file: JournalFile, from offset: Int, to sizeBytes: Int) throws(DiskError) {
    try write([UInt8](repeating: 0, count: sizeBytes - offset), to: file, at: offset)
  }

  func read(_ file: JournalFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
    try operate("read", file.path) { state throws(DiskError) in
      let bytes = state.files[try PowerCutDisk.name(file, state)]?.contents ?? []
      return Array(bytes[min(offset, bytes.count)..<min(offset + count, bytes.count)])
    }
  }

  func write(_ bytes: [UInt8], to file: JournalFile, at offset: Int) throws(DiskError) {
    try operate("write to", file.path) { state throws(DiskError) in
      state.files[try PowerCutDisk.name(file, state)]?.pending
        .append(Write(offset: offset, bytes: bytes))
    }
  }

  func sync(_ file: JournalFile) throws(DiskError) {
    try operate("flush", file.path) { state throws(DiskError) in
      let name = try PowerCutDisk.name(file, state)
      guard let contents = state.files[name]?.contents else { return }
      state.files[name] = File(durable: contents)
    }
  }

  func close(_ file: JournalFile) { state.withLock { $0.open[file.descriptor] = nil } }

  func rename(_ path: String, to newPath: String) throws(DiskError) {
    try operate("rename", path) { state in
      state.files[newPath] = state.files.removeValue(forKey: path)
      for (descriptor, name) in state.open where name == path { state.open[descriptor] = newPath }
    }
  }

  func remove(_ path: String) throws(DiskError) {
    try operate("remove", path) { state in state.files[path] = nil }
  }
}
