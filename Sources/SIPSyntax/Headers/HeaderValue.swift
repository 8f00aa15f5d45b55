import Elements

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
    while number / 10 >= divisor { divisor *= 10 }
    var rest = number
    while divisor > 0 {
      append(UInt8(truncatingIfNeeded: rest / divisor) + 0x30)
      rest %= divisor
      divisor /= 10
    }
  }

  /// Appends a text; nothing is made of its characters.
  mutating func append(text: StaticString) {
    text.withUTF8Buffer { buffer in unsafe append(contentsOf: buffer) }
  }

  /// Appends an address; IPv6 without brackets.
  mutating func append(_ address: IPAddress) {
    guard let v4 = address.v4 else {
      append(contentsOf: address.description.utf8)
      return
    }
    for shift in stride(from: UInt32(24), through: 0, by: -8) {
      if shift < 24 { append(UInt8(ascii: ".")) }
      append(decimal: UInt64(v4 >> shift & 255))
    }
  }

  /// Appends a host; IPv6 in brackets.
  mutating func append(_ host: Host) {
    switch host {
    case .name(let name): append(contentsOf: name.utf8)
    case .address(let address):
      if !address.isV4 { append(UInt8(ascii: "[")) }
      append(address)
      if !address.isV4 { append(UInt8(ascii: "]")) }
    }
  }
}
