import Elements
import Store

/// A place where a thread is held up until the test lets it go on.
final class Toll: Sendable {
  private struct State {
    var isClosed = false
    var waiting = 0
  }

  private let state = Monitor(State())

  func close() { state.withLock { $0.isClosed = true } }

  func open() {
    state.change {
      $0.isClosed = false
      return true
    }
  }

  /// Nobody is named by who passes here.
  func pass() -> [IPNetwork] {
    state.change {
      $0.waiting += 1
      return true
    }
    return state.wait(until: { !$0.isClosed }) {
      $0.waiting -= 1
      return []
    }
  }

  /// Whether somebody waits, within ten seconds.
  func isAwaited() -> Bool {
    state.wait(for: .seconds(10), until: { $0.isClosed && $0.waiting > 0 }) { $0.waiting > 0 }
  }
}
