import CNumberingData

/// A compiled pattern for the front of a number, such as the international prefixes of a country.
///
/// The words of its program (Scripts/numbering.py): any digit of a mask, split, jump, save, end, match.
/// Alternatives are tried in order, as in the expressions that they come from.
struct PrefixPattern: Hashable, Sendable {
  let start: Int

  /// How much of the digits matched, and what the first two groups captured.
  struct Match {
    var length = 0
    var captures = InlineArray<3, Range<Int>?>(repeating: nil)
  }

  /// Bound on the steps of one match; the longest real one takes some hundred.
  private static let maximumSteps = 4096

  var isEmpty: Bool { start == 0 }

  /// The longest-preferred match at the front of `digits`; nil for none.
  func match(_ digits: borrowing DialledKeys, from offset: Int) -> Match? {
    guard !isEmpty else { return nil }
    var steps = Self.maximumSteps
    var match = Match()
    return run(start, digits, offset, offset, &match, &steps) ? match : nil
  }

  private func run(
    _ program: Int, _ digits: borrowing DialledKeys, _ start: Int, _ position: Int,
    _ match: inout Match, _ steps: inout Int
  ) -> Bool {
    var (counter, position) = (program, position)
    while steps > 0 {
      steps -= 1
      let word = numbering_program_word(UInt32(truncatingIfNeeded: counter))
      let operand = Int(word & 0xFFF)
      switch word >> 12 {
      case 0:
        guard position < digits.count, digits[position] < 10,
          operand >> Int(digits[position]) & 1 == 1
        else { return false }
        (counter, position) = (counter + 1, position + 1)
      case 1:
        let saved = match
        if run(counter + 1, digits, start, position, &match, &steps) { return true }
        match = saved
        counter += operand
      case 2:
        counter += operand
      case 3:
        save(operand, position, &match)
        counter += 1
      case 4:
        guard position == digits.count else { return false }
        counter += 1
      case _:
        match.length = position - start
        return true
      }
    }
    return false
  }

  private func save(_ operand: Int, _ position: Int, _ match: inout Match) {
    let group = operand >> 1
    guard group < match.captures.count else { return }
    match.captures[group] =
      operand & 1 == 0 ? position..<position : (match.captures[group]?.lowerBound ?? 0)..<position
  }
}

extension PrefixPattern {
  /// A digit, or 16 + the number of a captured group.
  static func transformWord(_ index: Int) -> UInt8 {
    numbering_transform_word(UInt32(truncatingIfNeeded: index))
  }
}
