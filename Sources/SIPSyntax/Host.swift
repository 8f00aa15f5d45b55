package import Elements

/// The host of a URI or of a Via: a name for the resolver, or an address.
package enum Host: Hashable, Sendable, CustomStringConvertible {
  /// A host name in lower case.
  case name(String)
  case address(IPAddress)

  /// As it stands in a URI: an IPv6 address in brackets.
  package var description: String {
    switch self {
    case .name(let name): name
    case .address(let address): address.isV4 ? "\(address)" : "[\(address)]"
    }
  }

  /// The host in a range that `parseHost` took.
  init(_ bytes: Span<UInt8>, _ range: ByteRange) {
    if let address = bytes.address(in: range) {
      self = .address(address)
    } else {
      let text = unsafe String(unsafeUninitializedCapacity: range.count) { buffer in
        for index in 0..<range.count {
          unsafe buffer[index] = lowercased(bytes[Int(range.lower) + index])
        }
        return range.count
      }
      self = .name(text)
    }
  }

  /// A name or address as people write it.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    if let address = IPAddress(text) {
      self = .address(address)
      return
    }
    var offset = 0
    guard let range = try? bytes.span.parseHost(at: &offset, end: bytes.count),
      offset == bytes.count
    else { return nil }
    self.init(bytes.span, range)
  }
}

extension Span where Element == UInt8 {
  /// `host`: a name, an IPv4 address, or an IPv6 address in brackets; these are in the range.
  func parseHost(at offset: inout Int, end: Int) throws(SyntaxError) -> ByteRange {
    guard peek(offset, end: end) == UInt8(ascii: "[") else {
      // Hosts have dots, and never end at the first that is neither letter nor digit.
      let start = offset
      offset = laterForeign(to: .hostName, from: start, end: Swift.max(start, end))
      guard offset > start else { throw SyntaxError(expected: "a host", offset: offset) }
      return ByteRange(start, offset)
    }
    let start = offset
    while offset < end, self[offset] != UInt8(ascii: "]") { offset += 1 }
    guard offset < end, address(in: ByteRange(start, offset + 1)) != nil else {
      throw SyntaxError(expected: "an IPv6 address in brackets", offset: start)
    }
    offset += 1
    return ByteRange(start, offset)
  }

  /// The address that a host, or the received parameter of a Via, is; nil for a name.
  ///
  /// Takes three colons for two before an IPv4 tail, as the grammar of RFC 3261 asks for by mistake
  /// (RFC 5118 §4.10).
  func address(in range: ByteRange) -> IPAddress? {
    guard !range.isEmpty, range.count <= 48 else { return nil }
    if let quad = IPAddress(dottedQuad: extracting(range.range)) { return quad }
    // A name may begin like an address, but has no colon.
    let end = Int(range.upper)
    guard first(UInt8(ascii: ":"), from: Int(range.lower), end: end) < end else { return nil }
    var text: [UInt8] = []
    for index in range.range {
      let byte = self[index]
      let tripled =
        text.count >= 2 && byte == 0x3A && text[text.count - 1] == 0x3A
        && text[text.count - 2] == 0x3A
      if !tripled { text.append(byte) }
    }
    return IPAddress(parsing: text.span)
  }

  /// `":" port` if it is there.
  func parsePort(at offset: inout Int, end: Int) throws(SyntaxError) -> UInt16? {
    guard peek(offset, end: end) == UInt8(ascii: ":") else { return nil }
    offset += 1
    return UInt16(try parseNumber(at: &offset, end: end, below: 65_536))
  }
}
