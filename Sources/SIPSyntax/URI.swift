import Elements

/// A URI as it was received or built, with its parts found (RFC 3261 §19.1, RFC 3966).
///
/// `==` compares the bytes; ``isEquivalent(to:)`` is the comparison of RFC 3261 §19.1.4, which is not
/// transitive and therefore no `==`. Accessors give text with escapes resolved exactly once.
package struct URI: Hashable, Sendable, CustomStringConvertible {
  package enum Scheme: UInt8, Hashable, Sendable {
    case sip, sips, tel
    /// Kept verbatim; only ``URI/bytes`` and ``URI/schemeText`` mean something.
    case other
  }

  /// The URI as it stands in a message, without brackets.
  package let bytes: [UInt8]
  let parts: URIParts

  /// Parses a whole URI.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    let parts = try URIParts(bytes, 0, bytes.count)
    self.init(bytes: bytes.copy(ByteRange(0, bytes.count)), parts: parts)
  }

  package init(_ text: String) throws(SyntaxError) {
    try self.init(parsing: Array(text.utf8).span)
  }

  init(bytes: [UInt8], parts: URIParts) {
    (self.bytes, self.parts) = (bytes, parts)
  }

  package static func == (left: URI, right: URI) -> Bool { left.bytes == right.bytes }
  package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  package var description: String { String(decoding: bytes, as: UTF8.self) }
  package var scheme: Scheme { parts.scheme }
  /// The scheme in lower case, without the colon.
  package var schemeText: String {
    text(of: ByteRange(0, Int(parts.schemeEnd))).lowercased()
  }
  /// True for sip and sips.
  package var isSIP: Bool { scheme == .sip || scheme == .sips }

  /// The user with escapes resolved: bytes, for they may hold zeros (RFC 4475 §3.1.1.4).
  ///
  /// For a tel URI the number with its separators.
  package var user: [UInt8]? { parts.user.range.map(unescaped) }

  /// The user as text, if it is UTF-8.
  package var userText: String? {
    user.flatMap { String(validating: $0, as: UTF8.self) }
  }

  package var hasPassword: Bool { parts.password.isPresent }

  /// The host of a sip or sips URI.
  package var host: Host? { parts.host.range.map { Host(bytes.span, $0) } }
  package var port: UInt16? { parts.port }
  package var hasHeaders: Bool { parts.headers.isPresent }

  /// The telephone number of a tel URI, or the user of a sip URI, without visual separators.
  ///
  /// Separators of RFC 3966 are "-", ".", "(" and ")"; parameters behind the user (RFC 4694: `;npdi`) are cut.
  package var telephoneNumber: String? {
    guard let user, String(validating: user, as: UTF8.self) != nil else { return nil }
    let number = user.prefix { $0 != UInt8(ascii: ";") }
    let isNumber = number.allSatisfy { $0 < 0x80 && !ByteSet.alpha.contains($0) }
    guard scheme == .tel || isNumber else { return String(decoding: number, as: UTF8.self) }
    let plain = number.filter { byte in
      switch byte {
      case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"): false
      case _: true
      }
    }
    return String(decoding: plain, as: UTF8.self)
  }

  /// The user and host that name an address of record: scheme, parameters and port do not count.
  ///
  /// Characters that need an escape keep it, so that no two users fall together (RFC 3261 §10.3).
  package var addressOfRecord: String? {
    guard let host else { return nil }
    var text: [UInt8] = []
    if let user {
      text.appendEscaped(user.span, keeping: .plainUser)
      text.append(UInt8(ascii: "@"))
    }
    return String(decoding: text, as: UTF8.self) + "\(host)"
  }

  private func unescaped(_ range: ByteRange) -> [UInt8] { bytes.span.unescaped(range) }
  func text(of range: ByteRange) -> String {
    String(decoding: bytes[range.range], as: UTF8.self)
  }
}

extension Span where Element == UInt8 {
  /// The range with each escape resolved, once; the parser has checked that escapes are whole.
  func unescaped(_ range: ByteRange) -> [UInt8] {
    guard hasEscape(range) else { return copy(range) }
    var plain: [UInt8] = []
    plain.reserveCapacity(range.count)
    var index = Int(range.lower)
    let end = Int(range.upper)
    while index < end {
      if self[index] == UInt8(ascii: "%"), index + 2 < end {
        plain.append(hexadecimal(self[index + 1]) << 4 | hexadecimal(self[index + 2]))
        index += 3
      } else {
        plain.append(self[index])
        index += 1
      }
    }
    return plain
  }

  func hasEscape(_ range: ByteRange) -> Bool {
    let end = Int(range.upper)
    return first(UInt8(ascii: "%"), from: Int(range.lower), end: end) < end
  }
}

/// The value of a hexadecimal digit that has been checked before.
private func hexadecimal(_ digit: UInt8) -> UInt8 {
  digit < 0x3A ? digit & 0x0F : (digit & 0x07) + 9
}

extension [UInt8] {
  /// Appends bytes, each outside `plain` as "%" and two upper-case digits.
  mutating func appendEscaped(_ value: Span<UInt8>, keeping plain: ByteSet) {
    var offset = 0
    _ = value.run(of: plain, at: &offset, end: value.count)
    if offset == value.count {
      return append(addingCapacity: value.count) { $0.append(copying: value) }
    }
    for index in value.indices {
      let byte = value[index]
      if plain.contains(byte) {
        append(byte)
      } else {
        append(UInt8(ascii: "%"))
        append(upperHexadecimal: byte >> 4)
        append(upperHexadecimal: byte & 15)
      }
    }
  }

  private mutating func append(upperHexadecimal digit: UInt8) {
    append(digit < 10 ? digit + 0x30 : digit + 0x37)
  }
}

extension URI.Scheme {
  init(_ bytes: Span<UInt8>, _ range: ByteRange) {
    // The names as words, the first letter in the lowest byte.
    switch (range.count, bytes.foldedWord(range)) {
    case (3, 0x70_6973): self = .sip
    case (4, 0x7370_6973): self = .sips
    case (3, 0x6C_6574): self = .tel
    case _: self = .other
    }
  }
}
