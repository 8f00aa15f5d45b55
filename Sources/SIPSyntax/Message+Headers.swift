import Elements

// Typed header fields on demand. Offsets of errors count from the start of the value.
extension Message {
  /// All Via values, from the top down.
  package func vias() throws(SyntaxError) -> [Via] {
    var vias: [Via] = []
    for range in values(.via) { vias.append(try Via(parsing: bytes[range.range].span)) }
    return vias
  }

  /// The contacts; ``MessageParser`` has checked their form.
  package func contacts() throws(SyntaxError) -> ContactList {
    let span = bytes.span
    if let onlyContact { return .contacts([onlyContact]) }
    if let range = first(.contact), range.count == 1, bytes[Int(range.lower)] == UInt8(ascii: "*") {
      return .all
    }
    var contacts: [NameAddress] = []
    for field in headers.fields where field.isNamed(.contact) {
      var offset = Int(field.value.lower)
      let end = Int(field.value.upper)
      repeat {
        guard contacts.count < MessageLimits.values else { break }
        contacts.append(
          NameAddress(span, try NameAddressParts(span, at: &offset, end: end)))
      } while span.take(UInt8(ascii: ","), at: &offset, end: end)
    }
    return .contacts(contacts)
  }

  /// Name-addr values of a field, from all its lines: Route, Record-Route, Path, and so on.
  package func addresses(_ name: HeaderName) throws(SyntaxError) -> [NameAddress] {
    var addresses: [NameAddress] = []
    guard has(name) else { return addresses }
    let span = bytes.span
    for field in headers.fields where field.isNamed(name) {
      var offset = Int(field.value.lower)
      while offset < Int(field.value.upper), addresses.count < MessageLimits.values {
        let value = span.nextListValue(at: &offset, end: Int(field.value.upper))
        if value.isEmpty { continue }
        addresses.append(try NameAddress(parsing: span.extracting(value.range)))
      }
    }
    return addresses
  }

  package func routes() throws(SyntaxError) -> [NameAddress] { try addresses(.route) }
  package func recordRoutes() throws(SyntaxError) -> [NameAddress] { try addresses(.recordRoute) }
  package func path() throws(SyntaxError) -> [NameAddress] { try addresses(.path) }

  /// Tokens of all lines of a field: Supported, Require, Allow, Allow-Events, Privacy and others.
  ///
  /// The part of a value behind a semicolon is cut.
  package func tokens(_ name: HeaderName) -> TokenList { TokenList(headers, name) }

  /// A field that is one number, such as Expires or RSeq; nil if it is missing, malformed or 2^32 and above.
  package func number(_ name: HeaderName) -> UInt32? {
    guard let range = first(name) else { return nil }
    var offset = Int(range.lower)
    let number = try? bytes.span.parseNumber(at: &offset, end: Int(range.upper), below: 1 << 32)
    return number.flatMap { offset == Int(range.upper) ? UInt32($0) : nil }
  }
}

// One value each; nil if the field is missing.
extension Message {
  /// The first value of a field, parsed by `body`.
  private func single<Value>(
    _ name: HeaderName, _ body: (Span<UInt8>) throws(SyntaxError) -> Value
  ) throws(SyntaxError) -> Value? {
    guard let range = first(name) else { return nil }
    return try body(bytes.span.extracting(range.range))
  }

  /// All values of a field, each parsed by `body`.
  private func list<Value>(
    _ name: HeaderName, _ body: (Span<UInt8>) throws(SyntaxError) -> Value
  ) throws(SyntaxError) -> [Value] {
    var list: [Value] = []
    for range in values(name) { list.append(try body(bytes[range.range].span)) }
    return list
  }

  package func sessionExpires() throws(SyntaxError) -> SessionExpires? {
    try single(.sessionExpires) { bytes throws(SyntaxError) in try SessionExpires(parsing: bytes) }
  }

  package func replaces() throws(SyntaxError) -> Replaces? {
    try single(.replaces) { bytes throws(SyntaxError) in try Replaces(parsing: bytes) }
  }

  package func join() throws(SyntaxError) -> Replaces? {
    try single(.join) { bytes throws(SyntaxError) in try Replaces(parsing: bytes) }
  }

  package func targetDialog() throws(SyntaxError) -> Replaces? {
    try single(.targetDialog) { bytes throws(SyntaxError) in try Replaces(parsing: bytes) }
  }

  package func referTo() throws(SyntaxError) -> ReferTo? {
    try single(.referTo) { bytes throws(SyntaxError) in try ReferTo(parsing: bytes) }
  }

  package func referredBy() throws(SyntaxError) -> NameAddress? {
    try single(.referredBy) { bytes throws(SyntaxError) in try NameAddress(parsing: bytes) }
  }

  package func event() throws(SyntaxError) -> EventType? {
    try single(.event) { bytes throws(SyntaxError) in try EventType(parsing: bytes) }
  }

  package func subscriptionState() throws(SyntaxError) -> SubscriptionState? {
    try single(.subscriptionState) { bytes throws(SyntaxError) in
      try SubscriptionState(parsing: bytes)
    }
  }

  package func privacy() throws(SyntaxError) -> Privacy? {
    try single(.privacy) { bytes throws(SyntaxError) in try Privacy(parsing: bytes) }
  }

  package func rack() throws(SyntaxError) -> RAck? {
    try single(.rack) { bytes throws(SyntaxError) in try RAck(parsing: bytes) }
  }

  package func retryAfter() throws(SyntaxError) -> RetryAfter? {
    try single(.retryAfter) { bytes throws(SyntaxError) in try RetryAfter(parsing: bytes) }
  }

  package func contentType() throws(SyntaxError) -> MediaType? {
    try single(.contentType) { bytes throws(SyntaxError) in try MediaType(parsing: bytes) }
  }

  package func contentDisposition() throws(SyntaxError) -> ParameterizedToken? {
    try single(.contentDisposition) { bytes throws(SyntaxError) in
      try ParameterizedToken(parsing: bytes)
    }
  }

  package func date() throws(SyntaxError) -> SIPDate? {
    try single(.date) { bytes throws(SyntaxError) in try SIPDate(parsing: bytes) }
  }

  package func reasons() throws(SyntaxError) -> [Reason] {
    try list(.reason) { bytes throws(SyntaxError) in try Reason(parsing: bytes) }
  }

  package func diversions() throws(SyntaxError) -> [Diversion] {
    try list(.diversion) { bytes throws(SyntaxError) in try Diversion(parsing: bytes) }
  }

  package func historyInfo() throws(SyntaxError) -> [HistoryEntry] {
    try list(.historyInfo) { bytes throws(SyntaxError) in try HistoryEntry(parsing: bytes) }
  }

  package func warnings() throws(SyntaxError) -> [Warning] {
    try list(.warning) { bytes throws(SyntaxError) in try Warning(parsing: bytes) }
  }

  package func accept() throws(SyntaxError) -> [MediaType] {
    try list(.accept) { bytes throws(SyntaxError) in try MediaType(parsing: bytes) }
  }

  /// P-Asserted-Identity: a sip or sips and a tel URI at most (RFC 3325 §9.1).
  package func assertedIdentities() throws(SyntaxError) -> [NameAddress] {
    try addresses(.assertedIdentity)
  }

  package func preferredIdentities() throws(SyntaxError) -> [NameAddress] {
    try addresses(.preferredIdentity)
  }

  /// The seconds of Expires; nil if it is missing, 3600 if it is malformed or overlarge (RFC 3261 §20.19).
  package var expires: UInt32? { has(.expires) ? number(.expires) ?? 3600 : nil }
  /// RSeq (RFC 3262 §7.1).
  package var rseq: UInt32? { number(.rseq) }
  /// Min-SE in seconds (RFC 4028 §5).
  package var minSE: UInt32? { leadingNumber(.minSE) }
  /// Max-Breadth (RFC 5393 §5.3.3).
  package var maxBreadth: UInt32? { number(.maxBreadth) }
  package var require: TokenList { tokens(.require) }
  package var supported: TokenList { tokens(.supported) }
  package var allow: TokenList { tokens(.allow) }

  /// A number in front of parameters.
  private func leadingNumber(_ name: HeaderName) -> UInt32? {
    guard let range = first(name) else { return nil }
    var offset = Int(range.lower)
    return try? bytes.span.parseUInt32(at: &offset, end: Int(range.upper))
  }

  /// All challenges or credentials of a field, from all its lines.
  package func authentication(_ name: HeaderName) throws(SyntaxError) -> [AuthenticationValue] {
    var found: [AuthenticationValue] = []
    for range in lines(name) {
      found += try AuthenticationValue.parseList(bytes[range.range].span)
    }
    return found
  }

  /// The Digest credentials of Authorization or Proxy-Authorization; other schemes are skipped.
  package func digestCredentials(_ name: HeaderName) throws(SyntaxError) -> [DigestCredentials] {
    var found: [DigestCredentials] = []
    for value in try authentication(name) where value.isDigest {
      found.append(try DigestCredentials(value))
    }
    return found
  }

  /// The Digest challenges of WWW-Authenticate or Proxy-Authenticate; other schemes are skipped.
  package func digestChallenges(
    _ name: HeaderName
  ) throws(SyntaxError) -> [DigestChallengeValue] {
    var found: [DigestChallengeValue] = []
    for value in try authentication(name) where value.isDigest {
      found.append(try DigestChallengeValue(value))
    }
    return found
  }
}

/// The Contact header fields of a message.
package enum ContactList: Hashable, Sendable {
  /// "*": all bindings, in a REGISTER (RFC 3261 §10.2.2).
  case all
  case contacts([NameAddress])

  package var isEmpty: Bool { self == .contacts([]) }
}
