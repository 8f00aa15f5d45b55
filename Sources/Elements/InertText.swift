extension String {
  /// What somebody else may have chosen, made harmless: one line that no terminal, log or mail obeys.
  ///
  /// Each character that controls, breaks a line or turns its direction round becomes U+FFFD; letters of every script stay.
  package var inert: String {
    guard !utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return self }
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      // Format characters include those that turn the direction of the text round.
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        result.append("\u{FFFD}")
      case _: result.append(scalar)
      }
    }
    return String(result)
  }
}
