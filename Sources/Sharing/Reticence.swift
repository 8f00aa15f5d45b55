package import Elements

/// Tells the log of what happens again and again once a minute, with how often it was.
package struct Reticence: Hashable, Sendable {
  private static let silence = Duration.seconds(60)

  private var toldAt: Instant?
  private var kept = 0

  package init() {}

  /// It happened so many times more.
  ///
  /// - Returns: Of how many to tell now; nil: of none.
  package mutating func speak(of count: Int, at now: Instant) -> Int? {
    kept += count
    if let toldAt, now < toldAt + Self.silence { return nil }
    defer { (toldAt, kept) = (now, 0) }
    return kept
  }
}
