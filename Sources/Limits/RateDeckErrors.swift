/// What is wrong with one field of a rate deck, and how to mend it.
package struct RateDeckError: Error, Hashable, CustomStringConvertible {
  /// From 1; the header line is line 1.
  package let line: Int
  package let field: String
  package let reason: String

  package init(line: Int, field: String, reason: String) {
    (self.line, self.field, self.reason) = (line, field, reason)
  }

  package var description: String { "line \(line), \(field): \(reason)" }
}

/// All that is wrong with a rate deck, up to ``RateDeckParser/mostErrors``.
package struct RateDeckErrors: Error, Hashable, CustomStringConvertible {
  package let errors: [RateDeckError]
  /// How many there are in all.
  package let total: Int

  package var description: String {
    let more = total > errors.count ? ["… and \(total - errors.count) more"] : []
    return (errors.map(\.description) + more).joined(separator: "\n")
  }
}
