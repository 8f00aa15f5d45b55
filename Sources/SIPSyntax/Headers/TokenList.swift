import Elements

/// The tokens of all lines of a field, compared without regard to case (RFC 3261 §7.3.1).
///
/// A view of the message: looking for one token copies nothing. What stands behind a token (parameters,
/// comments) is not part of it.
package struct TokenList: Sendable {
  private let headers: HeaderFields
  private let name: HeaderName

  init(_ headers: HeaderFields, _ name: HeaderName) {
    (self.headers, self.name) = (headers, name)
  }

  /// True if there is no token, because the field is missing or its lines are empty.
  package var isEmpty: Bool { !contains { _ in true } }

  /// True if the token is there; `token` in lower case.
  package func contains(_ token: StaticString) -> Bool {
    guard headers.has(name) else { return false }
    return contains { headers.bytes.span.equals($0, ignoringCase: token) }
  }

  /// The tokens as received, in their order; ``MessageLimits/values`` at most.
  package var tokens: [[UInt8]] {
    var tokens: [[UInt8]] = []
    _ = contains {
      tokens.append(Array(headers.bytes[$0.range]))
      return tokens.count == MessageLimits.values
    }
    return tokens
  }

  /// The tokens as text.
  package var texts: [String] { tokens.map { String(decoding: $0, as: UTF8.self) } }

  /// True as soon as `matches` says so for the range of a token.
  private func contains(where matches: (ByteRange) -> Bool) -> Bool {
    guard headers.has(name) else { return false }
    let span = headers.bytes.span
    for field in headers.fields where field.isNamed(name) {
      var offset = Int(field.value.lower)
      let end = Int(field.value.upper)
      while offset < end {
        let value = span.nextListValue(at: &offset, end: end)
        var tokenEnd = Int(value.lower)
        while tokenEnd < Int(value.upper), span[tokenEnd] != 0x3B, !isWhitespace(span[tokenEnd]) {
          tokenEnd += 1
        }
        let token = ByteRange(Int(value.lower), tokenEnd)
        if !token.isEmpty, matches(token) { return true }
      }
    }
    return false
  }
}
