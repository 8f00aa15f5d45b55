import Elements

/// The media type of a body: Content-Type, or one entry of Accept (RFC 3261 §20.15).
package struct MediaType: Hashable, Sendable {
  /// In lower case: "application/sdp", or "*/*" in Accept.
  package let name: String
  package let parameters: Parameters

  package init(_ name: String, parameters: Parameters = .none) {
    (self.name, self.parameters) = (name.lowercased(), parameters)
  }

  /// Parses `m-type SLASH m-subtype *( SEMI m-parameter )`.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    bytes.skipWhitespace(at: &offset, end: bytes.count)
    let type = bytes.copy(try bytes.parseToken(at: &offset, end: bytes.count))
    guard bytes.take(UInt8(ascii: "/"), at: &offset, end: bytes.count) else {
      throw SyntaxError(expected: "a slash", offset: offset)
    }
    let subtype = bytes.copy(try bytes.parseToken(at: &offset, end: bytes.count))
    let text = (type + [UInt8(ascii: "/")] + subtype).map { lowercased($0) }
    name = String(decoding: text, as: UTF8.self)
    parameters = try bytes.parseParametersToEnd(at: &offset)
  }

  package var isMultipart: Bool { name.hasPrefix("multipart/") }

  /// True if this entry of an Accept takes `other`.
  package func accepts(_ other: String) -> Bool {
    if name == "*/*" || name == other { return true }
    return name.hasSuffix("/*") && other.hasPrefix(name.dropLast())
  }
}

extension MediaType: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: name.utf8)
    bytes.append(contentsOf: parameters.bytes)
  }
}
