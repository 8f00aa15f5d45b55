import CNumberingData

/// The compiled plans of the world (Scripts/numbering.py): one automaton over digits, a few table reads
/// for each digit, no allocation.
enum NumberingTable {
  /// Where a walk over digits stands; 0 is dead, nothing follows.
  typealias State = UInt32

  static let dead: State = 0

  static func next(_ state: State, _ digit: UInt8) -> State {
    numbering_next(state, UInt32(digit))
  }

  /// Region and class of the number that ends here; nil for none.
  static func facts(at state: State) -> NumberFacts? {
    let label = numbering_label(state)
    guard label != 0, let kind = DestinationClass(rawValue: UInt8(truncatingIfNeeded: label & 15))
    else { return nil }
    let region = numbering_region_at(UInt32(label >> 4) - 1).region
    return NumberFacts(kind: kind, region: Region(code: region))
  }

  /// Class and region of a whole E.164 number.
  ///
  /// The state behind a calling code carries the code's main region, which is the answer for numbers in no plan.
  static func facts(of digits: DigitString) -> NumberFacts {
    var state: State = numbering_root
    var main = Region.world
    for index in 0..<digits.count {
      state = next(state, digits[index])
      if state == dead { return NumberFacts(kind: .invalid, region: main) }
      if index < 3, let facts = facts(at: state), facts.kind == .invalid { main = facts.region }
    }
    return facts(at: state) ?? NumberFacts(kind: .invalid, region: main)
  }

  /// How many of the first digits are the calling code, with its main region; nil where none begins so.
  static func callingCode(
    _ count: Int, _ digit: (Int) -> UInt8
  ) -> (length: Int, main: Region)? {
    var state: State = numbering_root
    for index in 0..<min(count, 3) {
      state = next(state, digit(index))
      if let facts = facts(at: state) { return (index + 1, facts.region) }
    }
    return nil
  }

  /// The label behind `digits` from `root`.
  static func facts(from root: State, _ digits: DigitString) -> NumberFacts? {
    var state = root
    for index in 0..<digits.count { state = next(state, digits[index]) }
    return facts(at: state)
  }

  /// True when the automaton at `root` accepts exactly `digits`.
  static func accepts(from root: State, _ digits: DigitString) -> Bool {
    var state = root
    for index in 0..<digits.count { state = next(state, digits[index]) }
    return numbering_label(state) != 0
  }
}
