/// A typed value of a header field that a ``MessageBuilder`` can write.
package protocol HeaderValue: Sendable {
  /// Appends the value, without the name of the field and without CR or LF.
  func serialize(into bytes: inout [UInt8])
}

extension HeaderValue {
  /// The value as bytes.
  package var serialized: [UInt8] {
    var bytes: [UInt8] = []
    serialize(into: &bytes)
    return bytes
  }
}

extension URI: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
}

extension [UInt8] {
  /// Appends a number in decimal digits, without making a text of it.
  mutating func append(decimal number: UInt64) {
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(truncatingIfNeeded: number / divisor % 10) + 0x30)
      divisor /= 10
    }
  }
}
