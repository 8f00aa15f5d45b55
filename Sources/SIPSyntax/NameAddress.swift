import Elements

/// A URI with a display name and parameters: From, To, Contact, Route and others (RFC 3261 §20.10).
package struct NameAddress: Hashable, Sendable, CustomStringConvertible {
  /// The display name without quotes; empty if there is none.
  package var displayName: [UInt8]
  package var uri: URI
  /// The parameters of the header field, which are not those of the URI.
  package var parameters: Parameters

  package init(displayName: String = "", uri: URI, parameters: Parameters = .none) {
    (self.displayName, self.uri, self.parameters) = (Array(displayName.utf8), uri, parameters)
  }

  /// An address with a tag, for From and To.
  ///
  /// The tag of a peer is written as it was received, even where it is no token: who made it compares bytes.
  package init(displayName: String = "", uri: URI, tag: [UInt8]) {
    self.init(displayName: displayName, uri: uri)
    var bytes: [UInt8] = []
    bytes.appendParameter("tag", verbatim: tag)
    parameters = Parameters(bytes: bytes)
  }

  /// Parses one whole value.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    let parts = try NameAddressParts(bytes, at: &offset, end: bytes.count)
    guard offset == bytes.count else {
      throw SyntaxError(expected: "the end of the address", offset: offset)
    }
    self.init(bytes, parts)
  }

  init(_ bytes: Span<UInt8>, _ parts: NameAddressParts) {
    displayName = bytes.unquoted(parts.displayName)
    uri = URI(bytes: bytes.copy(parts.uri), parts: parts.uriParts)
    parameters = Parameters(bytes: bytes.copy(parts.parameters))
  }

  /// The display name as text; malformed UTF-8 is replaced.
  package var displayText: String { String(decoding: displayName, as: UTF8.self) }
  /// The tag as received, the form that ``Message/fromTag`` and ``Message/toTag`` have.
  package var tag: [UInt8]? { parameters.verbatim("tag") }

  package var description: String {
    var bytes: [UInt8] = []
    serialize(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension NameAddress: HeaderValue {
  /// Always in brackets, so that parameters stay where they belong.
  package func serialize(into bytes: inout [UInt8]) {
    if !displayName.isEmpty {
      bytes.appendQuoted(displayName)
      bytes.append(UInt8(ascii: " "))
    }
    bytes.append(UInt8(ascii: "<"))
    bytes.append(contentsOf: uri.bytes)
    bytes.append(UInt8(ascii: ">"))
    bytes.append(contentsOf: parameters.bytes)
  }
}

/// Where the parts of a name-addr or addr-spec are; ranges count from the start of the bytes.
struct NameAddressParts: Sendable {
  /// With its quotes, if it has any.
  var displayName = ByteRange(0, 0)
  var uri = ByteRange(0, 0)
  var uriParts: URIParts
  /// From the first semicolon on.
  var parameters = ByteRange(0, 0)
  var tag: ByteRange?

  /// Parses `( name-addr / addr-spec ) *( SEMI generic-param )` and stops at a comma or the end.
  ///
  /// The URI may be that of another address, as From and To of a REGISTER have the same.
  init(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int, like known: NameAddressParts? = nil
  ) throws(SyntaxError) {
    bytes.skipWhitespace(at: &offset, end: end)
    displayName = try Self.parseDisplayName(bytes, at: &offset, end: end)
    if bytes.peek(offset, end: end) == UInt8(ascii: "<") {
      let start = offset + 1
      let close = bytes.first(UInt8(ascii: ">"), from: start, end: end)
      guard close < end else { throw SyntaxError(expected: "the closing bracket", offset: end) }
      uri = ByteRange(start, close)
      offset = close + 1
    } else {
      // addr-spec: "?" and "," would have asked for brackets, ";" begins the header parameters.
      let start = offset
      while offset < end, Self.isAddressByte(bytes[offset]) { offset += 1 }
      uri = ByteRange(start, offset)
    }
    if let known, bytes.hasSameBytes(uri, known.uri) {
      uriParts = known.uriParts
    } else {
      uriParts = try URIParts(bytes, Int(uri.lower), Int(uri.upper))
    }
    try parseParameters(bytes, at: &offset, end: end)
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    !isWhitespace(byte) && byte != UInt8(ascii: ";") && byte != UInt8(ascii: ",")
      && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "<")
  }

  private mutating func parseParameters(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int
  ) throws(SyntaxError) {
    bytes.skipWhitespace(at: &offset, end: end)
    parameters = ByteRange(offset, offset)
    if offset == end || takeOnlyTag(bytes, at: &offset, end: end) { return }
    let start = offset
    var tag: ByteRange?
    try bytes.forEachParameter(at: &offset, end: end) { name, value in
      let isTag = name.count == 3 && bytes.foldedWord(name) == 0x67_6174
      if isTag, tag == nil, !value.isEmpty { tag = value }
    }
    self.tag = tag
    var stop = offset
    while stop > start, isWhitespace(bytes[stop - 1]) { stop -= 1 }
    parameters = ByteRange(start, stop)
    bytes.skipWhitespace(at: &offset, end: end)
    guard offset == end || bytes[offset] == UInt8(ascii: ",") else {
      throw SyntaxError(expected: "a parameter or the end of the address", offset: offset)
    }
  }

  /// Takes `;tag=` and a value that ends the address, which is all that nearly every From and To has.
  @inline(__always)
  private mutating func takeOnlyTag(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int
  ) -> Bool {
    guard offset + 8 <= end, bytes.wordUnaligned(at: offset) & 0xFF_FFFF_FFFF == 0x3D_6761_743B
    else { return false }
    var next = offset + 5
    let value = bytes.run(of: .parameterValue, at: &next, end: end)
    guard next == end, !value.isEmpty else { return false }
    (parameters, tag) = (ByteRange(offset, end), value)
    offset = end
    return true
  }

  /// Takes `[ display-name ] LWS` in front of a bracket; takes nothing in front of an addr-spec.
  ///
  /// UTF-8 without quotes is taken too, as many phones send it.
  private static func parseDisplayName(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int
  ) throws(SyntaxError) -> ByteRange {
    let start = offset
    let first = bytes.peek(offset, end: end)
    if first == UInt8(ascii: "<") { return ByteRange(start, start) }
    if first == UInt8(ascii: "\"") {
      let name = try bytes.parseQuotedString(at: &offset, end: end)
      bytes.skipWhitespace(at: &offset, end: end)
      guard bytes.peek(offset, end: end) == UInt8(ascii: "<") else {
        throw SyntaxError(expected: "an address in brackets", offset: offset)
      }
      return name
    }
    var index = offset
    while index < end, isNameByte(bytes[index]) { index += 1 }
    guard index < end, bytes[index] == UInt8(ascii: "<") else { return ByteRange(start, start) }
    offset = index
    return bytes.trimmed(start, index)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 0x80 || isWhitespace(byte) || ByteSet.token.contains(byte)
  }
}
