/// A number of the world in its one normal form, the digits of E.164: +34976111222.
///
/// Short numbers of a country have no such form; for records and rates they stand behind the calling
/// code of the country (see ``OutsideNumber/shortCode``).
package struct PhoneNumber: Hashable, Comparable, Sendable {
  /// 1 to 15 digits, the calling code first, no plus sign.
  package let digits: DigitString

  /// Nil when there is a `*` or `#` in it, no digit, or a zero in front, where no calling code begins.
  package init?(digits: DigitString) {
    guard !digits.isEmpty, digits.isDigits, digits[0] != 0 else { return nil }
    self.digits = digits
  }

  /// Reads the strict form, a plus sign and 1 to 15 digits; ``DialPlan`` reads what people dial.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    self.init(parsing: bytes.span)
  }

  /// Reads the strict form, a plus sign and 1 to 15 digits.
  package init?(parsing bytes: Span<UInt8>) {
    guard bytes.count > 1, bytes[0] == UInt8(ascii: "+"),
      let digits = DigitString(parsing: bytes.extracting(droppingFirst: 1))
    else { return nil }
    self.init(digits: digits)
  }

  /// The number `offset` places on, for ranges of direct numbers; nil beyond the last of its length.
  package func advanced(by offset: Int) -> PhoneNumber? {
    let (sum, overflow) = value.addingReportingOverflow(UInt64(clamping: offset))
    guard !overflow, offset >= 0, let next = PhoneNumber("+\(sum)"),
      next.digits.count == digits.count
    else { return nil }
    return next
  }

  /// The digits read as one whole number: comparable within one length.
  package var value: UInt64 {
    (0..<digits.count).reduce(0) { $0 * 10 + UInt64(digits[$1]) }
  }

  package static func < (left: PhoneNumber, right: PhoneNumber) -> Bool {
    left.digits < right.digits
  }
}

extension PhoneNumber: CustomStringConvertible {
  package var description: String {
    unsafe String(unsafeUninitializedCapacity: 1 + digits.count) { text in
      unsafe text[0] = UInt8(ascii: "+")
      for index in 0..<digits.count { unsafe text[1 + index] = digits.character(at: index) }
      return 1 + digits.count
    }
  }
}
