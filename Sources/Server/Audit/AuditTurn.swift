import Glibc
import Store
import Synchronization

/// Lets one audit at a time try passwords, behind the calls that the machine has to carry.
final class AuditTurn: Sendable {
  private let isTaken = Mutex(false)
  private static let niceness: Int32 = 5

  /// Runs `body` on a thread of its own with less of the processor than others; nil where another audit runs.
  func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result? {
    let isFree = isTaken.withLock { taken in
      defer { taken = true }
      return !taken
    }
    guard isFree else { return nil }
    defer { isTaken.withLock { $0 = false } }
    return try await withCheckedThrowingContinuation { continuation in
      ServiceThread.start("audit") {
        // Of this thread alone: on Linux each has its own.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
        continuation.resume(with: Swift.Result { try body() })
      }
    }
  }
}
