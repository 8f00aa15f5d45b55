import Elements

extension URI {
  /// The parameters with escapes resolved, in their order.
  package var parameters: [Component] {
    components(of: parts.parameters, between: UInt8(ascii: ";"))
  }

  /// The headers behind "?" with escapes resolved, in their order: "Replaces" of a Refer-To, for example.
  package var headers: [Component] {
    components(of: parts.headers, between: UInt8(ascii: "&"))
  }

  /// The first header of that name, in any case, escapes resolved.
  package func header(_ name: String) -> [UInt8]? {
    let name = name.lowercased()
    return headers.first { $0.name.lowercased() == name }?.value
  }

  /// True if the parameter is there, with or without a value: `lr`, `ob`.
  package func hasParameter(_ name: String) -> Bool { component(name) != nil }

  /// The value of a parameter as text; nil if it is missing or has none.
  package func parameter(_ name: String) -> String? { component(name)?.text }

  private func component(_ name: String) -> Component? {
    guard parts.parameters.isPresent else { return nil }
    let name = name.lowercased()
    return parameters.first { $0.name.lowercased() == name }
  }

  private func components(of piece: Piece, between separator: UInt8) -> [Component] {
    guard let range = piece.range else { return [] }
    let span = bytes.span
    var found: [Component] = []
    var start = Int(range.lower)
    let end = Int(range.upper)
    while start <= end, found.count < MessageLimits.values {
      var stop = start
      var equals: Int?
      while stop < end, span[stop] != separator {
        if equals == nil, span[stop] == UInt8(ascii: "=") { equals = stop }
        stop += 1
      }
      let name = span.unescaped(ByteRange(start, equals ?? stop))
      let text = String(decoding: name, as: UTF8.self)
      found.append(
        equals.map { Component(text, bytes: span.unescaped(ByteRange($0 + 1, stop))) }
          ?? Component(text))
      start = stop + 1
    }
    return found
  }
}

extension URI {
  /// The comparison of RFC 3261 §19.1.4; for schemes other than sip and sips the bytes, for tel the number.
  package func isEquivalent(to other: URI) -> Bool {
    guard scheme == other.scheme else { return false }
    switch scheme {
    case .sip, .sips:
      return parts.port == other.parts.port && host == other.host
        && canonical(parts.user) == other.canonical(other.parts.user)
        && canonical(parts.password) == other.canonical(other.parts.password)
        && parametersMatch(other) && headersMatch(other)
    case .tel:
      return telephoneNumber == other.telephoneNumber
        && foldedParameters == other.foldedParameters
    case .other:
      return bytes == other.bytes
    }
  }

  /// User or password with the escapes resolved that do not stand for a reserved character.
  private func canonical(_ piece: Piece) -> [UInt8]? {
    guard let range = piece.range else { return nil }
    let span = bytes.span
    var text: [UInt8] = []
    var index = Int(range.lower)
    while index < Int(range.upper) {
      let isEscape = span[index] == UInt8(ascii: "%") && index + 2 < Int(range.upper)
      let length = isEscape ? 3 : 1
      let plain = span.unescaped(ByteRange(index, index + length))
      let isReserved = isEscape && plain.allSatisfy { Self.reserved.contains($0) }
      if isReserved { text.append(UInt8(ascii: "%")) }
      text += plain
      index += length
    }
    return text
  }

  private static let reserved = Array(";/?:@&=+$,%".utf8)

  private var foldedParameters: [String: [UInt8]] {
    Dictionary(
      parameters.map { ($0.name.lowercased(), Self.folded($0.value ?? [])) },
      uniquingKeysWith: { first, _ in first })
  }

  private static func folded(_ value: [UInt8]) -> [UInt8] { value.map { SIPSyntax.lowercased($0) } }

  /// A parameter of both must match; these five must be in both or in neither.
  private func parametersMatch(_ other: URI) -> Bool {
    guard parts.parameters.isPresent || other.parts.parameters.isPresent else { return true }
    let (mine, theirs) = (foldedParameters, other.foldedParameters)
    for name in ["transport", "user", "ttl", "method", "maddr"] where mine[name] != theirs[name] {
      return false
    }
    return mine.allSatisfy { name, value in theirs[name].map { $0 == value } ?? true }
  }

  private func headersMatch(_ other: URI) -> Bool {
    guard parts.headers.isPresent || other.parts.headers.isPresent else { return true }
    return sortedHeaders == other.sortedHeaders
  }

  private var sortedHeaders: [[UInt8]] {
    headers.map { Array($0.name.lowercased().utf8) + [0] + ($0.value ?? []) }
      .sorted { $0.lexicographicallyPrecedes($1) }
  }
}
