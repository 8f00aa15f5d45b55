import Elements

/// The Refer-To header field: whom to call, and perhaps the dialog to replace (RFC 3515, RFC 3891).
package struct ReferTo: Hashable, Sendable {
  package let address: NameAddress
  /// The dialog that the call to the target replaces: the header Replaces of the URI, unescaped.
  package let replaces: Replaces?
  /// The method of the request to send; INVITE unless the URI says otherwise (RFC 3515 §2.1).
  package let method: Method

  package init(_ address: NameAddress) throws(SyntaxError) {
    self.address = address
    method = address.uri.parameter("method").map { Method($0) } ?? .invite
    if let text = address.uri.header("Replaces") {
      replaces = try Replaces(parsing: text.span)
    } else {
      replaces = nil
    }
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    try self.init(try NameAddress(parsing: bytes))
  }

  /// The target as a Request-URI: without headers and `method`.
  package var target: URI { address.uri.asRequestURI }
}

extension ReferTo: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) { address.serialize(into: &bytes) }
}
