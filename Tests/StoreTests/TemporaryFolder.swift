import Foundation
import Store

/// A folder of its own for one test, removed with it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "martinet-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func files(_ folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path + "/" + name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(filePath: path + "/" + name))
  }
}

/// Collects what a thread of ours says, and lets a test wait for it.
final class Said<Value: Sendable>: Sendable {
  private let values = Monitor<[Value]>([])

  func callAsFunction(_ value: Value) {
    values.change {
      $0.append(value)
      return true
    }
  }

  var all: [Value] { values.withLock { $0 } }

  /// Waits until something that fits was said; false after ten seconds, which is a failure.
  func wait(for fits: @escaping @Sendable (Value) -> Bool) -> Bool {
    values.wait(for: .seconds(10), until: { $0.contains(where: fits) }) { $0.contains(where: fits) }
  }
}
