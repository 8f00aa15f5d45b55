import Elements

/// The value of an `a=crypto` attribute we can work with (RFC 4568 §9.1):
/// `1 AES_CM_128_HMAC_SHA1_80 inline:<key and salt>|2^31|1:4 WSH=128`.
package struct KeyingAttribute: Hashable, Sendable {
  /// Names the attribute; the answer repeats the tag of the one it chose.
  package let tag: Int
  /// What the writer protects its own packets with.
  package let key: MasterKey
  /// Packets the key may protect, as a power of two; nil: as many as the suite allows.
  package let lifetimeExponent: Int?

  package init(tag: Int, key: MasterKey, lifetimeExponent: Int? = nil) {
    (self.tag, self.key, self.lifetimeExponent) = (tag, key, lifetimeExponent)
  }

  /// Parses the attribute behind `a=crypto:`; nil for what is malformed and for what we must not take.
  ///
  /// Not taken: unknown suites, several keys, and session parameters that weaken or change the
  /// protection (RFC 4568 §6.3: unknown ones must be refused unless they begin with a minus).
  package init?(parsing value: [UInt8]) {
    let words = value.split { $0 == UInt8(ascii: " ") || $0 == 9 }
    guard words.count >= 3, let tag = Self.number(words[0], digits: 9),
      let profile = ProtectionProfile(name: String(decoding: words[1], as: UTF8.self)),
      words[3...].allSatisfy(Self.isHarmless),
      let parameters = Self.keyParameters(words[2], profile: profile)
    else { return nil }
    (self.tag, key, lifetimeExponent) = (tag, parameters.key, parameters.lifetime)
  }

  /// The value to write behind `a=crypto:`.
  package var serialized: [UInt8] {
    var text = Array("\(tag) \(key.profile.name) inline:".utf8)
    text += Base64.encode(key.material.exposed)
    if let lifetimeExponent { text += Array("|2^\(lifetimeExponent)".utf8) }
    if !key.identifier.isEmpty, let number = Self.number(ofIdentifier: key.identifier) {
      text += Array("|\(number):\(key.identifier.count)".utf8)
    }
    return text
  }

  private static func keyParameters(
    _ word: ArraySlice<UInt8>, profile: ProtectionProfile
  ) -> (key: MasterKey, lifetime: Int?)? {
    let prefix = Array("inline:".utf8)
    guard word.starts(with: prefix), !word.contains(UInt8(ascii: ";")) else { return nil }
    let parts = word.dropFirst(prefix.count).split(
      separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
    guard (1...3).contains(parts.count), let material = Base64.decode(parts[0]) else { return nil }
    var (lifetime, identifier): (Int?, [UInt8]) = (nil, [])
    for (index, part) in parts.enumerated().dropFirst() {
      if part.contains(UInt8(ascii: ":")) {
        guard index == parts.count - 1, let parsed = parseIdentifier(part) else { return nil }
        identifier = parsed
      } else {
        guard index == 1, let exponent = parseLifetime(part) else { return nil }
        lifetime = exponent
      }
    }
    guard
      let key = MasterKey(profile: profile, material: Secret(material), identifier: identifier)
    else { return nil }
    return (key, lifetime)
  }

  /// "2^31", or a plain number, rounded down to a power of two; below 2^10 no call can be held.
  private static func parseLifetime(_ text: ArraySlice<UInt8>) -> Int? {
    let exponent: Int?
    if text.starts(with: "2^".utf8) {
      exponent = number(text.dropFirst(2), digits: 2)
    } else {
      exponent = number(text, digits: 15).flatMap {
        $0 > 0 ? Int.bitWidth - 1 - $0.leadingZeroBitCount : nil
      }
    }
    return exponent.flatMap { (10...48).contains($0) ? $0 : nil }
  }

  /// "1:4": the number 1 in four bytes.
  private static func parseIdentifier(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 2, let value = number(parts[0], digits: 18),
      let size = number(parts[1], digits: 3), (1...128).contains(size),
      size >= 8 || value >> (8 * size) == 0
    else { return nil }
    return (0..<size).reversed().map { index in
      index < 8 ? UInt8(truncatingIfNeeded: value >> (8 * index)) : 0
    }
  }

  private static func number(ofIdentifier bytes: [UInt8]) -> UInt64? {
    guard bytes.dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
    return bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A window size hint, or an extension marked as optional.
  private static func isHarmless(_ parameter: ArraySlice<UInt8>) -> Bool {
    if parameter.first == UInt8(ascii: "-") { return parameter.count > 1 }
    let hint = Array("WSH=".utf8)
    guard parameter.starts(with: hint) else { return false }
    return number(parameter.dropFirst(hint.count), digits: 6) != nil
  }

  private static func number(_ text: ArraySlice<UInt8>, digits: Int) -> Int? {
    guard !text.isEmpty, text.count <= digits, text.allSatisfy({ (48...57).contains($0) }) else {
      return nil
    }
    return text.reduce(0) { $0 * 10 + Int($1 - 48) }
  }
}
