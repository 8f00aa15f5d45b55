import Elements

// The parameters of the Contact header field (RFC 3261 §20.10, RFC 5626 §4.1).
extension NameAddress {
  /// Seconds that the binding should last; a malformed or overlarge value counts as 3600 (RFC 3261 §20.10).
  package var expires: UInt32? {
    guard parameters.has("expires") else { return nil }
    return parameters.number("expires", below: 1 << 32).map { UInt32($0) } ?? 3600
  }

  /// The preference in thousandths, 0 to 1000: 500 for `q=0.5`; nil if it is missing or malformed.
  package var preference: UInt16? {
    guard let text = parameters.bytes("q"), let first = text.first, first == 0x30 || first == 0x31
    else { return nil }
    guard text.count > 1 else { return UInt16(first - 0x30) * 1000 }
    let digits = text.dropFirst(2)
    guard text[1] == UInt8(ascii: "."), digits.count <= 3,
      digits.allSatisfy({ ByteSet.digit.contains($0) })
    else { return nil }
    var value = UInt16(first - 0x30)
    for digit in digits { value = value * 10 + UInt16(digit - 0x30) }
    for _ in digits.count..<3 { value *= 10 }
    return value <= 1000 ? value : nil
  }

  /// The instance of the device, a URN in brackets as a rule (RFC 5626 §4.1).
  package var instance: [UInt8]? { parameters.bytes("+sip.instance") }
  /// The number of the flow (RFC 5626 §4.2).
  package var registrationID: UInt32? {
    parameters.number("reg-id", below: 1 << 31).map { UInt32($0) }
  }
}
