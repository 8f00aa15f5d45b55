import Synchronization

/// Wakes readers who wait for our next entry; so many may wait.
package final class ListBell: Sendable {
  private struct State {
    var last: UInt64
    var isClosed = false
    var next = 0
    var waiting: [Int: (reader: String, bell: AsyncStream<Void>.Continuation)] = [:]
  }

  /// Requests that may wait at a time, of all readers and of one.
  private static let most = 64
  private static let mostOfOne = 4

  private let state: Mutex<State>

  init(last: UInt64) {
    state = Mutex(State(last: last))
  }

  /// The number of our last entry.
  package var last: UInt64 { state.withLock { $0.last } }

  func ring(_ last: UInt64) { wake { $0.last = last } }

  /// Nobody waits any more: the server stops.
  package func close() { wake { $0.isClosed = true } }

  private func wake(_ change: (inout State) -> Void) {
    let bells = state.withLock { state in
      change(&state)
      return state.waiting.values.map(\.bell)
    }
    for bell in bells { bell.finish() }
  }

  /// Returns when there is an entry behind that number, the time has passed, or the server stops.
  ///
  /// - Returns: False where too many wait already.
  package func wait(
    behind sequence: UInt64, for patience: Duration, as reader: String
  ) async -> Bool {
    let (news, bell) = AsyncStream<Void>.makeStream()
    let place: Int?? = state.withLock { state in
      guard state.last <= sequence, !state.isClosed else { return .some(nil) }
      guard state.waiting.count < Self.most,
        state.waiting.values.count(where: { $0.reader == reader }) < Self.mostOfOne
      else { return nil }
      state.next += 1
      state.waiting[state.next] = (reader, bell)
      return state.next
    }
    guard let place else { return false }
    guard let place else { return true }
    defer { _ = state.withLock { $0.waiting.removeValue(forKey: place) } }
    await withTaskGroup { group in
      group.addTask { for await _ in news {} }
      group.addTask { try? await Task.sleep(for: patience) }
      await group.next()
      group.cancelAll()
    }
    return true
  }
}
