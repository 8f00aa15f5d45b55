/// A decimal number as people write it, "0.0475", in whole millionths: money without floating point.
package struct DecimalAmount: Hashable, Sendable {
  package let micros: Int64

  /// Returns nil unless `text` is digits with at most one point and at most six decimals, within range.
  ///
  /// A minus sign is taken, so that the reader can say "may not be negative" rather than "not a number".
  package init?(_ text: some StringProtocol) {
    var digits = Array(text.utf8)[...]
    let negative = digits.first == UInt8(ascii: "-")
    if negative { digits = digits.dropFirst() }
    let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !parts[0].isEmpty, parts.count == 1 || !parts[1].isEmpty,
      parts.count == 1 || parts[1].count <= 6
    else { return nil }
    let fraction = parts.count == 2 ? Array(parts[1]) : []
    let padded = Array(parts[0]) + fraction + Array(repeating: 48, count: 6 - fraction.count)
    var value: Int64 = 0
    for digit in padded {
      guard (48...57).contains(digit) else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carried) = product.addingReportingOverflow(Int64(digit - 48))
      guard !overflow, !carried else { return nil }
      value = sum
    }
    micros = negative ? -value : value
  }
}
