package import Elements

/// The value of a `c=` line: where media is wanted (RFC 8866 §5.7).
package struct ConnectionAddress: Hashable, Sendable {
  /// The address; nil for a host name, which we do not resolve.
  package let address: IPAddress?
  /// As it stood in the line, without TTL and count.
  package let host: [UInt8]

  package init(_ address: IPAddress) {
    (self.address, host) = (address, Array(address.description.utf8))
  }

  /// Parses `IN IP4 224.2.1.1/127/3`, TTL and number of addresses read over; nil if malformed.
  init?(parsing value: ArraySlice<UInt8>) {
    guard let range = Self.host(in: value.span) else { return nil }
    let host = Array(value.dropFirst(range.lowerBound).prefix(range.count))
    (self.host, address) = (host, IPAddress(parsing: host.span))
  }

  /// The address in the value of a `c=` line; nil for a host name.
  static func address(in value: ArraySlice<UInt8>) -> IPAddress? {
    let value = value.span
    return host(in: value).flatMap { IPAddress(parsing: value.extracting($0)) }
  }

  /// Whether the value of a `c=` line names the unspecified address: on hold, as RFC 2543 had it
  /// (RFC 3264 §8.4).
  static func isUnspecified(in value: ArraySlice<UInt8>) -> Bool {
    let value = value.span
    // Every way to write it begins with one of these, and hardly any other address does.
    guard let start = hostStart(in: value),
      value[start] == UInt8(ascii: "0") || value[start] == .colon,
      let host = host(in: value), let address = IPAddress(parsing: value.extracting(host))
    else { return false }
    return address == .v4Any || address == .v6Any
  }

  /// Where the host stands in the value of a `c=` line; nil if malformed.
  static func host(in value: Span<UInt8>) -> Range<Int>? {
    guard let start = hostStart(in: value) else { return nil }
    var offset = start
    let place = value.word(at: &offset)
    guard value.word(at: &offset).isEmpty else { return nil }
    var end = start
    while end < place.upperBound, value[end] != .slash { end += 1 }
    return end > start ? start..<end : nil
  }

  /// Where the third word of the value of a `c=` line begins, if the two before it are what they must be.
  private static func hostStart(in value: Span<UInt8>) -> Int? {
    var offset = 0
    let (net, kind) = (value.word(at: &offset), value.word(at: &offset))
    guard value.isWord("in", at: net), kind.count == 3,
      value[kind.lowerBound] | 0x20 == UInt8(ascii: "i"),
      value[kind.lowerBound + 1] | 0x20 == UInt8(ascii: "p"),
      value[kind.lowerBound + 2] == UInt8(ascii: "4")
        || value[kind.lowerBound + 2] == UInt8(ascii: "6")
    else { return nil }
    while offset < value.count, value[offset] == .space || value[offset] == 9 { offset += 1 }
    return offset < value.count ? offset : nil
  }

  /// "IN IP4 192.0.2.1".
  static func serialize(_ address: IPAddress) -> [UInt8] {
    [UInt8](room: longestText) { append(address, to: &$0) }
  }

  fileprivate static var longestText: Int { 7 + IPAddress.longestText }

  fileprivate static func append(_ address: IPAddress, to value: inout OutputSpan<UInt8>) {
    value.append(text: address.isV4 ? "IN IP4 " : "IN IP6 ")
    value.append(address)
  }
}

/// The `o=` line: who made the description, and which version it is (RFC 8866 §5.2).
package struct Origin: Hashable, Sendable {
  package let user: String
  /// The same for the life of the session.
  package let id: UInt64
  /// One more with each change (RFC 3264 §8).
  package let version: UInt64
  package let address: IPAddress

  package init(user: String = "-", id: UInt64, version: UInt64, address: IPAddress) {
    (self.user, self.id, self.version, self.address) = (user, id, version, address)
  }

  var serialized: [UInt8] {
    let name = user.utf8Span.span
    return [UInt8](room: name.count + 43 + ConnectionAddress.longestText) { value in
      value.append(copying: name)
      value.append(.space)
      value.append(decimal: id)
      value.append(.space)
      value.append(decimal: version)
      value.append(.space)
      ConnectionAddress.append(address, to: &value)
    }
  }
}
