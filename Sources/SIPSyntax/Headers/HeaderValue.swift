import Elements

/// A typed value of a header field that a ``MessageBuilder`` can write.
package protocol HeaderValue: Sendable {
  /// Appends the value, without the name of the field and without CR or LF.
  func serialize(into bytes: inout [UInt8])
}

extension HeaderValue {
  /// The value as bytes.
  package var serialized: [UInt8] {
    var bytes = [UInt8](room: 80) { _ in }
    serialize(into: &bytes)
    return bytes
  }
}

extension URI: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
}

extension [UInt8] {
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
