/// The two times that the ledger counts by; both never go back.
package struct LedgerTime: Hashable, Sendable {
  /// The latest wall time ever seen, Unix milliseconds: names calendar windows.
  package var wall: Int64
  /// Milliseconds that passed: moves rolling windows.
  ///
  /// By the monotonic clock while the process lives, by the wall across restarts. A wall clock that leaps does not move it.
  package var elapsed: Int64

  package init(wall: Int64, elapsed: Int64) {
    (self.wall, self.elapsed) = (wall, elapsed)
  }
}
