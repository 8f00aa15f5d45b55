package import Numbering

/// Whether numbers that thieves are paid for lie behind a prefix, by trying numbers as a thief would.
package enum CostlyRange {
  /// So many further digits tell the classes of every plan apart.
  private static let triedDigits = 3
  /// Of whole numbers with their calling code (ITU-T E.164).
  private static let lengths = 7...15

  /// A prefix that is longer than its calling code opens every class behind it (``DestinationPolicy``).
  package static func holds(behind prefix: DigitString) -> Bool {
    guard let number = PhoneNumber(digits: prefix), prefix.count > number.callingCode.length else {
      return false
    }
    return lengths.contains { length in
      let missing = length - prefix.count
      guard missing >= 0 else { return false }
      let tried = min(triedDigits, missing)
      return (0..<Self.power(tried)).contains { value in
        let digits = String(value)
        let zeros = String(repeating: "0", count: tried - digits.count)
        let behind = (tried == 0 ? "" : zeros + digits)
        // What lies further behind does not change the class; a five is in no plan's reserve.
        let rest = String(repeating: "5", count: missing - tried)
        return PhoneNumber("+\(prefix)\(behind)\(rest)").map(isCostly) ?? false
      }
    }
  }

  private static func power(_ exponent: Int) -> Int {
    (0..<exponent).reduce(1) { all, _ in all * 10 }
  }

  private static func isCostly(_ number: PhoneNumber) -> Bool {
    switch number.facts.kind {
    case .premium, .satellite, .personal, .pager: true
    case .invalid, .geographic, .mobile, .geographicOrMobile, .tollFree, .sharedCost, .voip,
      .universalAccess, .voicemail, .shortCode, .emergency:
      false
    }
  }
}
