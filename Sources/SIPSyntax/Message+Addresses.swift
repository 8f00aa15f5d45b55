package import Elements

// Hosts and users of the three addresses of a request, without a copy of the URIs that they stand in.
extension Message {
  /// Where the host of the Request-URI stands; nil for a response and for a URI without one.
  package var requestHost: ByteRange? {
    guard case .request(_, let range, let parts) = storage.start else { return nil }
    return parts.host.range(behind: range.lower)
  }

  package var fromHost: ByteRange? {
    storage.from.uriParts.host.range(behind: storage.from.uri.lower)
  }

  package var toHost: ByteRange? { storage.to.uriParts.host.range(behind: storage.to.uri.lower) }

  /// The user of the Request-URI with escapes resolved, as ``URI/user`` gives it.
  package var requestUser: [UInt8]? {
    guard case .request(_, let range, let parts) = storage.start else { return nil }
    return parts.user.range(behind: range.lower).map { bytes.span.unescaped($0) }
  }

  package var fromUser: [UInt8]? {
    storage.from.uriParts.user.range(behind: storage.from.uri.lower).map {
      bytes.span.unescaped($0)
    }
  }

  /// Reads the user of To with escapes resolved, where it stands if it has none; nil for an address without one.
  package func withToUser<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
    guard let range = storage.to.uriParts.user.range(behind: storage.to.uri.lower) else {
      return nil
    }
    let span = bytes.span
    guard span.hasEscape(range) else { return body(span.extracting(range.range)) }
    let plain = span.unescaped(range)
    return body(plain.span)
  }

  /// Where the URI of the only Contact stands, if it is a sip URI that could be a Request-URI as it is, and no
  /// parameter is behind it.
  package var plainContact: ByteRange? {
    guard let contact = storage.contact, contact.parameters.isEmpty,
      contact.uriParts.isPlainRequestURI
    else { return nil }
    return contact.uri
  }

  /// The address that a host of this message is; nil for a name.
  package func address(at host: ByteRange) -> IPAddress? { bytes.span.address(in: host) }

  /// Whether From says that it says nothing: the user "anonymous", or a host below "invalid"
  /// (RFC 3323 §4.1.1.3).
  package var isFromAnonymous: Bool {
    if let user = fromUser,
      user.span.equals(ByteRange(0, user.count), ignoringCase: "anonymous")
    {
      return true
    }
    // A tel URI has no host, and says who it is.
    guard let host = fromHost else { return fromUser == nil }
    let suffix = ByteRange(Int(host.upper) - 8, Int(host.upper))
    return host.count >= 8 && bytes.span.equals(suffix, ignoringCase: ".invalid")
  }
}

extension Piece {
  /// The stretch counted from the start of the message; nil when it is absent.
  fileprivate func range(behind start: UInt32) -> ByteRange? {
    isPresent ? ByteRange(Int(start) + Int(lower), Int(start) + Int(upper)) : nil
  }
}
