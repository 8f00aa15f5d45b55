/// Finds the known word that somebody probably meant.
package enum SpellingHint {
  /// Bound on the words compared, which also bounds the time.
  private static let longestWord = 64

  /// The nearest of `known` within a third of its letters; nil when none is near.
  package static func nearest(to word: String, among known: [String]) -> String? {
    guard word.utf8.count <= longestWord else { return nil }
    let letters = Array(word.lowercased().utf8)
    var best: (word: String, distance: Int)?
    for candidate in known where candidate.utf8.count <= longestWord {
      let allowed = max(1, max(word.utf8.count, candidate.utf8.count) / 3)
      guard abs(word.utf8.count - candidate.utf8.count) <= allowed else { continue }
      let distance = distance(letters, Array(candidate.lowercased().utf8))
      if distance <= allowed, distance < best?.distance ?? .max {
        best = (candidate, distance)
      }
    }
    return best?.word
  }

  /// Levenshtein's distance.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (line, letter) in left.enumerated() {
      var diagonal = row[0]
      row[0] = line + 1
      for (column, other) in right.enumerated() {
        let changed = diagonal + (letter == other ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}
