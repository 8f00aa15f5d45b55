import Elements

/// A stretch of a URI, in 16 bits; absent when it ends before it begins.
struct Piece: Hashable, Sendable {
  var lower: UInt16
  var upper: UInt16

  static let absent = Piece(lower: 1, upper: 0)

  init(lower: UInt16, upper: UInt16) {
    (self.lower, self.upper) = (lower, upper)
  }

  init(_ lower: Int, _ upper: Int) {
    self.init(
      lower: UInt16(truncatingIfNeeded: lower), upper: UInt16(truncatingIfNeeded: upper))
  }

  var isPresent: Bool { lower <= upper }
  var range: ByteRange? { isPresent ? ByteRange(Int(lower), Int(upper)) : nil }
}

/// Where the parts of a URI are, counted from its first byte; found in one pass, without allocation.
struct URIParts: Hashable, Sendable {
  var scheme = URI.Scheme.other
  /// Offset of the colon behind the scheme.
  var schemeEnd: UInt16 = 0
  var user = Piece.absent
  var password = Piece.absent
  var host = Piece.absent
  var port: UInt16?
  /// Behind the first semicolon.
  var parameters = Piece.absent
  /// Behind the question mark.
  var headers = Piece.absent

  /// Parses a whole URI; offsets of errors are offsets of `bytes`.
  init(_ bytes: Span<UInt8>, _ lower: Int, _ upper: Int) throws(SyntaxError) {
    guard upper - lower <= MessageLimits.uriBytes else {
      throw SyntaxError(expected: "a URI of at most \(MessageLimits.uriBytes) bytes", offset: lower)
    }
    var offset = lower
    // sip: as a word; its three letters are folded.
    if upper - lower > 4, bytes.word(lower, upper) & 0xFFFF_FFFF | 0x20_2020 == 0x3A70_6973 {
      (scheme, schemeEnd, offset) = (.sip, 3, lower + 4)
    } else {
      try parseScheme(bytes, at: &offset, upper)
    }
    switch scheme {
    case .sip, .sips:
      try parseUserInfo(bytes, at: &offset, lower, upper)
      try parseHostPort(bytes, at: &offset, lower, upper)
      if offset == upper { return }
      try parseParameters(bytes, at: &offset, lower, upper)
      try parseHeaders(bytes, at: &offset, lower, upper)
    case .tel:
      try parseNumber(bytes, at: &offset, lower, upper)
      try parseParameters(bytes, at: &offset, lower, upper)
    case .other:
      let start = offset
      _ = bytes.run(of: .opaqueURI, at: &offset, end: upper)
      guard offset > start else { throw SyntaxError(expected: "a URI", offset: offset) }
    }
    guard offset == upper else { throw SyntaxError(expected: "the end of the URI", offset: offset) }
  }

  private mutating func parseScheme(
    _ bytes: Span<UInt8>, at offset: inout Int, _ upper: Int
  ) throws(SyntaxError) {
    let lower = offset
    if offset < upper, ByteSet.alpha.contains(bytes[offset]) {
      _ = bytes.run(of: .scheme, at: &offset, end: upper)
    }
    guard offset > lower, offset < upper, bytes[offset] == UInt8(ascii: ":") else {
      throw SyntaxError(expected: "a URI scheme", offset: offset)
    }
    schemeEnd = UInt16(offset - lower)
    scheme = URI.Scheme(bytes, ByteRange(lower, offset))
    offset += 1
  }

  /// Takes `user [ ":" password ] "@"`, or nothing if there is no "@" behind it.
  @inline(__always)
  private mutating func parseUserInfo(
    _ bytes: Span<UInt8>, at offset: inout Int, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    guard bytes.first(UInt8(ascii: "@"), from: offset, end: upper) < upper else { return }
    var at = offset
    try bytes.skipEscaped(.user, at: &at, end: upper)
    let userEnd = at
    if bytes.peek(at, end: upper) == UInt8(ascii: ":") {
      at += 1
      try bytes.skipEscaped(.password, at: &at, end: upper)
      if bytes.peek(at, end: upper) == UInt8(ascii: "@") {
        password = Piece(userEnd + 1 - lower, at - lower)
      }
    }
    guard bytes.peek(at, end: upper) == UInt8(ascii: "@") else { return }
    guard userEnd > offset else { throw SyntaxError(expected: "a user", offset: offset) }
    user = Piece(offset - lower, userEnd - lower)
    offset = at + 1
  }

  @inline(__always)
  private mutating func parseHostPort(
    _ bytes: Span<UInt8>, at offset: inout Int, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    let range = try bytes.parseHost(at: &offset, end: upper)
    host = Piece(Int(range.lower) - lower, Int(range.upper) - lower)
    port = try bytes.parsePort(at: &offset, end: upper)
  }

  private mutating func parseNumber(
    _ bytes: Span<UInt8>, at offset: inout Int, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    let start = offset
    try bytes.skipEscaped(.telephone, at: &offset, end: upper)
    guard offset > start else { throw SyntaxError(expected: "a telephone number", offset: offset) }
    user = Piece(start - lower, offset - lower)
  }

  private mutating func parseParameters(
    _ bytes: Span<UInt8>, at offset: inout Int, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    guard bytes.peek(offset, end: upper) == UInt8(ascii: ";") else { return }
    let start = offset + 1
    var count = 0
    while bytes.peek(offset, end: upper) == UInt8(ascii: ";") {
      offset += 1
      let name = offset
      try bytes.skipEscaped(.parameter, at: &offset, end: upper)
      guard offset > name else { throw SyntaxError(expected: "a URI parameter", offset: offset) }
      if bytes.peek(offset, end: upper) == UInt8(ascii: "=") {
        offset += 1
        try bytes.skipEscaped(.parameter, at: &offset, end: upper)
      }
      count += 1
      guard count <= MessageLimits.parameters else {
        throw SyntaxError(
          expected: "at most \(MessageLimits.parameters) URI parameters", offset: offset)
      }
    }
    parameters = Piece(start - lower, offset - lower)
  }

  private mutating func parseHeaders(
    _ bytes: Span<UInt8>, at offset: inout Int, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    guard bytes.peek(offset, end: upper) == UInt8(ascii: "?") else { return }
    offset += 1
    let start = offset
    try bytes.skipEscaped(.opaqueURI, at: &offset, end: upper)
    guard offset > start else { throw SyntaxError(expected: "a URI header", offset: offset) }
    headers = Piece(start - lower, offset - lower)
  }
}

extension Span where Element == UInt8 {
  /// Skips bytes of `set`, which has "%" in it; each "%" must begin an escape.
  @inline(__always)
  func skipEscaped(_ set: ByteSet, at offset: inout Int, end: Int) throws(SyntaxError) {
    let taken = run(of: set, at: &offset, end: end)
    var escape = first(UInt8(ascii: "%"), from: Int(taken.lower), end: offset)
    while escape < offset {
      guard escape + 2 < end, ByteSet.hexadecimal.contains(self[escape + 1]),
        ByteSet.hexadecimal.contains(self[escape + 2])
      else { throw SyntaxError(expected: "two hexadecimal digits after %", offset: escape) }
      escape = first(UInt8(ascii: "%"), from: escape + 3, end: offset)
    }
  }
}
